"""How names are used across a repository, line by line: which passages resemble a place, what stands behind a dot.

Made from texts, kept in memory, thrown away when they change. Knows no grammar, no index and no model.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_LINES = 400_000
MOST_LINES_OF_A_NAME = 3000
"""A name on more lines says nothing about any of them."""
LONGEST_LINE = 300
LINES_ABOVE, LINES_BELOW = 2, 3
"""Shown around the line that resembles most: what follows it is what is wanted."""
_CANDIDATES = 200
_SPREAD = (0.25, 0.5, 1.0, 0.5, 0.25, 0.125)
"""What a line's score counts for the lines 2 above to 3 below it."""
_NAME = re.compile(r"[A-Za-z_]\w{2,}")
_MEMBER = re.compile(r"(\w+)(?:\([^()]*\)|\[[^][]*\])?(?:\?\.|\.|->|::)(?=(\w+))")


@dataclass(frozen=True, slots=True)
class Passage:
    """Lines of a file that resemble a place."""

    path: str
    start_line: int
    """1-based."""
    lines: tuple[str, ...]
    """Without those that an earlier passage has."""
    score: float

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


class Usages:
    """The names on all lines of some texts."""

    def __init__(self, texts: Iterable[tuple[str, Sequence[str]]]) -> None:
        """`texts`: paths and their lines, in an order that stays."""
        self._lines: list[str] = []
        self._files: list[tuple[str, int]] = []
        """Path and number of the first line."""
        names: defaultdict[str, list[int]] = defaultdict(list)
        for path, lines in texts:
            if len(self._lines) + len(lines) > MOST_LINES:
                break
            self._files.append((path, len(self._lines)))
            for number, line in enumerate(lines, len(self._lines)):
                for name in set(_NAME.findall(line)) if len(line) <= LONGEST_LINE else ():
                    names[name].append(number)
            self._lines += lines
        self._postings = {name: np.array(numbers, np.int64) for name, numbers in names.items()}
        self._starts = np.array([start for _, start in self._files], np.int64)

    def passages(self, weights: Mapping[str, float], apart_from: str, most_chars: int) -> list[Passage]:
        """The passages that share most of the names, the best first; none of the file `apart_from`."""
        scores = self._scores(weights)
        if not len(scores):
            return []
        order = np.argsort(-scores, kind="stable")[:_CANDIDATES]
        found: list[Passage] = []
        taken: set[int] = set()
        said: set[str] = set()
        left = most_chars
        for number in map(int, order):
            path, first, last = self._file_of(number)
            if scores[number] <= 0 or left <= 0:
                break
            if path == apart_from or number in taken:
                continue
            span = range(max(first, number - LINES_ABOVE), min(last, number + LINES_BELOW + 1))
            lines = [self._lines[n] for n in span if n not in taken and self._lines[n].strip() not in said]
            if sum(bool(line.strip()) for line in lines) < 2:
                continue
            taken.update(span)
            said.update(line.strip() for line in lines if len(line.strip()) > 3)
            found.append(Passage(path, span.start - first + 1, tuple(lines), float(scores[number])))
            left -= len(found[-1].text) + 1
        return found if left >= 0 else found[:-1]

    def members(self, receiver: str, apart_from: str) -> Counter[str]:
        """What stands behind a dot after a name, and how often."""
        found: Counter[str] = Counter()
        for number in self._postings.get(receiver, np.array([], np.int64))[:MOST_LINES_OF_A_NAME]:
            line = self._lines[number]
            if self._file_of(int(number))[0] != apart_from:
                found.update(member for owner, member in _MEMBER.findall(line) if owner == receiver)
        return found

    def _scores(self, weights: Mapping[str, float]) -> NDArray[np.float64]:
        """Per line, the rarer names count more; a line passes on part of its score to its neighbours."""
        n_lines = len(self._lines)
        scores = np.zeros(n_lines)
        for name, weight in weights.items():
            numbers = self._postings.get(name)
            if numbers is not None and len(numbers) <= MOST_LINES_OF_A_NAME:
                scores[numbers] += weight * np.log(1 + n_lines / (1 + len(numbers)))
        return np.convolve(scores, _SPREAD[::-1], "full")[LINES_BELOW : LINES_BELOW + n_lines] if n_lines else scores

    def _file_of(self, number: int) -> tuple[str, int, int]:
        """Path of a line's file, its first line and the one after its last."""
        index = int(np.searchsorted(self._starts, number, "right")) - 1
        path, first = self._files[index]
        return path, first, int(self._starts[index + 1]) if index + 1 < len(self._files) else len(self._lines)


def names_in(line: str) -> set[str]:
    """The names on a line that are long enough to say something."""
    return set(_NAME.findall(line))
