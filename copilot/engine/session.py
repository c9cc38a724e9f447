"""A session over an engine: align what is held, restore what is stored, read the rest, decode the answer.

It knows token ids and their KV cache, and turns ids back into text; it knows no repository and no prompt wording.
"""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from copilot.engine.base import (
    PREFIX,
    REQUEST,
    Cancel,
    Engine,
    Event,
    ReadState,
    Request,
    Sampler,
    Stored,
    Tokens,
)
from copilot.engine.segments import SEGMENT_TOKENS, Link, SegmentStore
from copilot.engine.stream import AnswerText
from copilot.errors import BudgetError
from copilot.events import Done, Progress, Reason, Text, Usage

WINDOW_SHARE = 2
"""A windowed model keeps a window file, where it may start again, per so many times its size in segments."""


class Vocabulary(Protocol):
    @property
    def eog(self) -> frozenset[int]:
        """Tokens that end an answer."""

    def piece(self, token: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class EngineSource:
    """How to get an engine when the first request needs one, and what is known of it before."""

    open: Callable[[int], Engine]
    """Loads the model with a context of so many tokens; raises BudgetError if memory does not allow it."""
    windowed: bool
    n_ctx: int
    """The largest context to open."""


class LocalSession:
    """Serves one request after the other in this process; the model is loaded when the first one comes.

    The context is as large as the requests so far needed, since its memory is committed when it is opened.
    """

    def __init__(self, source: EngineSource, vocabulary: Vocabulary, store: SegmentStore) -> None:
        self._source = source
        self._loaded: Engine | None = None
        self._vocabulary = vocabulary
        self._store = store
        self._held: list[int] = []
        """The tokens whose KV rows PREFIX holds."""

    @property
    def n_ctx(self) -> int:
        return self._source.n_ctx

    @property
    def _engine(self) -> Engine:
        assert self._loaded is not None, "a request opens the engine first"
        return self._loaded

    def _open(self, n_tokens: int) -> Iterator[Event]:
        """Have an engine whose context holds `n_tokens`."""
        if self._loaded is not None and n_tokens <= self._loaded.n_ctx:
            return
        yield Progress("load", 0, 1, "steps")
        self.close()
        self._loaded = self._source.open(n_tokens)
        yield Progress("load", 1, 1, "steps")

    def state(self, prefix: Tokens) -> ReadState:
        return ReadState(self._common(prefix), self._restorable(self._store.links(prefix)), len(prefix))

    def stored(self, prefix: Tokens) -> Stored:
        present = [link for link in self._store.links(prefix) if self._store.has(link)]
        return Stored(len(present), sum(map(self._store.size_bytes, present)))

    def read(self, prefix: Tokens, cancel: Cancel) -> Iterator[Event]:
        yield from self._open(len(prefix))
        yield from self._restore(prefix, cancel)
        reused = len(self._held)
        started = time.perf_counter()
        with _abortable(self._engine, cancel):
            for _ in self._prefill_prefix(prefix, cancel):
                yield Progress("read", len(self._held), len(prefix), "tokens", reused)
        self._store.evict(self._store.links(prefix))
        usage = Usage(
            prompt_tokens=len(self._held),
            reused_tokens=reused,
            evaluated_tokens=max(0, len(self._held) - reused),
            prefill_ms=1000 * (time.perf_counter() - started),
        )
        yield Done("stop" if len(self._held) == len(prefix) else "cancelled", usage)

    def generate(self, request: Request, cancel: Cancel) -> Iterator[Event]:
        yield from self._open(self._room_for(request))
        usage = Usage()
        for event in self.read(request.prefix, cancel):
            if not isinstance(event, Done):
                yield event
                continue
            usage = event.usage
            if event.reason == "cancelled":
                yield event
                return
        engine = self._engine
        engine.compact(PREFIX)
        engine.fork(PREFIX, REQUEST)
        try:
            with _abortable(engine, cancel):
                yield from self._answer(request, cancel, usage)
        finally:
            engine.drop(REQUEST)

    def close(self) -> None:
        if self._loaded is not None:
            self._loaded.close()
        self._loaded = None
        self._held.clear()

    # -- align and restore --------------------------------------------------------------------------------------

    def _common(self, prefix: Tokens) -> int:
        """Tokens of `prefix` that are resident, in whole segments unless all of them are."""
        held, n = self._held, min(len(self._held), len(prefix))
        same = next((i for i in range(n) if held[i] != prefix[i]), n)
        return same if same == len(prefix) else same - same % SEGMENT_TOKENS

    def _restorable(self, links: list[Link]) -> int:
        """Tokens that the stored chain gives back without reading."""
        end = 0
        for link in links:
            if not self._store.has(link):
                break
            if not self._source.windowed or self._store.has(link, "win"):
                end = link.end
        return end

    def _restore(self, prefix: Tokens, cancel: Cancel) -> Iterator[Event]:
        """Bring PREFIX as far along `prefix` as memory and disk allow."""
        links = self._store.links(prefix)
        common, target = self._common(prefix), self._restorable(links)
        if common >= target:
            kept = self._engine.rewind(PREFIX, common)
            del self._held[kept:]
            if kept == common:
                return
        if self._engine.windowed or self._engine.rewind(PREFIX, common) != common:
            common = 0  # window and rows must come from one place
            self._engine.drop(PREFIX)
        del self._held[common:]
        for link in links:
            if common <= link.start and link.end <= target and not cancel.is_set():
                cells = self._store.load(link)
                if cells is None or not self._engine.restore(cells):
                    self._store.reject(link, "kv")
                    return self._settle(links, prefix, cancel)
                self._held.extend(prefix[link.start : link.end])
                yield Progress("restore", link.end, target, "tokens", link.end)
        return self._settle(links, prefix, cancel)

    def _settle(self, links: list[Link], prefix: Tokens, cancel: Cancel) -> None:
        """Make what was restored usable; after damage, try again up to the last good restart point."""
        engine = self._engine
        if engine.windowed:
            link = next((x for x in reversed(links) if x.end == len(self._held)), None)
            window = self._store.load(link, "win") if link else None
            if link and not (window is not None and engine.restore_window(window)):
                self._store.reject(link, "win")
        if engine.length(PREFIX) == len(self._held):
            return
        engine.drop(PREFIX)
        self._held.clear()
        if self._restorable(links):  # shorter than before, since the damaged file no longer counts
            for _ in self._restore(prefix, cancel):
                pass

    # -- prefill ------------------------------------------------------------------------------------------------

    def _prefill_prefix(self, prefix: Tokens, cancel: Cancel) -> Iterator[None]:
        """Read the rest of `prefix` segment by segment, storing each as soon as it is read."""
        rolling: Link | None = None
        for index, link in enumerate(self._store.links(prefix)):
            if link.end <= len(self._held):
                continue
            if cancel.is_set():
                return
            part = prefix[link.start : link.end]
            read = self._engine.decode(PREFIX, part)
            if read < len(part):
                self._forget_partial(link.start)
                return
            self._held.extend(part)
            cells = self._engine.export_cells(link.start, link.end)
            self._store.save(link, cells)
            if self._engine.windowed:
                window = self._engine.export_window()
                self._store.save(link, window, "win")
                if rolling:
                    self._store.forget(rolling, "win")
                every = max(1, WINDOW_SHARE * len(window) // len(cells))
                rolling = None if (index + 1) % every == 0 else link
            yield

    def _forget_partial(self, start: int) -> None:
        """After an abort: keep whole segments only, so that the batch split stays the same next time."""
        kept = self._engine.rewind(PREFIX, start)
        del self._held[kept:]

    # -- decode -------------------------------------------------------------------------------------------------

    def _room_for(self, request: Request) -> int:
        """Tokens of context the request needs, its longest answer included as far as the model allows."""
        if not request.turn:
            raise ValueError("a request needs at least one token after its prefix")
        need = len(request.prefix) + len(request.turn) + 1
        if need > self.n_ctx:
            raise BudgetError(
                f"the request needs {need} tokens, the context has {self.n_ctx}: "
                "shorten the question or use a smaller --budget."
            )
        return min(need + request.sampling.max_tokens, self.n_ctx)

    def _answer(self, request: Request, cancel: Cancel, read: Usage) -> Iterator[Event]:
        engine, turn = self._engine, request.turn
        started = time.perf_counter()
        for start in range(0, len(turn), engine.n_batch):
            part = turn[start : start + engine.n_batch]
            done = engine.decode(REQUEST, part, logits=start + len(part) == len(turn))
            if done < len(part) or cancel.is_set():
                yield Done("cancelled", read)
                return
            yield Progress("read", start + len(part), len(turn), "tokens")
        decoding_from = time.perf_counter()
        answer = AnswerText(self._vocabulary.piece, request.sampling)
        sampler = engine.sampler(request.sampling)
        try:
            limit = min(request.sampling.max_tokens, self.n_ctx - engine.length(REQUEST))
            reason = yield from self._decode(sampler, answer, limit, cancel)
        finally:
            sampler.close()
        usage = replace(
            read,
            prompt_tokens=read.prompt_tokens + len(turn),
            evaluated_tokens=read.evaluated_tokens + len(turn),
            generated_tokens=answer.n_tokens,
            prefill_ms=read.prefill_ms + 1000 * (decoding_from - started),
            decode_ms=1000 * (time.perf_counter() - decoding_from),
        )
        yield Done(reason, usage)

    def _decode(
        self, sampler: Sampler, answer: AnswerText, limit: int, cancel: Cancel
    ) -> Generator[Event, None, Reason]:
        """Sample, show, feed back: Text events, and why it ended as the generator's value."""
        reason: Reason = "length"
        while answer.n_tokens < limit:
            token = sampler.sample()
            if token in self._vocabulary.eog:
                reason = "stop"
                break
            if text := answer.add(token):
                yield Text(text)
            if answer.ended:
                reason = "stop"
                break
            if cancel.is_set():
                reason = "cancelled"
                break
            if answer.n_tokens < limit and not self._engine.decode(REQUEST, [token], logits=True):
                reason = "cancelled"
                break
        if text := answer.flush():
            yield Text(text)
        return reason


@contextmanager
def _abortable(engine: Engine, cancel: Cancel) -> Iterator[None]:
    """While the block runs, `cancel` stops the engine inside a decode."""
    cancel.when_set(engine.abort)
    try:
        yield
    finally:
        cancel.forget(engine.abort)
        engine.resume()
