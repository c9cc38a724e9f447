"""The books of the KV cache: cells are counted once, admitted jobs can finish, nobody loses what he works with."""

from hypothesis import given
from hypothesis import strategies as st

from copilot.engine.base import Engine
from copilot.engine.segments import Link
from copilot.engine.sequences import Held, Lease, Sequences


class Cells:
    """An engine that only knows which cells each sequence holds."""

    n_ctx, n_seq, n_batch, max_rows, windowed = 400, 6, 100, 64, False

    def __init__(self) -> None:
        self.held: dict[int, list[int]] = {}
        self._next = 0

    def add(self, seq: int, n: int) -> None:
        cells = self.held.setdefault(seq, [])
        cells.extend(range(self._next, self._next + n))
        self._next += n

    @property
    def used(self) -> int:
        return len({cell for cells in self.held.values() for cell in cells})

    def length(self, seq: int) -> int:
        return len(self.held.get(seq, []))

    def rewind(self, seq: int, length: int) -> int:
        del self.held.get(seq, [])[length:]
        return self.length(seq)

    def fork(self, source: int, target: int) -> None:
        self.held[target] = list(self.held.get(source, []))

    def compact(self, seq: int) -> None: ...

    def drop(self, seq: int) -> None:
        self.held.pop(seq, None)


def opened() -> tuple[Cells, Sequences]:
    cells = Cells()
    engine: Engine = cells  # type: ignore[assignment]
    return cells, Sequences(engine)


def link(name: str, start: int, end: int) -> Link:
    return Link(name.encode(), start, end)


def grow(cells: Cells, lease: Lease, held: Held, name: str, n: int) -> None:
    cells.add(held.seq, n)
    held.links.append(link(name, held.end, held.end + n))
    lease.added(held, n)


@given(st.data())
def test_admitted_jobs_never_run_out_of_cells(data: st.DataObject) -> None:
    """Whatever jobs do within their lease, the cache never holds more than it can, and each gets all it asked for."""
    cells, sequences = opened()
    running: list[tuple[Lease, list[Held]]] = []
    for step in range(data.draw(st.integers(1, 25))):
        action = data.draw(st.sampled_from(["admit", "grow", "branch", "cut", "end"]))
        if action == "admit":
            wanted = data.draw(st.integers(1, 300))
            lease = sequences.lease(wanted, 2, None)
            if lease is not None:
                running.append((lease, [lease.new()]))
        elif running:
            lease, mine = running[data.draw(st.integers(0, len(running) - 1))]
            if action == "grow" and lease.cells:
                grow(cells, lease, mine[-1], f"{step}", data.draw(st.integers(1, lease.cells)))
            elif action == "branch" and lease.sequences:
                mine.append(lease.own(mine[0]))
            elif action == "cut" and len(mine) == 1:
                sequences.cut(mine[0], data.draw(st.integers(0, len(mine[0].links))))
            elif action == "end":
                running.remove((lease, mine))
                with lease:
                    pass
        assert cells.used + sum(lease.cells for lease, _ in running) <= cells.n_ctx


def test_shared_cells_count_once() -> None:
    """A fork takes no room; what both add is counted for each."""
    cells, sequences = opened()
    lease = sequences.lease(300, 2, None)
    assert lease is not None
    held = lease.new()
    grow(cells, lease, held, "prefix", 200)
    branch = lease.own(held)
    cells.add(branch.seq, 50)
    lease.added(branch, 50)
    grow(cells, lease, held, "more", 50)
    assert cells.used == 300
    assert sequences.lease(100, 1, None) is not None
    assert sequences.lease(1, 1, None) is None


def test_room_is_made_by_what_was_used_longest_ago() -> None:
    """Idle prefixes go in the order they were last used; pinned ones and the one to keep stay."""
    cells, sequences = opened()
    held = []
    for name in ("old", "kept", "new"):
        lease = sequences.lease(100, 1, None)
        assert lease is not None
        with lease:
            held.append(lease.new())
            grow(cells, lease, held[-1], name, 100)
    assert sequences.lease(150, 1, keep=held[1]) is not None
    assert set(sequences) == {held[1], held[2]}
    assert sequences.lease(200, 1, keep=held[1]) is None
    assert set(sequences) == {held[1], held[2]}


def test_nobody_reads_on_in_anothers_branch() -> None:
    """What follows the prefix in a job's own sequence is never taken for a prefix."""
    cells, sequences = opened()
    lease = sequences.lease(200, 2, None)
    assert lease is not None
    prefix = lease.new()
    grow(cells, lease, prefix, "prefix", 100)
    lease.own(prefix)
    lease.unpin(prefix)
    sequences.drop(prefix)
    assert sequences.best([link("prefix", 0, 100)]) == (None, 0)
