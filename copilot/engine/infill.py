"""What stands between two texts, asked again at every keystroke: the sequence that holds both stays resident.

The model reads the text before, a marker, the text after, a marker. Typing changes the end of the first text, so all
cells of the second would have to be read again. They are kept instead, moved to their new positions, and only what was
typed and the marker between are read: an approximation, bounded here and ended by `exact`. See docs/completion.md.
Knows token ids only.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain, takewhile
from typing import Self

from copilot.engine.base import Cancel, Engine, InfillRequest, Tokens
from copilot.engine.sequences import Held, Lease, Run, Sequences
from copilot.engine.serving import Part, Stopwatch
from copilot.errors import EngineError
from copilot.events import Progress, Usage

BATCH_TOKENS = 64
"""Read per step: what a keystroke that cancels a reading can lose."""
MIN_MOVED = 16
"""Fewer cells are as well read again."""
MAX_READ = 64
"""Tokens that may change in front of cells at once for them to be moved; after more they are read again."""
MAX_DRIFT = 160
"""The same over all moves since they were read."""
MOST_RESIDENT = 2
"""Pairs of texts kept at once, the latest ones."""


@dataclass(slots=True, eq=False)
class Resident:
    """A sequence and what it holds; between requests nobody works with it."""

    held: Held
    tokens: list[int] = field(default_factory=list)
    """Cells at positions 0, 1, …: both texts and the markers, as far as they were read."""
    after: tuple[int, ...] = ()
    """The second text, whose cells stand from position `start` on, beyond `tokens` after a cancelled reading."""
    start: int = 0
    moved_at: int | None = None
    """From which position on cells were computed for other text before them."""
    drift: int = 0
    """Tokens that changed in front of them since."""
    has_room: bool = True
    """Whether the cells of the second text can be there twice: those that were moved, and the same read again."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to get from what a sequence holds to what a request needs."""

    kept: int
    """Cells that stay where they are."""
    moved: int
    """Cells at the end of the second text that are moved."""
    changed: int
    """Tokens that come or go in front of the moved cells."""
    spared: int = 0
    """Cells at the end of the second text that are read again, and moved after all where that is cancelled."""

    @property
    def apart(self) -> int:
        """Cells to be set apart while others are read before them."""
        return self.moved or self.spared


def plan(resident: Resident, request: InfillRequest, *, can_shift: bool) -> Plan:
    """The cheapest way that stays within the bounds of the approximation."""
    wanted = _texts(request)
    kept = common(resident.tokens, wanted)
    if request.exact and resident.moved_at is not None and kept >= resident.moved_at:
        after = len(request.before) + len(request.hole)
        kept = resident.moved_at if resident.moved_at > after else min(resident.moved_at, len(request.before))
    end = resident.start + len(resident.after)
    moved = common(resident.after[::-1], tuple(request.after)[::-1])
    moved = min(moved, len(wanted) - kept, end - kept)
    changed = max(len(wanted), end) - moved - kept
    too_much = changed > MAX_READ or resident.drift + changed > MAX_DRIFT
    if not can_shift or moved < MIN_MOVED or too_much:
        return Plan(kept, 0, 0)
    return Plan(kept, 0, changed, moved) if request.exact else Plan(kept, moved, changed)


