"""How a resident sequence gets from what it holds to what a request needs: what stays, what is moved, what is read.

Attention sums in the order of cells and a matrix product in the shape of its batch; the model's 8-bit activations make
the smallest difference as large as any other. So a full reading is read in batches whose ends follow from the texts
alone, and goes on only behind cells that came from such batches: then it gives the same logits, bit for bit, whatever
was typed before. Knows token ids only; works with no engine.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, takewhile

from copilot.engine.requests import InfillRequest
from copilot.engine.sequences import Held

BATCH_TOKENS = 64
"""Read per step: what a keystroke that cancels a reading can lose."""
MIN_MOVED = 16
"""Fewer cells are as well read again."""
FEW_READ = 2 * MIN_MOVED
"""So few tokens, where hardly any text follows the cursor, are read behind what is there: a full reading takes more."""
MAX_READ = 64
"""Tokens that may change in front of cells at once for them to be moved; after more they are read again."""
MAX_DRIFT = 160
"""The same over all moves since they were read."""


@dataclass(slots=True, eq=False)
class Resident:
    """A sequence and what it holds; between requests nobody works with it."""

    held: Held
    tokens: list[int] = field(default_factory=list)
    """Cells at positions 0, 1, …: both texts and the markers, as far as they were read."""
    after: tuple[int, ...] = ()
    """The second text, whose cells stand from position `start` on, beyond `tokens` after a cancelled reading."""
    start: int = 0
    exact: int = 0
    """So many of the first cells were read in the batches of a full reading,"""
    split: int = 0
    """which had so many tokens before the cursor."""
    approximate: bool = False
    """Whether some cells were computed for other text before them."""
    unsettled: bool = False
    """Whether cells were moved that no decode has followed yet: llama.cpp turns their keys in the next one."""
    drift: int = 0
    """Tokens that changed in front of the cells of `after` since they were read."""

    @property
    def end(self) -> int:
        """The position after its last cell."""
        return max(len(self.tokens), self.start + len(self.after))


@dataclass(frozen=True, slots=True)
class Former:
    """What a sequence held, its cells outside of the buffer."""

    cells: bytes
    """Those from position `first` on."""
    first: int
    tokens: tuple[int, ...]
    after: tuple[int, ...]
    start: int
    approximate: bool
    drift: int


@dataclass(frozen=True, slots=True)
class Plan:
    """How to get from what a sequence holds to what a request needs."""

    kept: int
    """Cells that stay."""
    moved: int
    """Cells at the end of the second text that are moved."""
    changed: int
    """Tokens that come or go in front of the moved cells."""
    full: bool = False
    """Whether the rest is read as in any full reading of these texts."""
    spared: bool = False
    """Whether what that takes the place of is worth keeping, in case that it is cancelled."""


def plan(resident: Resident, request: InfillRequest, *, can_shift: bool) -> Plan:
    """The cheapest way that stays within the bounds of the approximation."""
    wanted = texts(request)
    kept = common(resident.tokens, wanted)
    if not can_shift:
        return Plan(kept, 0, 0)
    end = resident.start + len(resident.after)
    same = common(resident.after[::-1], tuple(request.after)[::-1])
    moved = min(same, len(wanted) - kept, end - kept)
    changed = max(len(wanted), end) - moved - kept
    too_much = changed > MAX_READ or resident.drift + changed > MAX_DRIFT
    if moved >= MIN_MOVED and not too_much and not request.exact:
        return Plan(kept, moved, changed)
    exact = exact_cells(resident, request)
    if exact < kept and len(wanted) - kept <= FEW_READ and not request.exact:
        return Plan(kept, 0, 0)
    return Plan(exact, 0, 0, True, request.exact and same >= MIN_MOVED and exact < len(wanted))


def batch_ends(n_before: int, n_tokens: int) -> Iterator[int]:
    """Where the batches of a full reading end: each text is cut on its own, so that the first may grow."""
    cuts = chain(range(BATCH_TOKENS, n_before, BATCH_TOKENS), range(n_before, n_tokens, BATCH_TOKENS))
    return (end for end in chain(cuts, [n_tokens]) if end)


def exact_cells(resident: Resident, request: InfillRequest) -> int:
    """How many of the first cells are what a full reading of a request would compute: it can go on behind them."""
    wanted, n_before = texts(request), len(request.before)
    same = min(resident.exact, common(resident.tokens, wanted))
    whole = resident.split == n_before and resident.exact == len(wanted)
    if resident.split != n_before:  # other batches from the last whole one on
        same = min(same, *(n // BATCH_TOKENS * BATCH_TOKENS for n in (resident.split, n_before)))
    ends = (end for end in batch_ends(n_before, len(wanted)) if end < len(wanted) or whole)
    return max((end for end in ends if end <= same), default=0)


def alike(resident: Resident, request: InfillRequest) -> int:
    """How many tokens from the beginning, and of the second text from its end, are those of a request."""
    return common(resident.tokens, texts(request)) + common(resident.after[::-1], tuple(request.after)[::-1])


def texts(request: InfillRequest) -> list[int]:
    """All that stands before the last marker."""
    return [*request.before, *request.hole, *request.after]


def common(first: Sequence[int], second: Sequence[int]) -> int:
    """How many tokens two sequences begin with together."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False)))
