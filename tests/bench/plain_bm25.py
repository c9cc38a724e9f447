"""Plain BM25 over whole files or whole functions: what search is measured against.

k1 1.2, b 0.75, not stemmed, no stop words, no paths; identifiers are split and kept whole, as in the index.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Generic, TypeVar

from copilot.repo.index import Index
from copilot.repo.words import parts, words

Key = TypeVar("Key", bound=tuple[object, ...] | str)
Span = tuple[str, int, int]
"""Path, first and last line."""

MOST_HITS = 10
CALLABLES = frozenset({"function", "method", "constructor"})


class PlainBM25(Generic[Key]):
    """Ranks texts by their names for a query."""

    def __init__(self, texts: Mapping[Key, str]) -> None:
        self._counts = {key: Counter(_terms(text)) for key, text in texts.items()}
        self._lengths = {key: counts.total() for key, counts in self._counts.items()}
        self._spread = Counter(term for counts in self._counts.values() for term in counts)
        self._mean_length = sum(self._lengths.values()) / max(1, len(self._lengths)) or 1.0

    def best(self, query: str) -> list[Key]:
        """The names of the best texts, best first."""
        terms = sorted(set(_terms(query)))
        scores = {key: self._score(key, terms) for key in self._counts}
        return sorted((key for key in scores if scores[key] > 0), key=lambda key: (-scores[key], key))[:MOST_HITS]

    def _score(self, key: Key, terms: Sequence[str]) -> float:
        counts = self._counts[key]
        damping = 1.2 * (0.25 + 0.75 * self._lengths[key] / self._mean_length)
        return sum(self._weight(term) * counts[term] * 2.2 / (counts[term] + damping) for term in terms)

    def _weight(self, term: str) -> float:
        spread = self._spread[term]
        return math.log1p((len(self._counts) - spread + 0.5) / (spread + 0.5))


def of_files(index: Index) -> PlainBM25[str]:
    """Over the whole text of each file, by path."""
    return PlainBM25({file.path: index.text(file) for file in index.files})


def of_functions(index: Index) -> PlainBM25[Span]:
    """Over the whole text of each function, by where it is."""
    defined = index.definitions(index.files)
    texts: dict[Span, str] = {}
    for file in index.files:
        lines = index.text(file).split("\n")
        for own in defined.get(file.path, ()):
            if own.kind in CALLABLES:
                texts[file.path, own.start_line, own.end_line] = "\n".join(lines[own.start_line - 1 : own.end_line])
    return PlainBM25(texts)


def _terms(text: str) -> Iterator[str]:
    for word in words(text):
        yield word.lower()
        split = parts(word)
        if len(split) > 1:
            yield from (part.lower() for part in split)
