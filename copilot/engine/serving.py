"""The parts of a job on an open engine: reach a prefix, branch off it, read a turn, write an answer, weigh texts.

Each is a generator that makes at most one call of the engine per step; the engine's thread runs them. Knows token ids
and pieces of text; no admission and no priorities.
"""

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from copilot.engine.base import Cancel, Engine, Event
from copilot.engine.decode_loop import Ended, Limits, Token, generated
from copilot.engine.lookup import Costs, Lookup
from copilot.engine.reading import Reader, Reading
from copilot.engine.requests import Request, Tokens
from copilot.engine.segments import SEGMENT_TOKENS
from copilot.engine.sequences import Held, Lease, Sequences
from copilot.engine.stream import AnswerText
from copilot.events import Done, Progress, Reason, Text, Usage

Result = TypeVar("Result")
Step = TypeVar("Step")
Changed = TypeVar("Changed")
Part = Generator[Event | None, None, Result]
"""Events, or None for a step without one; and a result at the end."""


class Vocabulary(Protocol):
    @property
    def eog(self) -> frozenset[int]:
        """Tokens that end an answer."""

    def piece(self, token: int, /) -> bytes: ...


class Stopwatch:
    """The time a job's own steps take; what other jobs do in between does not count."""

    def __init__(self) -> None:
        self.ms = 0.0

    def steps(self, iterator: Iterator[Result]) -> Iterator[Result]:
        """The same items, each step timed."""
        while True:
            started = time.perf_counter()
            try:
                item = next(iterator)
            except StopIteration:
                return
            finally:
                self.ms += 1000 * (time.perf_counter() - started)
            yield item

    def timed(self, part: "Part[Result]") -> "Part[Result]":
        """The same steps and the same result, each step timed."""
        while True:
            started = time.perf_counter()
            try:
                step = next(part)
            except StopIteration as end:
                result: Result = end.value
                return result
            finally:
                self.ms += 1000 * (time.perf_counter() - started)
            yield step


class Surer(Protocol):
    """How to do better than an approximation, once."""

    least_lead: float
    """Of the tokens that the approximation is trusted with."""
    usage: Usage
    """What reading took; nothing before."""

    def read(self) -> Part[bool]:
        """Read the prompt in full, the logits of its last token wanted; whether that was not cancelled."""


class Told:
    """A generation's steps, and what they were."""

    def __init__(self, steps: Generator[tuple[Token, ...], None, Ended]) -> None:
        self._steps = steps
        self.tokens: list[int] = []
        self.ended: Ended | None = None

    def __iter__(self) -> Generator[tuple[Token, ...], None, None]:
        try:
            while True:
                step = next(self._steps)
                self.tokens += [token for token, _ in step]
                yield step
        except StopIteration as end:
            self.ended = end.value
        finally:
            self._steps.close()


def changed(
    part: Generator[Step, None, Result], as_step: Callable[[Step], Changed]
) -> Generator[Changed, None, Result]:
    """The steps of a part, each changed, and its result."""
    while True:
        try:
            step = next(part)
        except StopIteration as end:
            result: Result = end.value
            return result
        yield as_step(step)


def _between_tokens(step: Event | None) -> tuple[Token, ...] | Progress:
    """A step of reading among those of an answer."""
    return step if isinstance(step, Progress) else ()


