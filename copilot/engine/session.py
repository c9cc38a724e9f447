"""Sessions over one engine: many requests at once, each on a fork of a prefix that is read once.

Jobs are admitted when there is room for all they may add, so that every admitted job can finish. Knows token ids and
their KV cache; no repository and no wording of prompts.
"""

import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import TypeVar

from copilot.engine.admission import Admission, EngineSource
from copilot.engine.base import Cancel, Event, ReadState, SessionStatus, Stored
from copilot.engine.infill import Rereading
from copilot.engine.infill_plan import Resident
from copilot.engine.reading import Reading, restorable
from copilot.engine.requests import InfillRequest, Priority, Request, ScoreRequest, Tokens
from copilot.engine.schedule import Blocked, Scheduler, Steps
from copilot.engine.segments import Link, SegmentStore
from copilot.engine.sequences import Lease
from copilot.engine.serving import Serving, Vocabulary, changed
from copilot.errors import BudgetError
from copilot.events import Done, Usage

Result = TypeVar("Result")

__all__ = ["EngineSession", "EngineSource"]


class EngineSession:
    """Serves requests from any thread in this process; the model is loaded when the first one comes.

    The context grows with the requests, since its memory is committed when it is opened.
    """

    def __init__(self, source: EngineSource, vocabulary: Vocabulary, store: SegmentStore) -> None:
        self._source = source
        self._store = store
        self._admission = Admission(source, vocabulary, store)
        self._scheduler = Scheduler(self._abort, self._resume)
        self._last_read = Usage()

    @property
    def n_ctx(self) -> int:
        return self._source.n_ctx

    @property
    def _serving(self) -> Serving | None:
        return self._admission.serving

    def state(self, prefix: Tokens) -> ReadState:
        links, serving = self._store.links(prefix), self._serving
        resident = serving.sequences.best(links)[1] if serving else 0
        stored = restorable(links, self._store, windowed=self._source.windowed)
        return ReadState(_end(links, resident), _end(links, stored), len(prefix))

    def stored(self, prefix: Tokens) -> Stored:
        present = [link for link in self._store.links(prefix) if self._store.has(link)]
        return Stored(len(present), sum(map(self._store.size_bytes, present)))

    def read(self, prefix: Tokens, cancel: Cancel, priority: Priority = Priority.WARM) -> Iterator[Event]:
        self._check_size(len(prefix))
        events: Iterator[Event] = self._scheduler.run(self._read(prefix, cancel), priority, cancel)
        yield from events

    def generate(self, request: Request, cancel: Cancel) -> Iterator[Event]:
        if not request.turn:
            raise ValueError("a request needs at least one token after its prefix")
        self._check_size(len(request.prefix) + len(request.turn) + 1)
        events: Iterator[Event] = self._scheduler.run(self._generate(request, cancel), request.priority, cancel)
        yield from events

    def infill(self, request: InfillRequest, cancel: Cancel) -> Iterator[Event]:
        if not request.gap:
            raise ValueError("a request needs a token before the text it asks for")
        self._check_size(request.n_tokens + 1)
        events: Iterator[Event] = self._scheduler.run(self._infill(request, cancel), request.priority, cancel)
        yield from events

    def score(self, request: ScoreRequest, cancel: Cancel) -> tuple[tuple[float, ...], ...]:
        if not request.turn or not all(request.continuations):
            raise ValueError("scoring needs a turn, and a token in every continuation")
        self._check_size(_scored_tokens(request))
        scores = tuple(self._scheduler.run(self._score(request, cancel), request.priority, cancel))
        return scores if len(scores) == len(request.continuations) else ()

    def status(self) -> SessionStatus:
        running, queued = self._scheduler.counts()
        now, read = time.monotonic(), self._last_read
        held = [prefix for prefix in self._serving.sequences if prefix.end] if self._serving else []
        return SessionStatus(
            held=tuple(prefix.end for prefix in held),
            running=running,
            queued=queued,
            tokens_per_s=1000 * read.evaluated_tokens / read.prefill_ms if read.prefill_ms else None,
            last_used_s=tuple(now - prefix.last_used for prefix in held),
            steps=self._scheduler.steps,
        )

    def close(self) -> None:
        self._scheduler.close()
        if self._serving is not None:
            self._serving.engine.close()
        self._admission.serving = None

    # -- jobs, which run on the engine's thread -----------------------------------------------------------------

    def _read(self, prefix: Tokens, cancel: Cancel) -> Steps[Event]:
        links = self._store.links(prefix)
        lease = yield from self._admission.prefix(links, len(prefix), 1, cancel)
        if lease is None:
            yield Done("cancelled", Usage())
            return
        with self._admission.working(lease) as serving:
            held, usage = yield from serving.reach(Reading(prefix, links, lease, cancel))
            self._remember(usage)
            yield Done("stop" if held.end == len(prefix) else "cancelled", usage)

    def _generate(self, request: Request, cancel: Cancel) -> Steps[Event]:
        prompt = len(request.prefix) + len(request.turn)
        most = min(request.sampling.max_tokens, self.n_ctx - prompt)
        links = self._store.links(request.prefix)
        lease = yield from self._admission.prefix(links, prompt + most, 2, cancel)
        if lease is None:
            yield Done("cancelled", Usage())
            return
        with self._admission.working(lease) as serving:
            branch, usage = yield from serving.branch(Reading(request.prefix, links, lease, cancel))
            self._remember(usage)
            if branch is None:
                yield Done("cancelled", usage)
                return
            whole, turn_ms = yield from serving.read_turn(branch, request.turn, lease, cancel)
            if not whole:
                yield Done("cancelled", usage)
                return
            usage = _with_turn(usage, len(request.turn), turn_ms)
            self._remember(usage)
            request = replace(request, sampling=replace(request.sampling, max_tokens=most))
            yield from serving.answer(branch, request, usage, cancel)

    def _infill(self, request: InfillRequest, cancel: Cancel) -> Steps[Event]:
        most = min(request.sampling.max_tokens, self.n_ctx - request.n_tokens)
        request = replace(request, sampling=replace(request.sampling, max_tokens=most))

        def lease(serving: Serving) -> tuple[Lease, Resident] | None:
            return self._admission.infills(serving).lease(request)

        room = yield from self._admission.room(request.n_tokens + most, lease, lease, cancel)
        if room is None:
            yield Done("cancelled", Usage())
            return
        given, resident = room
        with self._admission.working(given) as serving, self._admission.infills(serving).working(resident) as infills:
            usage = yield from infills.read(resident, request, given, cancel)
            self._remember(usage or Usage())
            if usage is None:
                yield Done("cancelled", Usage())
                return
            turn = (*request.hole, *request.after, *request.gap)
            asked = Request(request.before, turn, request.sampling, request.priority)
            is_exact = not resident.approximate or not request.least_lead
            surer = None if is_exact else Rereading(infills, resident, request, given, cancel)
            yield from serving.answer(resident.held, asked, usage, cancel, surer)

    def _score(self, request: ScoreRequest, cancel: Cancel) -> Steps[tuple[float, ...]]:
        links = self._store.links(request.prefix)
        lease = yield from _unseen(self._admission.prefix(links, _scored_tokens(request), 3, cancel))
        if lease is None:
            return
        with self._admission.working(lease) as serving:
            branch, usage = yield from _unseen(serving.branch(Reading(request.prefix, links, lease, cancel)))
            self._remember(usage)
            if branch is None:
                return
            whole, _ = yield from _unseen(serving.read_turn(branch, request.turn, lease, cancel))
            if not whole:
                return
            firsts = [serving.engine.logprob(continuation[0]) for continuation in request.continuations]
            for first, continuation in zip(firsts, request.continuations, strict=True):
                rest = yield from _unseen(serving.score_rest(branch, continuation, lease, cancel))
                if rest is None:
                    return
                yield first, *rest

    def _abort(self) -> None:
        if self._serving is not None:
            self._serving.engine.abort()

    def _resume(self) -> None:
        if self._serving is not None:
            self._serving.engine.resume()

    def _check_size(self, tokens: int) -> None:
        if tokens > self.n_ctx:
            raise BudgetError(
                f"the request needs {tokens} tokens, the context has {self.n_ctx}: "
                "shorten the question or use a smaller --budget."
            )

    def _remember(self, usage: Usage) -> None:
        if usage.evaluated_tokens:
            self._last_read = usage


def _end(links: list[Link], n: int) -> int:
    """Tokens of the first `n` links."""
    return links[n - 1].end if n else 0


def _scored_tokens(request: ScoreRequest) -> int:
    return len(request.prefix) + len(request.turn) + max(map(len, request.continuations), default=0)


def _with_turn(usage: Usage, tokens: int, ms: float) -> Usage:
    return replace(
        usage,
        prompt_tokens=usage.prompt_tokens + tokens,
        evaluated_tokens=usage.evaluated_tokens + tokens,
        prefill_ms=usage.prefill_ms + ms,
    )


def _unseen(part: Generator[Event | Blocked | None, None, Result]) -> Generator[Blocked | None, None, Result]:
    """The same steps, their events kept from whoever asked."""
    return changed(part, lambda step: step if isinstance(step, Blocked) else None)
