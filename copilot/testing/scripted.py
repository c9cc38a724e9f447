"""A Session that answers from a script, for programs built on tasks: no model, no engine, no waiting."""

from collections import deque
from collections.abc import Iterator

from copilot.engine.base import Cancel, Event, ReadState, Request, Stored, Tokens
from copilot.events import Done, Progress, Text, Usage


class ScriptedSession:
    """Answers enqueued texts in order and remembers what it was asked."""

    def __init__(self, n_ctx: int = 32_768) -> None:
        self.n_ctx = n_ctx
        self.requests: list[Request] = []
        self.held: list[tuple[int, ...]] = []
        """The prefixes that were read, in order."""
        self._answers: deque[str] = deque()

    def enqueue(self, *answers: str) -> None:
        """Add the texts of coming answers; without any left, an answer is empty."""
        self._answers.extend(answers)

    def state(self, prefix: Tokens) -> ReadState:
        held = max((_common(read, prefix) for read in self.held), default=0)
        return ReadState(held, held, len(prefix))

    def stored(self, prefix: Tokens) -> Stored:
        return Stored(segments=int(tuple(prefix) in self.held), size_bytes=0)

    def read(self, prefix: Tokens, cancel: Cancel) -> Iterator[Event]:
        reused = self.state(prefix).resident
        if cancel.is_set():
            yield Done("cancelled", Usage())
            return
        self.held.append(tuple(prefix))
        yield Progress("read", len(prefix), len(prefix), "tokens", reused)
        yield Done("stop", Usage(len(prefix), reused, len(prefix) - reused))

    def generate(self, request: Request, cancel: Cancel) -> Iterator[Event]:
        self.requests.append(request)
        reused = self.state(request.prefix).resident
        yield from (event for event in self.read(request.prefix, cancel) if not isinstance(event, Done))
        words = (self._answers.popleft() if self._answers else "").split(" ")
        for number, word in enumerate(words):
            if cancel.is_set():
                break
            yield Text(word if number == 0 else f" {word}")
        n_prompt = len(request.prefix) + len(request.turn)
        usage = Usage(n_prompt, reused, n_prompt - reused, len(words))
        yield Done("cancelled" if cancel.is_set() else "stop", usage)

    def close(self) -> None:
        """Nothing to free."""


def _common(read: Tokens, prefix: Tokens) -> int:
    """How many tokens two sequences begin with together."""
    pairs = enumerate(zip(read, prefix, strict=False))
    return next((at for at, (held, wanted) in pairs if held != wanted), min(len(read), len(prefix)))
