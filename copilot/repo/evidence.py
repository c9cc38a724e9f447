"""What the text index says for a query: how well places match it, and how well the files they are in.

Knows no roles, no ranks and no order of hits.
"""

from dataclasses import dataclass

import numpy as np

from copilot.repo.breadth import Breadth
from copilot.repo.chunks import Chunk
from copilot.repo.index import Index
from copilot.repo.places import chunks_at
from copilot.repo.postings import B_OF_FILES, Numbers, Postings, lengths, postings
from copilot.repo.query import Query
from copilot.repo.schema import MOST_CHUNKS

MOST_PER_FILE = 10
"""Places of one file that are shown."""
_LOOKED_AT_IN_ONE = 2 * MOST_PER_FILE
_LOOKED_AT_IN_MANY = 6
"""Places of one file that are looked at, where one place is asked for and elsewhere."""

_FILES = 400
_PLACES = 300
"""Whose lengths are looked up: the best ones without it, since it only corrects the scores."""
_BEST_FILES = 40
_BEST_PLACES = 80
"""The places looked at are in these files, or in the files of these places."""


@dataclass(frozen=True, slots=True)
class Match:
    """A place that matches."""

    path: str
    chunk: Chunk
    place: float
    """0..1: how well it matches beside the best place."""
    file: float
    """0..1: how well its whole file matches beside the best file."""


def matches(index: Index, asked: Query) -> list[Match]:
    """The places worth weighing, file by file."""
    table = index.text_index()
    if table is None or not index.files:
        return []
    of_places, of_files = postings(index, table, asked)
    rows, scores = of_places.scores()
    rows = rows[np.argsort(-scores, kind="stable")]
    files = _file_scores(index, of_files)
    first = sorted(files, key=lambda number: (-files[number], number))[:_BEST_FILES]
    wanted = np.union1d(rows[:_BEST_PLACES] // MOST_CHUNKS, np.array(first, np.int64))
    per_file = _LOOKED_AT_IN_ONE if asked.breadth is Breadth.PLACE else _LOOKED_AT_IN_MANY
    near = _few_per_file(rows[np.isin(rows // MOST_CHUNKS, wanted)], per_file)[:_PLACES]
    return _matches(index, table, of_places.only(near), files)


def _few_per_file(rows: Numbers, most: int) -> Numbers:
    """The first places of each file, in the same order."""
    by_file = np.argsort(rows // MOST_CHUNKS, kind="stable")
    _, starts, sizes = np.unique(rows[by_file] // MOST_CHUNKS, return_index=True, return_counts=True)
    before = np.arange(len(rows)) - np.repeat(starts, sizes)
    return rows[np.sort(by_file[before < most])]


def _file_scores(index: Index, of_files: Postings) -> dict[int, float]:
    """Number -> score of the files that match best."""
    numbers, scores = of_files.scores()
    best = numbers[np.argsort(-scores, kind="stable")[:_FILES]]
    sizes = dict(index.select(f"SELECT id, size FROM files WHERE id IN ({','.join('?' * len(best))})", best.tolist()))
    mean = sum(file.size for file in index.files) / len(index.files) or 1.0
    near = of_files.only(best)
    relative = np.array([sizes.get(number, 0) / mean for number in near.numbers.tolist()])
    numbers, scores = near.scores(relative, B_OF_FILES)
    return dict(zip(numbers.tolist(), scores.tolist(), strict=True))


def _matches(index: Index, table: str, of_places: Postings, files: dict[int, float]) -> list[Match]:
    """Best place first."""
    paths, chunks = _chunks(index, np.unique(of_places.numbers).tolist())
    known = of_places.only(np.array(sorted(chunks), np.int64))
    rows, of = np.unique(known.numbers, return_inverse=True)
    rows, scores = known.scores(lengths(index, table, rows)[of])
    best_place, best_file = scores.max(initial=0.0) or 1.0, max(files.values(), default=0.0) or 1.0
    return [
        Match(
            paths[row // MOST_CHUNKS], chunks[row], score / best_place, files.get(row // MOST_CHUNKS, 0.0) / best_file
        )
        for row, score in sorted(zip(rows.tolist(), scores.tolist(), strict=True), key=lambda pair: (-pair[1], pair[0]))
    ]


def _chunks(index: Index, rows: list[int]) -> tuple[dict[int, str], dict[int, Chunk]]:
    """Number of file -> path, and number of place -> chunk, of those that are in the index."""
    ordinals: dict[int, list[int]] = {}
    for row in rows:
        ordinals.setdefault(row // MOST_CHUNKS, []).append(row % MOST_CHUNKS)
    stored = index.select(
        "SELECT f.id, f.path, p.chunks FROM files f JOIN places p ON p.key = f.placed"
        f" WHERE f.id IN ({','.join('?' * len(ordinals))})",
        list(ordinals),
    )
    chunks: dict[int, Chunk] = {}
    for number, _, text in stored:
        chunks |= {number * MOST_CHUNKS + at: found for at, found in chunks_at(text, ordinals[number]).items()}
    return {number: path for number, path, _ in stored}, chunks
