"""The order of a BPE merge list, and what a symbol's own characters merge to under it.

Lists have up to half a million pairs, so that symbols are numbered and all products of one length are looked at
together. Knows symbols as strings; nothing of ids, bytes or files.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import count

import numpy as np
from numpy.typing import NDArray

Pair = tuple[str, str]
"""Two symbols that become one."""

_Numbers = NDArray[np.int64]
_Mask = NDArray[np.bool_]

_SHIFT = 32


class MergeOrder:
    """Products in list order, each with the number of symbols that merging its characters alone leaves.

    Arrays have an entry for each pair, at its place in the list, or for each symbol, at its number.
    """

    def __init__(self, merges: Iterable[Pair]) -> None:
        """The first mention of a pair counts."""
        pairs = list(merges)
        self._numbers = defaultdict[str, int](count().__next__)
        left, right = (self._numbered([pair[side] for pair in pairs]) for side in (0, 1))
        product = self._numbered([left + right for left, right in pairs])
        first = np.sort(np.unique(left << _SHIFT | right, return_index=True)[1])
        self._left, self._right, self._product = left[first], right[first], product[first]
        keys = self._left << _SHIFT | self._right
        self._place_of_key = np.argsort(keys)
        self._keys = keys[self._place_of_key]
        self._never = len(first)
        self._texts = list(self._numbers)
        self._lengths = np.fromiter(map(len, self._texts), np.int64, len(self._texts))
        self._formed_at = np.where(self._lengths == 1, -1, self._never)
        """When a symbol comes to be: -1 for a character, for a reachable product the place of its merge."""

    def _numbered(self, symbols: list[str]) -> _Numbers:
        return np.fromiter(map(self._numbers.__getitem__, symbols), np.int64, len(symbols))

    @property
    def texts(self) -> list[str]:
        """The products in list order."""
        return [self._texts[number] for number in dict.fromkeys(self._product.tolist())]

    @property
    def by_product(self) -> bool:
        """Whether the pairs of one product stand together, so that one rank per product says the same.

        Runs of one character may be listed interleaved: runs of different characters never meet.
        """
        return self._stand_together(self._product) or self._stand_together(self._product[~self._are_runs()])

    def _stand_together(self, products: _Numbers) -> bool:
        return int(np.count_nonzero(np.diff(products))) < max(1, len(np.unique(products)))

    def _are_runs(self) -> _Mask:
        """Which pairs make a run of one character."""
        runs = (text[:1] == text[-1:] and text.count(text[:1]) == len(text) for text in self._texts)
        are_runs: _Mask = np.fromiter(runs, bool, len(self._texts))[self._product]
        return are_runs

    def products(self) -> Iterator[tuple[str, int]]:
        """Yield (product, symbols left) in list order; 1 means that its characters merge to the product."""
        self._form()
        formed = (self._formed_at < self._never).tolist()
        for number in dict.fromkeys(self._product.tolist()):
            text = self._texts[number]
            yield text, 1 if formed[number] else self._simulate(text)

    def _form(self) -> None:
        """Find the reachable products. Shorter ones come first: what a product is made of is shorter than it."""
        lengths = self._lengths[self._product]
        order = np.lexsort((self._product, lengths))  # stable: the pairs of a product stay in list order
        starts = np.flatnonzero(np.diff(self._product[order], prepend=-1))
        nth = np.arange(len(order)) - np.repeat(starts, np.diff(starts, append=len(order)))
        for some in np.split(np.arange(len(order)), np.flatnonzero(np.diff(lengths[order])) + 1):
            for n in range(nth[some].max(initial=-1) + 1):
                places = order[some[nth[some] == n]]
                waiting = places[self._formed_at[self._product[places]] == self._never]
                undisturbed = waiting[self._undisturbed(waiting)]
                self._formed_at[self._product[undisturbed]] = undisturbed

    def _undisturbed(self, places: _Numbers) -> _Mask:
        """Which pairs have parts that form side by side without one of the merges across their seam coming first.

        Not those with a part that is made later than the whole: only `_simulate` knows about them.
        """
        left, right = self._left[places], self._right[places]
        found: _Mask = (self._formed_at[left] < places) & (self._formed_at[right] < places)
        found[found] = ~self._crossed(left[found], right[found])
        return found

    def _crossed(self, left: _Numbers, right: _Numbers) -> _Mask:
        """Whether a merge across the seam comes before both sides are complete; undoes them, latest step first."""
        crossed = np.zeros(len(left), bool)
        rest = np.arange(len(left))
        while len(rest):
            left_at, right_at = self._formed_at[left], self._formed_at[right]
            undo_left = left_at > right_at
            # The seam lies left of what is undone on the right, so that wins a tie as well.
            limit = np.where(undo_left, left_at, right_at + 1)
            left = np.where(undo_left, self._right[left_at], left)
            right = np.where(undo_left, right, self._left[right_at])
            is_open = limit > 0
            hit = is_open & (self._places(left, right) < limit)
            crossed[rest[hit]] = True
            goes_on = is_open & ~hit
            rest, left, right = rest[goes_on], left[goes_on], right[goes_on]
        return crossed

    def _places(self, left: _Numbers, right: _Numbers) -> _Numbers:
        """Where the pairs are in the list, `_never` for others."""
        wanted = left << _SHIFT | right
        found = np.minimum(np.searchsorted(self._keys, wanted), len(self._keys) - 1)
        return np.where(self._keys[found] == wanted, self._place_of_key[found], self._never)

    def _simulate(self, text: str) -> int:
        """Merge a text's characters, first pair of the list first, leftmost first; return the symbols left."""
        symbols = list(text)
        while len(symbols) > 1:
            numbers = np.array([self._numbers.get(symbol, -1) for symbol in symbols])
            places = self._places(numbers[:-1], numbers[1:])
            at = int(places.argmin())
            if places[at] == self._never:
                break
            symbols[at : at + 2] = [symbols[at] + symbols[at + 1]]
        return len(symbols)
