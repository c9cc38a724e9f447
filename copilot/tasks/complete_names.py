"""Definitions whose names are made of the words near a cursor: in `def list_tasks(params: `, `ListTasksRequest`.

What is written next is often called after what is around it. Knows names, no syntax and no lines.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import PurePosixPath

from copilot.repo.query import stem
from copilot.repo.tags import Definition
from copilot.repo.words import is_compound, parts

MIN_CHARS = 5
SAME_FOLDER = 1.3
MOST_DEFINERS = 3
"""A name that more files define is nobody's."""
_MOST = 200

Entry = tuple[str, Definition]
"""A path and what is defined there."""


class KindredNames:
    """All names that a repository defines, by their words."""

    def __init__(self, by_name: Mapping[str, Sequence[Entry]]) -> None:
        self._names: list[tuple[str, Sequence[Entry]]] = []
        self._with_word: defaultdict[str, list[int]] = defaultdict(list)
        for name in sorted(by_name):
            entries = by_name[name]
            if len(name) < MIN_CHARS or name.startswith("__") or len({path for path, _ in entries}) > MOST_DEFINERS:
                continue
            for word in _words(name):
                self._with_word[word].append(len(self._names))
            self._names.append((name, entries))

    def of(self, weights: Mapping[str, float], path: str) -> list[Entry]:
        """Definitions in other files, the most kindred first; `weights` say what the names near the cursor count."""
        words: dict[str, float] = {}
        for name, weight in weights.items():
            for word in _words(name):
                words[word] = max(words.get(word, 0.0), weight)
        scores: defaultdict[int, float] = defaultdict(float)
        for word, weight in words.items():
            having = self._with_word.get(word, ())
            rarity = weight * math.log(1 + len(self._names) / (1 + len(having)))
            for index in having:
                scores[index] += rarity
        folder = PurePosixPath(path).parent
        ranked = sorted(scores, key=lambda index: (-self._value(index, scores[index], folder), index))[:_MOST]
        chosen = [self._names[index] for index in ranked]
        found = [[entry for entry in entries if entry[0] != path] for name, entries in chosen if name not in weights]
        return [entries[0] for entries in found if entries]

    def _value(self, index: int, score: float, folder: PurePosixPath) -> float:
        name, entries = self._names[index]
        near = any(PurePosixPath(path).parent == folder for path, _ in entries)
        return (SAME_FOLDER if near else 1.0) * score / math.sqrt(len(_words(name)) + 1)


@lru_cache(maxsize=1 << 16)
def _words(name: str) -> frozenset[str]:
    """The words of a name without their endings."""
    return frozenset(stem(part.lower()) for part in (parts(name) if is_compound(name) else (name,)))
