"""What of a repeated answer is new to someone who has heard the beginning of it already."""

from collections.abc import Iterator

from copilot.engine.base import Event
from copilot.errors import EngineError
from copilot.events import Done, Progress, Text


class Replay:
    """Lets events through once: after `again`, text that was delivered is compared and left out."""

    def __init__(self) -> None:
        self._told = ""
        self.tokens: tuple[int, ...] = ()
        """Ids of what was told, for the next attempt to begin with."""
        self._told_logprobs = 0
        self._repeated = ""
        self._repeated_logprobs = 0
        self._repeated_tokens = 0
        self.reached = (0, 0)
        """How far the request ever got: characters of answer, tokens read."""

    def again(self) -> None:
        """The request begins from scratch."""
        self._repeated, self._repeated_logprobs, self._repeated_tokens = "", 0, 0

    def new(self, event: Event) -> Iterator[Event]:
        """The event, or what of it was not heard yet. EngineError where a repeated answer goes another way."""
        if isinstance(event, Progress) and event.stage == "read":
            self.reached = max(self.reached, (len(self._told), event.done))
        if not isinstance(event, Text):
            ended = isinstance(event, Done) and event.reason != "cancelled"
            if ended and len(self._repeated) < len(self._told):
                raise EngineError("the engine was lost, and ended the answer earlier when asked again; ask once more")
            yield event
            return
        begin, first = len(self._repeated), self._repeated_logprobs
        self._repeated += event.text
        before, self._repeated_tokens = self._repeated_tokens, self._repeated_tokens + len(event.tokens)
        self._repeated_logprobs += len(event.logprobs)
        known = self._told[begin:]
        if not (event.text.startswith(known) or known.startswith(event.text)):
            raise EngineError("the engine was lost, and answered differently when asked again; ask once more")
        skipped = max(0, self._told_logprobs - first)
        text, logprobs = event.text[len(known) :], event.logprobs[skipped:]
        self._told += text
        self._told_logprobs += len(logprobs)
        tokens = event.tokens[max(0, len(self.tokens) - before) :]
        self.tokens += tokens
        self.reached = max(self.reached, (len(self._told), 0))
        if text or logprobs:
            yield Text(text, logprobs, tokens)