class Infills:
    """The resident sequences of one engine."""

    def __init__(self, engine: Engine, sequences: Sequences) -> None:
        self._engine = engine
        self._sequences = sequences
        self._residents: list[Resident] = []
        self._busy = False

    def lease(self, request: InfillRequest) -> tuple[Lease, Resident] | None:
        """Room for a request, and what it goes on from; None while another one runs or others need the room."""
        if self._busy:
            return None
        resident, way = self._best(request)
        keep = resident.held if resident else None
        cells = request.n_tokens + request.sampling.max_tokens - way.kept - way.moved
        lease = self._sequences.lease(cells, 1, keep)
        if lease is None:
            return None
        if resident is None:
            resident = Resident(lease.new())
            self._residents.append(resident)
        else:
            lease.pin(resident.held)
        resident.has_room = self._sequences.widen(lease, way.apart)
        self._busy = True
        return lease, resident

    @contextmanager
    def working(self, resident: Resident) -> Iterator[Self]:
        """The time of one request; what it worked with is forgotten after a failure of the engine."""
        try:
            yield self
        except EngineError:
            self._residents.remove(resident)
            raise
        finally:
            self._busy = False
        _account(resident.held, 0, self._engine.length(resident.held.seq))

    def read(self, resident: Resident, request: InfillRequest, lease: Lease, cancel: Cancel) -> Part[Usage | None]:
        """Have the sequence hold all of a request, its last logits wanted; None when cancelled before.

        No step may come between this and the choice of the first token.
        """
        way = plan(resident, request, can_shift=self._engine.can_shift)
        if not resident.has_room:
            way = replace(way, spared=0)
        wanted, watch = _texts(request), Stopwatch()
        spare = self._set_apart(resident, way, lease)
        kept = self._cut(resident, way)
        ends = [len(wanted) - way.moved]
        if request.exact:  # wherever the reading begins, the second text is read in the same batches
            ends.insert(0, len(request.before))
        for _ in watch.steps(chain.from_iterable(self._batches(resident, wanted[:end], cancel) for end in ends)):
            lease.cells = max(0, lease.cells - BATCH_TOKENS)
            yield Progress("read", len(resident.tokens), len(wanted), "tokens", kept)
        moved = 0
        if spare is not None:
            moved = self._put_back(resident, spare, min(way.apart, len(wanted) - len(resident.tokens)), way)
            lease.disown(spare)
        if not moved and (resident.moved_at is None or resident.moved_at >= kept):
            resident.moved_at, resident.drift = None, 0
        if len(resident.tokens) + moved < len(wanted):
            return None
        resident.tokens[:] = wanted
        resident.after, resident.start = tuple(request.after), len(request.before) + len(request.hole)
        if moved > way.moved or not (yield from watch.timed(self._gap(resident, request.gap, cancel))):
            return None
        reused = kept + way.moved
        return Usage(request.n_tokens, reused, request.n_tokens - reused, prefill_ms=watch.ms)

    def _set_apart(self, resident: Resident, way: Plan, lease: Lease) -> Held | None:
        """A second reader of the cells to be moved, so that they outlive the cut before them."""
        if not way.apart:
            return None
        spare, end = lease.own(None), resident.start + len(resident.after)
        self._engine.share(resident.held.seq, spare.seq, end - way.apart, end)
        _account(spare, end - way.apart, end)
        return spare

    def _cut(self, resident: Resident, way: Plan) -> int:
        """Keep the first cells only, none where the engine cannot go back so far; how many are left."""
        kept = self._engine.rewind(resident.held.seq, way.kept)
        del resident.tokens[kept:]
        _account(resident.held, 0, kept)
        if not way.apart:
            resident.after = ()
        return kept

    def _put_back(self, resident: Resident, spare: Held, moved: int, way: Plan) -> int:
        """Move the last cells set apart to where they belong now; after a cancelled reading, somewhere behind it.

        Returns how many.
        """
        if not moved:
            resident.after = ()
            return 0
        engine, tail = self._engine, resident.start + len(resident.after) - moved
        place = len(resident.tokens)
        engine.shift(spare.seq, tail, place - tail)
        engine.share(spare.seq, resident.held.seq, place, place + moved)
        resident.after, resident.start = resident.after[len(resident.after) - moved :], place
        earlier = resident.moved_at
        resident.moved_at = place if earlier is None or earlier >= way.kept else earlier
        resident.drift += way.changed
        _account(resident.held, 0, place + moved)
        return moved

    def _gap(self, resident: Resident, gap: Tokens, cancel: Cancel) -> Part[bool]:
        """Decode the last marker; what was aborted for something more urgent is done again."""
        engine, seq = self._engine, resident.held.seq
        at = engine.length(seq)
        while not cancel.is_set():
            if engine.decode(seq, gap, logits="last") == len(gap):
                _account(resident.held, 0, at + len(gap))
                return True
            engine.rewind(seq, at)
            yield None
        return False

    def _batches(self, resident: Resident, wanted: Sequence[int], cancel: Cancel) -> Iterator[None]:
        engine, seq, tokens = self._engine, resident.held.seq, resident.tokens
        while len(tokens) < len(wanted) and not cancel.is_set():
            part = wanted[len(tokens) : len(tokens) + BATCH_TOKENS]
            at = engine.length(seq)
            if engine.decode(seq, part) == len(part):
                tokens += part
            else:
                engine.rewind(seq, at)
            _account(resident.held, 0, len(tokens))
            yield None

    def _best(self, request: InfillRequest) -> tuple[Resident | None, Plan]:
        """The resident that saves most, if it saves anything, and how; without one, room for a new one is made."""
        alive = list(self._sequences)
        self._residents = [resident for resident in self._residents if resident.held in alive]
        wanted = _texts(request)
        ways = [(each, plan(each, request, can_shift=self._engine.can_shift)) for each in self._residents]
        if ways:
            best, way = max(ways, key=lambda each: each[1].kept + each[1].apart)
            saved = way.kept + way.apart
            if saved and 2 * saved > min(len(best.tokens), len(wanted)):
                return best, way
        if len(ways) < MOST_RESIDENT:
            return None, Plan(0, 0, 0)
        return min(ways, key=lambda each: each[0].held.last_used)


class Rereading:
    """Reads what stands behind the cursor in full, for a request that was answered from moved cells."""

    def __init__(self, infills: Infills, resident: Resident, request: InfillRequest, lease: Lease, cancel: Cancel):
        self._parts = infills, resident, request, lease, cancel
        self.least_lead = request.least_lead
        self.usage = Usage()
        """What it took; nothing before."""

    def read(self) -> Part[bool]:
        """Have the sequence hold all of the request as it was read for it, its last logits wanted."""
        infills, resident, request, lease, cancel = self._parts
        usage = yield from infills.read(resident, replace(request, exact=True), lease, cancel)
        if usage is not None:  # the last marker was read for the request already
            self.usage = replace(usage, evaluated_tokens=usage.evaluated_tokens - len(request.gap))
        return usage is not None


def common(first: Sequence[int], second: Sequence[int]) -> int:
    """How many tokens two sequences begin with together."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False)))


def _texts(request: InfillRequest) -> list[int]:
    return [*request.before, *request.hole, *request.after]


def _account(held: Held, start: int, end: int) -> None:
    held.runs = [Run(held.writer, start, end)] if start < end else []
