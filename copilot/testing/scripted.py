"""A Session that answers from a script, for programs built on tasks: no model, no engine, no waiting."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from threading import Lock

from copilot.engine.base import Cancel, Event, ReadState, SessionStatus, Stored
from copilot.engine.infill_plan import common
from copilot.engine.requests import InfillRequest, Priority, Request, ScoreRequest, Tokens
from copilot.events import Done, Progress, Text, Usage


class ScriptedSession:
    """Answers enqueued texts in order and remembers what it was asked. Usable from any thread."""

    def __init__(
        self,
        n_ctx: int = 32_768,
        *,
        answer: Callable[[Request], str] | None = None,
        delay_s: float = 0.0,
        logprob: float = -0.1,
    ) -> None:
        """`answer` is asked when nothing is enqueued; without it an answer is empty. `delay_s` passes before a word.

        `logprob` is what every word is said to have, where that is asked for.
        """
        self.logprob = logprob
        self.n_ctx = n_ctx
        self.requests: list[Request] = []
        self.infill_requests: list[InfillRequest] = []
        self.score_requests: list[ScoreRequest] = []
        self.held: list[tuple[int, ...]] = []
        """The prefixes that were read, in order."""
        self._answers: deque[str] = deque()
        self._answer = answer or (lambda request: "")
        self._scores: deque[tuple[tuple[float, ...], ...]] = deque()
        self._delay_s = delay_s
        self._lock = Lock()
        self._running = 0
        self._steps = 0

    def enqueue(self, *answers: str) -> None:
        """Add the texts of coming answers."""
        self._answers.extend(answers)

    def enqueue_scores(self, *scores: tuple[tuple[float, ...], ...]) -> None:
        """Add what coming score requests return; without any left, every token has the logarithm -1."""
        self._scores.extend(scores)

    def state(self, prefix: Tokens) -> ReadState:
        held = max((common(read, prefix) for read in self.held), default=0)
        return ReadState(held, held, len(prefix))

    def stored(self, prefix: Tokens) -> Stored:
        return Stored(segments=int(tuple(prefix) in self.held), size_bytes=0)

    def read(self, prefix: Tokens, cancel: Cancel, priority: Priority = Priority.WARM) -> Iterator[Event]:
        reused = self.state(prefix).resident
        if cancel.is_set():
            yield Done("cancelled", Usage())
            return
        if tuple(prefix) not in self.held:
            self.held.append(tuple(prefix))
        self._step()
        yield Progress("read", len(prefix), len(prefix), "tokens", reused)
        yield Done("stop", Usage(len(prefix), reused, len(prefix) - reused))

    def generate(self, request: Request, cancel: Cancel) -> Iterator[Event]:
        with self._lock:
            self.requests.append(request)
            text = self._answers.popleft() if self._answers else self._answer(request)
            self._running += 1
        try:
            yield from self._said(request, text, cancel)
        finally:
            with self._lock:
                self._running -= 1

    def infill(self, request: InfillRequest, cancel: Cancel) -> Iterator[Event]:
        with self._lock:
            self.infill_requests.append(request)
        turn = (*request.hole, *request.after, *request.gap)
        yield from self.generate(Request(request.before, turn, request.sampling, request.priority), cancel)

    def score(self, request: ScoreRequest, cancel: Cancel) -> tuple[tuple[float, ...], ...]:
        self.score_requests.append(request)
        if cancel.is_set():
            return ()
        if self._scores:
            return self._scores.popleft()
        return tuple(tuple(-1.0 for _ in continuation) for continuation in request.continuations)

    def status(self) -> SessionStatus:
        return SessionStatus(tuple(map(len, self.held)), self._running, steps=self._steps)

    def close(self) -> None:
        """Nothing to free."""

    def _said(self, request: Request, text: str, cancel: Cancel) -> Iterator[Event]:
        reused = self.state(request.prefix).resident
        yield from (event for event in self.read(request.prefix, cancel) if not isinstance(event, Done))
        words = text.split(" ")
        for number, word in enumerate(words):
            if self._delay_s:
                time.sleep(self._delay_s)
            if cancel.is_set():
                break
            self._step()
            said = (self.logprob,) if request.sampling.logprobs else ()
            yield Text(word if number == 0 else f" {word}", said)
        n_prompt = len(request.prefix) + len(request.turn)
        usage = Usage(n_prompt, reused, n_prompt - reused, len(words))
        yield Done("cancelled" if cancel.is_set() else "stop", usage)

    def _step(self) -> None:
        self._steps += 1
