"""Which sequence of the engine holds which prefix, how many cells that takes, and which may be given up.

A cell is one token's row in the KV cache; sequences that were forked share theirs. Knows links, not tokens.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, takewhile
from typing import Self

from copilot.engine.base import SCRATCH, Engine
from copilot.engine.segments import Link


@dataclass(frozen=True, slots=True)
class Run:
    """Cells [start, end) of a chain, written by one sequence; forks of it hold the same cells."""

    writer: int
    start: int
    end: int


@dataclass(slots=True, eq=False)
class Held:
    """A sequence in use."""

    seq: int
    writer: int
    links: list[Link] = field(default_factory=list)
    """The prefix whose rows it holds, as far as it is made of links."""
    runs: list[Run] = field(default_factory=list)
    pins: int = 0
    """Jobs that work with it; without any it stays only while there is room."""
    goal: bytes = b""
    """The last link of the prefix it is being read towards."""
    restoring: int = 0
    """The number of links that are being restored; until then it must not be decoded into."""
    reading: bool = False
    """Whether what the disk had is there and the rest is being read."""
    rolling: Link | None = None
    """Where the newest window on disk is, if the next one replaces it."""
    grown: bool = False
    """Whether links were added since the store was last told of its use."""
    told_at: float = 0.0
    """When that was, on the monotonic clock."""
    last_used: float = 0.0
    """When a job last began or ended to work with it, on the monotonic clock."""

    @property
    def end(self) -> int:
        """Tokens held as part of a prefix."""
        return self.links[-1].end if self.links else 0

    def common(self, links: Sequence[Link]) -> int:
        """How many links two chains begin with together."""
        pairs = zip(self.links, links, strict=False)
        return sum(1 for _ in takewhile(lambda pair: pair[0].key == pair[1].key, pairs))


class Sequences:
    """The sequences of one engine and the cells they take."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._held: list[Held] = []
        self._leases: list[Lease] = []
        self._free = [seq for seq in range(engine.n_seq) if seq != SCRATCH]
        self._writers = count(1)

    def __iter__(self) -> Iterator[Held]:
        return iter(tuple(self._held))

    @property
    def leased(self) -> bool:
        """Whether some job is under way."""
        return bool(self._leases)

    @property
    def shared(self) -> bool:
        """Whether several jobs are under way."""
        return len(self._leases) > 1

    def best(self, links: Sequence[Link]) -> tuple[Held | None, int]:
        """The sequence that holds most of a prefix, and how many of its links."""
        found: tuple[Held | None, int] = None, 0
        for held in self:
            common = held.common(links)
            if common > found[1]:
                found = held, common
        return found

    def lease(self, cells: int, sequences: int, keep: Held | None) -> "Lease | None":
        """Set room aside, at the expense of what nobody works with but `keep`; None if that is not enough."""
        wanted_cells = cells + sum(lease.cells for lease in self._leases)
        wanted = sequences + sum(lease.sequences for lease in self._leases)
        idle = sorted((h for h in self._held if not h.pins and h is not keep), key=lambda held: held.last_used)
        for n_dropped in range(len(idle) + 1):
            left = [held for held in self._held if held not in idle[:n_dropped]]
            room = self._engine.n_ctx - _cells(left)
            if wanted_cells <= room and wanted <= len(self._free) + n_dropped:
                for held in idle[:n_dropped]:
                    self.drop(held)
                self._leases.append(lease := Lease(self, cells, sequences))
                return lease
        return None

    def end(self, lease: "Lease") -> None:
        self._leases.remove(lease)

    def new(self) -> Held:
        """An empty sequence."""
        held = Held(self._free.pop(), next(self._writers))
        self._held.append(held)
        return held

    def fork(self, source: Held) -> Held:
        """A second reader of a sequence's cells; what it adds is its own."""
        held = self.new()
        self._engine.compact(source.seq)
        self._engine.fork(source.seq, held.seq)
        held.links, held.runs = list(source.links), list(source.runs)
        return held

    def cut(self, held: Held, n_links: int) -> None:
        """Keep the first links of a sequence only; nothing where the engine cannot go back so far."""
        del held.links[n_links:]
        if self._engine.rewind(held.seq, held.end) != held.end:
            held.links.clear()
            self._engine.drop(held.seq)
        held.runs = [Run(run.writer, run.start, min(run.end, held.end)) for run in held.runs if run.start < held.end]
        held.writer = next(self._writers)  # other sequences may hold the cells after the cut

    def touch(self, held: Held) -> None:
        held.last_used = time.monotonic()

    def drop(self, held: Held) -> None:
        """Give a sequence back; cells that a fork shares stay with the fork."""
        self._held.remove(held)
        self._engine.drop(held.seq)
        self._free.append(held.seq)


class Lease:
    """What an admitted job works with and may still add, so that it can always finish."""

    def __init__(self, sequences: Sequences, cells: int, n_sequences: int) -> None:
        self.cells = cells
        self.sequences = n_sequences
        self._all = sequences
        self._pinned: list[Held] = []
        self._own: list[Held] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Drop the job's own sequences; prefixes it worked with stay while there is room."""
        for held in self._own:
            self._all.drop(held)
        for held in tuple(self._pinned):
            self.unpin(held)
        self._all.end(self)

    def distrust(self) -> None:
        """Forget what the prefixes of this job hold."""
        for held in self._pinned:
            self._all.cut(held, 0)

    def pin(self, held: Held) -> Held:
        held.pins += 1
        self._pinned.append(held)
        self._all.touch(held)
        return held

    def unpin(self, held: Held) -> None:
        self._pinned.remove(held)
        held.pins -= 1
        held.reading = held.reading and held.pins > 0
        self._all.touch(held)

    def new(self) -> Held:
        """An empty sequence for a prefix, pinned."""
        self.sequences -= 1
        return self.pin(self._all.new())

    def fork(self, source: Held) -> Held:
        """A fork of a prefix for another prefix, pinned."""
        self.sequences -= 1
        return self.pin(self._all.fork(source))

    def own(self, source: Held | None) -> Held:
        """A sequence of this job alone: a fork of `source`, or empty."""
        self.sequences -= 1
        held = self._all.fork(source) if source else self._all.new()
        held.links.clear()  # what follows the prefix is the job's: no other may read on here
        held.pins = 1
        self._own.append(held)
        return held

    def disown(self, held: Held) -> None:
        """Give back one of the job's own sequences before its end."""
        self._own.remove(held)
        self._all.drop(held)
        self.sequences += 1

    def added(self, held: Held, tokens: int) -> None:
        """Account for tokens that were decoded into, or restored to, a sequence."""
        self.cells = max(0, self.cells - tokens)
        start = held.runs[-1].end if held.runs else 0
        own = bool(held.runs) and held.runs[-1].writer == held.writer
        first = held.runs.pop().start if own else start
        held.runs.append(Run(held.writer, first, start + tokens))


def _cells(held: Iterable[Held]) -> int:
    """Cells taken together; of a writer's cells, those shared by several count once."""
    ends: dict[tuple[int, int], int] = {}
    for run in (run for sequence in held for run in sequence.runs):
        key = run.writer, run.start
        ends[key] = max(ends.get(key, 0), run.end)
    return sum(end - start for (_, start), end in ends.items())
