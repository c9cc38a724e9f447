"""Who may begin: a job waits until there is room for all it may add, so that every admitted job can finish.

Opens the engine when the first job needs it, and a larger context when nothing runs. Knows numbers of tokens only.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from copilot.engine.base import Cancel, Engine, Event
from copilot.engine.infill import Infills
from copilot.engine.reading import Reader
from copilot.engine.schedule import BLOCKED, Blocked
from copilot.engine.segments import Link, SegmentStore
from copilot.engine.sequences import Lease, Sequences
from copilot.engine.serving import Serving, Vocabulary
from copilot.errors import BudgetError, EngineError
from copilot.events import Progress

HEADROOM_TOKENS = 4096
"""Opened beyond what the first request needs, so that a completion need not wait for an answer to end."""

Given = TypeVar("Given")
Waiting = Generator[Event | Blocked | None, None, Given | None]
"""Steps until a job is admitted; None when it is cancelled before."""


@dataclass(frozen=True, slots=True)
class EngineSource:
    """How to get an engine when the first request needs one, and what is known of it before."""

    open: Callable[[int], Engine]
    """Loads the model with a context of so many tokens; raises BudgetError if memory does not allow it."""
    windowed: bool
    n_ctx: int
    """The largest context to open."""


class Admission:
    """The engine, once it is open, and room on it for one job after the other."""

    def __init__(self, source: EngineSource, vocabulary: Vocabulary, store: SegmentStore) -> None:
        self._source = source
        self._vocabulary = vocabulary
        self._store = store
        self.serving: Serving | None = None
        """None before the first job."""
        self._infills: Infills | None = None

    def prefix(self, links: list[Link], tokens: int, n_sequences: int, cancel: Cancel) -> Waiting[Lease]:
        """Room for a job of so many tokens that goes on from a prefix."""

        def lease(serving: Serving) -> Lease | None:
            best, common = serving.sequences.best(links)
            in_place = best is not None and serving.reader.in_place(best, links)
            held = links[common - 1].end if common else 0
            shared = held if in_place or not self._source.windowed else 0
            return serving.sequences.lease(tokens - shared, n_sequences - in_place, best)

        def anew(serving: Serving) -> Lease | None:
            return serving.sequences.lease(tokens, n_sequences, None)

        return (yield from self.room(tokens, lease, anew, cancel))

    def room(
        self,
        tokens: int,
        lease: Callable[[Serving], Given | None],
        anew: Callable[[Serving], Given | None],
        cancel: Cancel,
    ) -> Waiting[Given]:
        """What `lease` gives, or `anew` when nothing else runs, or a larger context makes possible."""
        while not cancel.is_set():
            if self.serving is None:
                yield Progress("load", 0, 1, "steps")
                if self.serving is None:  # another job may have been faster
                    self._serve(self._largest(self._source.open, tokens))
                yield Progress("load", 1, 1, "steps")
                continue
            if given := lease(self.serving):
                return given
            if self.serving.sequences.leased:
                yield BLOCKED
            elif given := anew(self.serving):
                return given
            else:
                self._grow(tokens)
        return None

    @contextmanager
    def working(self, lease: Lease) -> Iterator[Serving]:
        """The open engine for one job; after a failure of the engine, what the job had worked with is not trusted."""
        serving = self.serving
        assert serving is not None, "an admitted job has an engine"
        with lease:
            try:
                yield serving
            except EngineError:
                lease.distrust()
                raise

    def infills(self, serving: Serving) -> Infills:
        """What stays resident for completions on the open engine."""
        if self._infills is None:
            self._infills = Infills(serving.engine, serving.sequences)
        return self._infills

    def _grow(self, tokens: int) -> None:
        assert self.serving is not None, "only what is open can be too small"
        engine = self.serving.engine

        def resized(n_ctx: int) -> Engine:
            engine.resize(n_ctx)
            return engine

        try:
            self._largest(resized, tokens)
        finally:
            self._serve(engine)  # a refused size leaves it empty, too

    def _largest(self, opened: Callable[[int], Engine], tokens: int) -> Engine:
        """An engine with headroom, where memory allows it."""
        try:
            return opened(min(tokens + HEADROOM_TOKENS, self._source.n_ctx))
        except BudgetError:
            return opened(tokens)

    def _serve(self, engine: Engine) -> None:
        sequences, self._infills = Sequences(engine), None
        self.serving = Serving(engine, sequences, Reader(engine, sequences, self._store), self._vocabulary)
