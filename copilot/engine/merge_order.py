"""The order of a BPE merge list, and what a symbol's own characters merge to under it.

Knows symbols as strings and pairs by their place in the list; nothing of ids, bytes or files.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

Merges = dict[tuple[str, str], int]
"""Pairs of symbols with their place in the list."""


class MergeOrder:
    """Products in list order, each with the number of symbols that merging its characters alone leaves."""

    def __init__(self, merges: Merges) -> None:
        self._merges = merges
        self._never = max(merges.values(), default=0) + 1
        self._formed: dict[str, tuple[int, tuple[str, str]]] = {}
        """Reachable products: the place of the merge that makes them, and its pair."""
        self._products: dict[str, list[tuple[str, str]]] = {}
        for pair in merges:
            self._products.setdefault(pair[0] + pair[1], []).append(pair)

    @property
    def by_product(self) -> bool:
        """Whether the pairs of one product stand together, so that one rank per product says the same.

        Runs of one character may be listed interleaved: runs of different characters never meet.
        """
        last = -1
        for text, pairs in self._products.items():
            if text.count(text[0]) == len(text):
                continue
            places = [self._merges[pair] for pair in pairs]
            if min(places) < last:
                return False
            last = max(places)
        return True

    def products(self) -> Iterator[tuple[str, int]]:
        """Yield (product, symbols left) in list order; 1 means that its characters merge to the product."""
        for text, pairs in self._products.items():
            pair = self._undisturbed_pair(pairs)
            if pair is None:
                left = self._simulate(text)
            else:
                self._formed[text] = self._merges[pair], pair
                left = 1
            yield text, left

    def _undisturbed_pair(self, pairs: Sequence[tuple[str, str]]) -> tuple[str, str] | None:
        """The pair whose parts form side by side without one of the merges across their seam coming first.

        None if there is none, or if a part is made later than the whole: then only `_simulate` knows.
        """
        for pair in pairs:
            place = self._merges[pair]
            if all(self._formed_at(part) < place for part in pair) and not self._crossed(*pair):
                return pair
        return None

    def _formed_at(self, symbol: str) -> int:
        """When a symbol comes to be: -1 for a character, after everything for what never forms."""
        if len(symbol) == 1:
            return -1
        formed = self._formed.get(symbol)
        return formed[0] if formed else self._never

    def _crossed(self, left: str, right: str) -> bool:
        """Whether a merge across the seam comes before both sides are complete; undoes them, latest step first."""
        while len(left) > 1 or len(right) > 1:
            left_at, right_at = self._formed_at(left), self._formed_at(right)
            if left_at > right_at:
                left, limit = self._formed[left][1][1], left_at
            else:
                # The seam lies left of the undone merge, so it also wins a tie.
                right, limit = self._formed[right][1][0], right_at + 1
            if self._merges.get((left, right), limit) < limit:
                return True
        return False

    def _simulate(self, text: str) -> int:
        """Merge a text's characters, first pair of the list first, leftmost first; return the symbols left."""
        symbols = list(text)
        while len(symbols) > 1:
            places = [self._merges.get(pair, -1) for pair in pairwise(symbols)]
            best = min((place for place in places if place >= 0), default=-1)
            if best < 0:
                break
            at = places.index(best)
            symbols[at : at + 2] = [symbols[at] + symbols[at + 1]]
        return len(symbols)
