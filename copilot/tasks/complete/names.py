"""Definitions whose names are made of the words near a cursor: in `def list_tasks(params: `, `ListTasksRequest`.

What is written next is often called after what is around it. Knows names, no syntax and no lines.
"""

import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from functools import lru_cache

from copilot.repo.imports import module_name
from copilot.repo.query import stem
from copilot.repo.tags import Definition
from copilot.repo.words import is_compound, parts

MIN_CHARS = 5
SAME_FOLDER, IMPORTED, PRIVATE, OF_TESTS = 1.6, 2.2, 0.4, 0.3
"""Factors: defined beside the file, in a module it imports from already, for its own module only, in a test."""
MOST_DEFINERS = 3
"""A name that more files define is nobody's."""
_MOST = 200
_IMPORT = re.compile(r"^[ \t]*(?:from[ \t]+|import[ \t]+|\}?[^\n'\"]*\bfrom[ \t]+['\"])([\w./@-]+)", re.MULTILINE)

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

    def of(self, weights: Mapping[str, float], path: str, imported: Set[str] = frozenset()) -> list[Entry]:
        """Definitions in other files, the most kindred first.

        `weights` say what the names near the cursor count, `imported` which modules the file imports from, by stem.
        """
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
        ranked = sorted(scores, key=lambda index: (-self._value(index, scores[index], path, imported), index))[:_MOST]
        chosen = [self._names[index] for index in ranked]
        found = [[entry for entry in entries if entry[0] != path] for name, entries in chosen if name not in weights]
        return [entries[0] for entries in found if entries]

    def _value(self, index: int, score: float, path: str, imported: Set[str]) -> float:
        name, entries = self._names[index]
        value = score / math.sqrt(len(_words(name)) + 1)
        if any(module_name(where) in imported for where, _ in entries):
            value *= IMPORTED
        elif any(_folder(where) == _folder(path) for where, _ in entries):
            value *= SAME_FOLDER
        if name.startswith("_"):
            value *= PRIVATE
        if all("test" in where for where, _ in entries) and "test" not in path:
            value *= OF_TESTS
        return value


def imported_modules(text: str) -> frozenset[str]:
    """The last parts of the module names that a text imports from, in Python and in JavaScript."""
    return frozenset(re.split(r"[./]", module.rstrip("./"))[-1] for module in _IMPORT.findall(text))


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


@lru_cache(maxsize=1 << 16)
def _words(name: str) -> frozenset[str]:
    """The words of a name without their endings."""
    return frozenset(stem(part.lower()) for part in (parts(name) if is_compound(name) else (name,)))