@dataclass(frozen=True, slots=True)
class Serving:
    """An engine with what it holds."""

    engine: Engine
    sequences: Sequences
    reader: Reader
    vocabulary: Vocabulary
    costs: Costs = field(default_factory=Costs)
    """What decodes of several tokens take here, learnt from all answers."""

    def reach(self, reading: Reading) -> Part[tuple[Held, Usage]]:
        """Bring the prefix into a sequence, as far as it is not cancelled."""
        held = self.reader.start(reading)
        yield from self.reader.restore(held, reading)
        reused, watch = held.end, Stopwatch()
        for _ in watch.steps(self.reader.read(held, reading)):
            yield Progress("read", held.end, len(reading.prefix), "tokens", reused)
        self.reader.keep_recent(held, reading)
        return held, Usage(held.end, reused, max(0, held.end - reused), prefill_ms=watch.ms)

    def branch(self, reading: Reading) -> Part[tuple[Held | None, Usage]]:
        """A sequence of the job's own that holds the whole prefix; None when cancelled before it does."""
        if not reading.links:
            return reading.lease.own(None), Usage()
        held, usage = yield from self.reach(reading)
        if held.end < len(reading.prefix):
            return None, usage
        branch = reading.lease.own(held)
        reading.lease.unpin(held)
        return branch, usage

    def read_turn(self, branch: Held, turn: Tokens, lease: Lease, cancel: Cancel) -> Part[tuple[bool, float]]:
        """Decode the turn; whether it was read whole, and the milliseconds.

        The logits of its last token are there when it returns: no step may come between, since other jobs would run.
        """
        watch, read = Stopwatch(), 0
        for read in watch.steps(self._batches(branch, turn, lease, cancel)):
            if read < len(turn):
                yield Progress("read", read, len(turn), "tokens")
        return read == len(turn), watch.ms

    def answer(
        self, branch: Held, request: Request, read: Usage, cancel: Cancel, surer: Surer | None = None
    ) -> Part[None]:
        """Write the answer: Text …, then Done; `read` is what reading the prompt took.

        `surer`: what to do before the first token that is undecided, where the prompt was read by approximation.
        """
        sampling, watch = request.sampling, Stopwatch()
        answer, untold = AnswerText(self.vocabulary.piece, sampling), list[int]()
        for tokens in watch.steps(self._decided(branch, request, cancel, surer)):
            if isinstance(tokens, Progress):
                yield tokens
                continue
            text, logprobs = "", []
            for token, logprob in tokens:
                text += answer.add(token)
                untold.append(token)
                logprobs.append(logprob or 0.0)
                if answer.ended:
                    break
            if text:
                yield Text(text, tuple(logprobs) if sampling.logprobs else (), tuple(untold))
                untold.clear()
            else:
                yield None
            if answer.ended:
                break
        if text := answer.flush():
            yield Text(text)
        whole = answer.ended or answer.n_tokens < sampling.max_tokens
        reason: Reason = "stop" if whole else "length"
        again = surer.usage if surer else Usage()
        usage = replace(
            read,
            reused_tokens=read.reused_tokens - again.evaluated_tokens,
            evaluated_tokens=read.evaluated_tokens + again.evaluated_tokens,
            prefill_ms=read.prefill_ms + again.prefill_ms,
            generated_tokens=answer.n_tokens,
            decode_ms=watch.ms - again.prefill_ms,
        )
        yield Done("cancelled" if cancel.is_set() and not answer.ended else reason, usage)

    def _decided(
        self, branch: Held, request: Request, cancel: Cancel, surer: Surer | None
    ) -> Generator[tuple[Token, ...] | Progress, None, None]:
        """The answer's tokens. Where the first undecided one comes after a reading by approximation, that is mended."""
        sampling = request.sampling
        limits = Limits(self.vocabulary.eog, sampling.max_tokens, sampling.logprobs, sampling.begun)
        if surer is None:
            yield from self._generated(branch, request, limits, cancel)
            return
        told = Told(self._generated(branch, request, replace(limits, least_lead=surer.least_lead), cancel))
        yield from told
        if told.ended != "undecided" or not (yield from changed(surer.read(), _between_tokens)):
            return
        known = len(told.tokens)
        again = replace(limits, begun=tuple(told.tokens), one_by_one=True)
        for tokens in self._generated(branch, request, again, cancel):
            yield tokens[known:]
            known = max(0, known - len(tokens))

    def _generated(
        self, branch: Held, request: Request, limits: Limits, cancel: Cancel
    ) -> Generator[tuple[Token, ...], None, Ended]:
        lookup = Lookup((*request.prefix, *request.turn), self.costs) if request.sampling.speculate else None
        sampler = self.engine.sampler(request.sampling)
        try:
            return (yield from generated(self.engine, branch.seq, sampler, lookup, limits, cancel))
        finally:
            sampler.close()

    def score_rest(self, branch: Held, continuation: Tokens, lease: Lease, cancel: Cancel) -> Part[list[float] | None]:
        """Log-probabilities of all tokens of a continuation but the first; None when cancelled."""
        scores: list[float] = []
        given = continuation[:-1]
        if not given:
            return scores
        fork = lease.own(branch)
        try:
            while len(scores) < len(given):
                if cancel.is_set():
                    return None
                start = len(scores)
                part = given[start : start + self.engine.max_rows]
                at = self.engine.length(fork.seq)
                if self.engine.decode(fork.seq, part, logits="all") == len(part):
                    following = continuation[start + 1 : start + 1 + len(part)]
                    scores.extend(self.engine.logprob(token, row) for row, token in enumerate(following))
                else:
                    self.engine.rewind(fork.seq, at)
                yield None
        finally:
            lease.disown(fork)
        return scores

    def _batches(self, branch: Held, turn: Tokens, lease: Lease, cancel: Cancel) -> Iterator[int]:
        """Tokens of the turn read so far, after each batch; an aborted one is read again unless cancelled."""
        engine, read, interrupted = self.engine, 0, False
        while read < len(turn) and not cancel.is_set():
            most = SEGMENT_TOKENS if interrupted or self.sequences.shared else engine.n_batch
            part = turn[read : read + most]
            at, last = engine.length(branch.seq), read + len(part) == len(turn)
            interrupted = engine.decode(branch.seq, part, logits="last" if last else "none") < len(part)
            if interrupted:
                engine.rewind(branch.seq, at)
            else:
                read += len(part)
                lease.added(branch, len(part))
            yield read
