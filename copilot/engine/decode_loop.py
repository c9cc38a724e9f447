"""The loop that generates: choose a token, guess the ones after it, verify all guesses with one decode.

Knows token ids only: neither text, nor who is served, nor how guesses are made.
"""

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from copilot.engine.base import Cancel, Engine, Sampler
from copilot.errors import EngineError
from copilot.events import Reason

Ended = Reason | Literal["undecided"]
"""Why a generation ended; "undecided": see `Limits.least_lead`."""
Token = tuple[int, float | None]
"""An id, and the natural logarithm of its probability where that was asked for."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a generation ends, and what is told of it."""

    eog: frozenset[int]
    """Tokens that end it; they are not part of it."""
    max_tokens: int
    logprobs: bool = False
    begun: tuple[int, ...] = ()
    """What it begins with, chosen before."""
    one_by_one: bool = False
    """Read what it begins with as if it were being written: a batch rounds otherwise, and close decisions follow."""
    least_lead: float = 0.0
    """It ends before a token that leads by less; see `Engine.lead`."""


class Guesses(Protocol):
    """Who guesses tokens ahead, and learns how that went."""

    def draft(self, most: int) -> Sequence[int]:
        """At most `most` tokens that may come next."""

    def extend(self, tokens: Sequence[int]) -> None:
        """These were generated."""

    def verified(self, drafted: int, accepted: int) -> None:
        """So many of the last draft's tokens were right."""

    def timed(self, n_tokens: int, seconds: float) -> None:
        """A decode of so many tokens took so long."""


def generated(
    engine: Engine, seq: int, choose: Sampler, ahead: Guesses | None, limits: Limits, cancel: Cancel
) -> Generator[tuple[Token, ...], None, Ended]:
    """Yield tokens as they are decided; the generator's value is why it ended.

    Begin right after the decode of the turn's last token with `logits="last"`: the first step reads its logits. From
    then on other sequences may be decoded between any two steps. An empty tuple says that the engine was made to abort
    for something more urgent: the next step, after `engine.resume()`, repeats what was lost.

    At each yield `seq` holds all that was yielded but for the last token. The caller closes `choose`, and may leave at
    any time. Guesses change the speed, and a token only where the model is all but undecided: see docs/engine.md.
    """
    loop = _Loop(engine, seq, choose, ahead, limits)
    while True:
        tokens = loop.choose()
        if tokens:
            yield tokens
        if loop.reason:
            return loop.reason
        while not cancel.is_set() and not loop.decode():
            if not cancel.is_set():
                yield ()
        if cancel.is_set():
            loop.take_back()
            return "cancelled"


class _Loop:
    """Where a generation stands between a decode and the choice that follows it."""

    def __init__(self, engine: Engine, seq: int, choose: Sampler, ahead: Guesses | None, limits: Limits) -> None:
        self._engine, self._seq, self._sampler, self._ahead, self._limits = engine, seq, choose, ahead, limits
        self._begin = engine.length(seq)
        self._n = 0
        self._last = -1
        self._draft: list[int] = []
        self.reason: Ended | None = None if limits.max_tokens > 0 else "length"

    def choose(self) -> tuple[Token, ...]:
        """The tokens that the last decode decides; what it read beyond them is forgotten."""
        tokens: list[Token] = []
        draft = self._draft
        for place in range(len(draft) + 1):
            row = place - len(draft) - 1
            if self.reason:
                break
            if self._is_undecided(self._n + len(tokens), row):
                self.reason = "undecided"
                break
            token = self._next(self._n + len(tokens), row)
            if token in self._limits.eog:
                self.reason = "stop"
                break
            tokens.append((token, self._engine.logprob(token, row) if self._limits.logprobs else None))
            if self._n + len(tokens) >= self._limits.max_tokens:
                self.reason = "length"
            if place < len(draft) and token != draft[place]:
                break
        self._settle([token for token, _ in tokens])
        return tuple(tokens)

    def _is_undecided(self, place: int, row: int) -> bool:
        """Whether two tokens are about as likely at a place that is not given."""
        least = self._limits.least_lead
        return least > 0 and place >= len(self._limits.begun) and self._engine.lead(row) < least

    def _next(self, place: int, row: int) -> int:
        """The answer's token at a place: given, or the sampler's choice."""
        if place >= len(self._limits.begun):
            return self._sampler.sample(row)
        token = self._limits.begun[place]
        self._sampler.accept(token)
        return token

    def decode(self) -> bool:
        """Read the last token and a draft of the next ones; False after an abort, with nothing changed."""
        start = self._engine.length(self._seq)
        self._draft = self._drafted(start)
        try:
            complete = self._read()
        except EngineError:
            if not self._draft:
                raise
            self._ahead, self._draft = None, []  # no room for guesses
            complete = self._read()
        if not complete:
            self._rewind(start)
        return complete

    def _read(self) -> bool:
        batch = [self._last, *self._draft]
        began = time.perf_counter()
        read = self._engine.decode(self._seq, batch, logits="all" if self._draft else "last")
        if self._ahead and read == len(batch):
            self._ahead.timed(read, time.perf_counter() - began)
        return read == len(batch)

    def _drafted(self, start: int) -> list[int]:
        engine = self._engine
        left = self._limits.max_tokens - self._n - 1
        most = min(left, engine.n_ctx - start - 1, engine.n_batch - 1, engine.max_rows - 1)
        if most <= 0:
            return []
        if given := self._limits.begun[self._n : self._n + most]:
            return [] if self._limits.one_by_one else list(given)
        return list(self._ahead.draft(most)) if self._ahead else []

    def _settle(self, tokens: list[int]) -> None:
        draft = self._draft
        self._n += len(tokens)
        self._last = tokens[-1] if tokens else self._last
        if self._ahead:
            if draft and self._n - len(tokens) >= len(self._limits.begun):
                right = sum(token == guess for token, guess in zip(tokens, draft, strict=False))
                self._ahead.verified(len(draft), right)
            self._ahead.extend(tokens)
        if draft:
            self.take_back()

    def take_back(self) -> None:
        """Forget what was read beyond the tokens decided, and the last of these."""
        self._rewind(self._begin + self._n - 1)

    def _rewind(self, length: int) -> None:
        """Always possible: only what the last batch added is taken back."""
        if self._engine.rewind(self._seq, length) < length:
            raise EngineError("the engine lost what it had read. Try again.")
