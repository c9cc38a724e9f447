"""What stands between two texts, asked again at every keystroke: the sequence that holds both stays resident.

The model reads the text before, a marker, the text after, a marker. Typing changes the end of the first text, so all
cells of the second would have to be read again. They are kept instead, moved to their new positions, and only what was
typed and the marker between are read: an approximation, bounded by `plan` and ended by `exact`. See docs/completion.md.
Knows token ids only.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Self

from copilot.engine.base import Cancel, Engine
from copilot.engine.infill_plan import BATCH_TOKENS, Former, Plan, Resident, alike, batch_ends, common, plan, texts
from copilot.engine.requests import InfillRequest, Tokens
from copilot.engine.sequences import Held, Lease, Run, Sequences
from copilot.engine.serving import Part, Stopwatch
from copilot.errors import EngineError
from copilot.events import Progress, Usage

MOST_RESIDENT = 2
"""Pairs of texts kept at once, the latest ones."""


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
        cells = request.n_tokens + request.sampling.max_tokens - way.kept - way.moved
        lease = self._sequences.lease(cells, 1, resident.held if resident else None)
        if lease is None:
            return None
        if resident is None:
            resident = Resident(lease.new())
            self._residents.append(resident)
        else:
            lease.pin(resident.held)
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
        wanted, watch = texts(request), Stopwatch()
        former = self._taken_out(resident, way)
        spare = self._set_apart(resident, way, lease)
        kept = self._set_anew(resident, way, lease) if way.full else self._cut(resident, way)
        ends = list(batch_ends(len(request.before), len(wanted))) if way.full else _steps(kept, len(wanted) - way.moved)
        for read in watch.steps(self._batches(resident, wanted, ends, cancel)):
            lease.cells = max(0, lease.cells - read)
            if way.full:
                resident.exact, resident.split = len(resident.tokens), len(request.before)
            yield Progress("read", len(resident.tokens), len(wanted), "tokens", kept)
        moved = 0
        if spare is not None:
            moved = self._put_back(resident, spare, way)
            lease.disown(spare)
        if len(resident.tokens) + moved < len(wanted):
            if former is not None:
                self._revert(resident, former, lease)
            return None
        resident.tokens[:] = wanted
        resident.after, resident.start = tuple(request.after), len(request.before) + len(request.hole)
        if not (yield from watch.timed(self._gap(resident, request.gap, cancel))):
            return None
        reused = kept + moved
        return Usage(request.n_tokens, reused, request.n_tokens - reused, prefill_ms=watch.ms)

    def _set_apart(self, resident: Resident, way: Plan, lease: Lease) -> Held | None:
        """A second reader of the cells to be moved, so that they outlive the cut before them."""
        if not way.moved:
            return None
        spare, end = lease.own(None), resident.start + len(resident.after)
        self._engine.share(resident.held.seq, spare.seq, end - way.moved, end)
        _account(spare, end - way.moved, end)
        return spare

    def _cut(self, resident: Resident, way: Plan) -> int:
        """Keep the first cells only, none where the engine cannot go back so far; how many are left."""
        kept = self._engine.rewind(resident.held.seq, way.kept)
        del resident.tokens[kept:]
        resident.exact = min(resident.exact, kept)
        if not way.moved:
            resident.after = ()
        _account(resident.held, 0, kept)
        return kept

    def _set_anew(self, resident: Resident, way: Plan, lease: Lease) -> int:
        """The same before a full reading, the cells in the order of their positions and as far down as there is room.

        Attention sums in the order in which cells lie in the buffer.
        """
        engine, held = self._engine, resident.held
        cells = engine.export_cells(held.seq, 0, way.kept) if way.kept else b""
        engine.drop(held.seq)
        kept = way.kept if cells and engine.restore(held.seq, cells) else 0
        lease.cells += sum(run.end - run.start for run in held.runs) - kept
        del resident.tokens[kept:]
        resident.exact, resident.after, resident.approximate, resident.drift = kept, (), False, 0
        _account(held, 0, kept)
        return kept

    def _taken_out(self, resident: Resident, way: Plan) -> Former | None:
        """What a full reading takes the place of, if it is worth keeping. Nothing of it stays in the buffer, where it
        would be in the way of the order of cells."""
        if not way.spared or resident.unsettled:
            return None
        cells = self._engine.export_cells(resident.held.seq, way.kept, resident.end)
        texts = tuple(resident.tokens), resident.after, resident.start
        return Former(cells, way.kept, *texts, resident.approximate, resident.drift)

    def _revert(self, resident: Resident, former: Former, lease: Lease) -> None:
        """After a cancelled full reading: what was there before, and of what was read in its place what is the same."""
        read, spare = common(resident.tokens, former.tokens), lease.own(None)
        if read >= former.first and self._engine.restore(spare.seq, former.cells):
            end = self._engine.length(spare.seq)
            self._engine.rewind(resident.held.seq, read)
            self._engine.share(spare.seq, resident.held.seq, read, end)
            resident.tokens[:], resident.after, resident.start = former.tokens, former.after, former.start
            resident.approximate, resident.drift, resident.exact = former.approximate, former.drift, read
            _account(resident.held, 0, end)
        lease.disown(spare)

    def _put_back(self, resident: Resident, spare: Held, way: Plan) -> int:
        """Move the cells set apart to where they belong now, after a cancelled reading somewhere behind it.

        Returns how many.
        """
        engine, moved, place = self._engine, way.moved, len(resident.tokens)
        tail = resident.start + len(resident.after) - moved
        engine.shift(spare.seq, tail, place - tail)
        engine.share(spare.seq, resident.held.seq, place, place + moved)
        resident.after, resident.start = resident.after[len(resident.after) - moved :], place
        resident.approximate = resident.unsettled = True
        resident.drift += way.changed
        _account(resident.held, 0, place + moved)
        return moved

    def _gap(self, resident: Resident, gap: Tokens, cancel: Cancel) -> Part[bool]:
        """Decode the last marker; what was aborted for something more urgent is done again."""
        engine, seq = self._engine, resident.held.seq
        at = engine.length(seq)
        while not cancel.is_set():
            if engine.decode(seq, gap, logits="last") == len(gap):
                resident.unsettled = False
                _account(resident.held, 0, at + len(gap))
                return True
            engine.rewind(seq, at)
            yield None
        return False

    def _batches(self, resident: Resident, wanted: Sequence[int], ends: Sequence[int], cancel: Cancel) -> Iterator[int]:
        """Read up to the last of the ends, a batch up to each; how many tokens each step read."""
        engine, seq, tokens = self._engine, resident.held.seq, resident.tokens
        while len(tokens) < ends[-1] and not cancel.is_set():
            part = wanted[len(tokens) : next(end for end in ends if end > len(tokens))]
            at = engine.length(seq)
            read = engine.decode(seq, part) == len(part)
            if read:
                tokens += part
                resident.unsettled = False
            else:
                engine.rewind(seq, at)
            _account(resident.held, 0, len(tokens))
            yield len(part) if read else 0

    def _best(self, request: InfillRequest) -> tuple[Resident | None, Plan]:
        """The resident most alike, if it is much alike, and the way on from it; None where a new one is due."""
        alive = list(self._sequences)
        self._residents = [resident for resident in self._residents if resident.held in alive]
        best = max(self._residents, key=lambda each: alike(each, request), default=None)
        if best is None or 2 * alike(best, request) <= min(len(best.tokens), len(texts(request))):
            if len(self._residents) < MOST_RESIDENT:
                return None, Plan(0, 0, 0)
            best = min(self._residents, key=lambda each: each.held.last_used)
        return best, plan(best, request, can_shift=self._engine.can_shift)


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


def _steps(kept: int, end: int) -> list[int]:
    """Where the batches end that read what follows the first cells."""
    return [*range(kept + BATCH_TOKENS, end, BATCH_TOKENS), end]


def _account(held: Held, start: int, end: int) -> None:
    held.runs = [Run(held.writer, start, end)] if start < end else []
