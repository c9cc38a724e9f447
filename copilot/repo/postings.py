"""Where the terms of a query are: posting lists read from the text index, and BM25 over them.

Knows places and files by number only: no paths, no chunks, no roles.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from copilot.repo.index import Index
from copilot.repo.query import Query
from copilot.repo.schema import MOST_CHUNKS

Numbers = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

_FEW_TERMS = 8
_COMMON = 5_000
_COMMON_SHARE = 1 / 16
"""In a query of more than a few terms, one that is in more places than both says little, and is left out: reading its
places would take longest."""
_SYMBOL_WEIGHT = 8.0
_PATH_WEIGHT = 2.0
_SYMBOL_WEIGHT_IN_FILE = 8.0
_PATH_WEIGHT_IN_FILE = 4.0
"""Of a term there; elsewhere it counts once for each place."""
_PAIR_WEIGHT = 0.6
"""Of a name made of two words of the query, beside those words."""
_K1 = 1.2
_B = 0.75
B_OF_FILES = 0.5
"""Large files are about more; they are not just wordy."""


@dataclass(frozen=True, slots=True)
class Postings:
    """One entry for each term and each number (of a place, or of a file) that has it."""

    numbers: Numbers
    counts: Values
    """How often the term is there, weighted."""
    values: Values
    """What the term is worth: its weight in the query times its rarity."""

    def only(self, wanted: Numbers) -> "Postings":
        """Those of the wanted numbers."""
        kept = np.isin(self.numbers, wanted)
        return Postings(self.numbers[kept], self.counts[kept], self.values[kept])

    def scores(self, lengths: Values | None = None, b: float = _B) -> tuple[Numbers, Values]:
        """Each number once, ascending, and its BM25; `lengths` has for each *entry* how many times the usual it is."""
        damping = _K1 if lengths is None else _K1 * (1.0 - b + b * lengths)
        return _summed(self.numbers, self.values * self.counts * (_K1 + 1.0) / (self.counts + damping))


@dataclass(frozen=True, slots=True)
class _Term:
    """Ascending numbers of the places that have a term."""

    weight: float
    inside: Numbers
    as_symbol: Numbers
    in_path: Numbers


def postings(index: Index, table: str, asked: Query) -> tuple[Postings, Postings]:
    """Those of places, and those of files."""
    places = _totals(index, table)[0]
    most = max(_COMMON, int(places * _COMMON_SHARE)) if len(asked.terms) > _FEW_TERMS else places
    wanted = [*zip(asked.spellings, asked.weights, strict=True), *((pair, _PAIR_WEIGHT) for pair in asked.pairs)]
    terms = [_read(index, table, spellings, weight, most) for spellings, weight in wanted]
    terms = [term for term in terms if len(term.inside) <= most] or terms
    of_places = _joined(_in_places(term, places) for term in terms)
    return of_places, _joined(_in_files(term, len(index.files)) for term in terms)


def _read(index: Index, table: str, spellings: Sequence[str], weight: float, most: int) -> _Term:
    """Reads one place more than `most`, so that it shows if there are more. A path that common is no evidence."""
    any_of = " OR ".join(f'"{word}"' for word in spellings)

    def numbers(columns: str) -> Numbers:
        # As one string: thousands of rows would take three times as long.
        [(found,)] = index.select(
            f"SELECT group_concat(rowid) FROM (SELECT rowid FROM {table} WHERE {table} MATCH ? LIMIT ?)",
            (f"{{{columns}}} : ({any_of})", most + 1),
        )
        return np.fromstring(found or "", np.int64, sep=",")

    inside = numbers("symbol prose code")
    if len(inside) > most:
        return _Term(weight, inside, inside[:0], inside[:0])
    in_path = numbers("path")
    in_path = in_path if len(in_path) <= most else in_path[:0]
    return _Term(weight, inside, numbers("symbol") if len(inside) else inside, in_path)


def _in_places(term: _Term, places: int) -> Postings:
    lists = [(term.inside, 1.0), (term.as_symbol, _SYMBOL_WEIGHT - 1.0), (term.in_path, _PATH_WEIGHT)]
    return _entries(term, places, lists)


def _in_files(term: _Term, files: int) -> Postings:
    lists = [
        (term.inside // MOST_CHUNKS, 1.0),
        (term.as_symbol // MOST_CHUNKS, _SYMBOL_WEIGHT_IN_FILE - 1.0),
        (np.unique(term.in_path // MOST_CHUNKS), _PATH_WEIGHT_IN_FILE),
    ]
    return _entries(term, files, lists)


def _entries(term: _Term, total: int, lists: Sequence[tuple[Numbers, float]]) -> Postings:
    """One entry for each number in any of the lists, which say how much being in them counts."""
    each = np.concatenate([np.full(len(numbers), count) for numbers, count in lists])
    found, counts = _summed(np.concatenate([numbers for numbers, _ in lists]), each)
    rarity = math.log1p((max(total - len(found), 0) + 0.5) / (len(found) + 0.5))
    return Postings(found, counts, np.full(len(found), term.weight * rarity))


def _summed(numbers: Numbers, values: Values) -> tuple[Numbers, Values]:
    """Each number once, ascending, and the sum of its values; fast for numbers that are runs of ascending ones."""
    if not len(numbers):
        return numbers, values
    order = np.argsort(numbers, kind="stable")
    ascending = numbers[order]
    starts = np.flatnonzero(np.concatenate(([True], ascending[1:] != ascending[:-1])))
    sums: Values = np.add.reduceat(values[order], starts)
    return ascending[starts], sums


def _joined(all_: Iterable[Postings]) -> Postings:
    lists = list(all_)
    return Postings(
        np.concatenate([each.numbers for each in lists]),
        np.concatenate([each.counts for each in lists]),
        np.concatenate([each.values for each in lists]),
    )


def lengths(index: Index, table: str, places: Numbers) -> Values:
    """How many times the usual length each of the places is, in words that the text index has of it."""
    rows = places.tolist()
    marks = ",".join("?" * len(rows))
    sizes = dict(index.select(f"SELECT id, sz FROM {table}_docsize WHERE id IN ({marks})", rows))
    count, *columns = _totals(index, table)
    usual = sum(columns) / count if count else 1.0
    return np.array([sum(_varints(sizes.get(row, b""))) for row in rows], np.float64) / (usual or 1.0)


def _totals(index: Index, table: str) -> list[int]:
    """The number of places and of the words in each column: the averages record, which every FTS5 table has."""
    record = index.select(f"SELECT block FROM {table}_data WHERE id = 1")
    if not record:
        raise index.given_up()
    return _varints(record[0][0]) or [0]


def _varints(packed: bytes) -> list[int]:
    """The numbers in a run of SQLite's varints, each less than 2**56."""
    numbers = []
    number = 0
    for byte in packed:
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            numbers.append(number)
            number = 0
    return numbers
