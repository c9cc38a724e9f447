"""Places in the repository that answer a query: BM25 over symbols, paths, prose and code, then what else is known.

Needs no model. Any text is a safe query. Knows the index's tables for search; no tokens, no packs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from copilot.repo.chunks import Chunk
from copilot.repo.content import chunks_from
from copilot.repo.index import Index
from copilot.repo.query import Query, parsed, stem
from copilot.repo.rank import rank
from copilot.repo.roles import Role, role_of
from copilot.repo.schema import MOST_CHUNKS, chunks_of
from copilot.repo.words import parts

MOST_PER_FILE = 4

_POOL = 240
_COLUMN_WEIGHTS = (8.0, 2.0, 1.2, 1.0)
"""Of symbol, path, prose, code."""

_ROLE_FACTORS = {
    Role.TEST: 0.55,
    Role.EXAMPLE: 0.6,
    Role.DOCS: 0.75,
    Role.README: 0.75,
    Role.GUIDE: 0.75,
    Role.FIXTURE: 0.4,
    Role.VENDORED: 0.4,
    Role.MIGRATION: 0.5,
    Role.LOCALE: 0.3,
    Role.LEGAL: 0.4,
    Role.DATA: 0.4,
    Role.CONFIG: 0.7,
}
_MACHINE_WRITTEN = 0.4
_ASKED_FOR = {
    Role.TEST: frozenset({"test", "tests", "testing", "fixture", "assert", "pytest"}),
    Role.EXAMPLE: frozenset({"example", "examples", "demo", "sample", "benchmark"}),
    Role.DOCS: frozenset({"doc", "docs", "documentation", "guide", "tutorial"}),
    Role.LEGAL: frozenset({"license", "licence", "changelog", "changes", "release", "history"}),
    Role.CONFIG: frozenset({"config", "configuration", "settings", "setting", "ci", "workflow", "pipeline"}),
}
_KIND_FACTORS = {"part": 0.85, "text": 0.85, "class": 0.9, "struct": 0.9, "interface": 0.9, "module": 0.8}
"""A question is answered by what is done more often than by what is declared or left between."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A place. Lines are 1-based and inclusive."""

    path: str
    start_line: int
    end_line: int
    symbol: str
    """Qualified name of the definition found, "" outside definitions."""
    score: float
    """Higher is better; comparable within one search only."""


@dataclass(frozen=True, slots=True)
class _Found:
    path: str
    chunk: Chunk
    relevance: float


def search(index: Index, query: str, k: int = 10) -> list[Hit]:
    """The best `k` places for a query, best first; a query without a word finds nothing."""
    asked = parsed(query)
    if not asked.terms or k < 1:
        return []
    found = _candidates(index, asked)
    if not found:
        return []
    importance = _importance(index)
    support = _support(found)
    hits = [_hit(item, asked, item.relevance * importance[item.path] * support[item.path]) for item in found]
    hits.sort(key=lambda hit: (-hit.score, hit.path, hit.start_line))
    return _spread(hits, k)


def _candidates(index: Index, asked: Query) -> list[_Found]:
    root = index.number
    if root is None:
        return []
    weights = ", ".join(str(weight) for weight in _COLUMN_WEIGHTS)
    table = chunks_of(root)
    rows = index.select(
        f"SELECT rowid, -bm25({table}, {weights}) AS relevance FROM {table} WHERE {table} MATCH ?"
        " ORDER BY relevance DESC, rowid LIMIT ?",
        (asked.expression, _POOL),
    )
    scored = dict(rows)
    numbers = sorted({row // MOST_CHUNKS for row in scored})
    marks = ",".join("?" * len(numbers))
    places = {
        number: (path, chunks_from(chunks))
        for number, path, chunks in index.select(
            f"SELECT f.id, f.path, c.chunks FROM files f JOIN contents c ON c.id = f.content WHERE f.id IN ({marks})",
            numbers,
        )
    }
    found = []
    for row, relevance in scored.items():
        number, ordinal = divmod(row, MOST_CHUNKS)
        if number in places and ordinal < len(places[number][1]):
            path, chunks = places[number]
            found.append(_Found(path, chunks[ordinal], relevance))
    return found


def _importance(index: Index) -> dict[str, float]:
    """Path -> factor by rank, on a logarithmic scale, lower still for what a machine wrote."""
    ranked = rank(index)
    best = max((file.rank for file in ranked), default=0.0) or 1.0
    scale = 0.15 / math.log1p(1000.0)
    factors = {file.path: 0.85 + scale * math.log1p(1000.0 * file.rank / best) for file in ranked}
    return factors | {file.path: _MACHINE_WRITTEN * factors[file.path] for file in index.files if file.marks}


def _support(found: Sequence[_Found]) -> dict[str, float]:
    """Path -> factor for a file where several places match."""
    total: dict[str, float] = {}
    top: dict[str, float] = {}
    for item in found:
        total[item.path] = total.get(item.path, 0.0) + item.relevance
        top[item.path] = max(top.get(item.path, 0.0), item.relevance)
    return {path: 1.0 + 0.06 * math.log2(total[path] / top[path]) if top[path] > 0 else 1.0 for path in total}


def _hit(item: _Found, asked: Query, score: float) -> Hit:
    chunk = item.chunk
    role = role_of(item.path)
    if not asked.words & _ASKED_FOR.get(role, frozenset()):
        score *= _ROLE_FACTORS.get(role, 1.0)
    score *= _KIND_FACTORS.get(chunk.kind, 1.0)
    score *= _exactness(chunk.symbol, item.path, asked)
    return Hit(item.path, chunk.start_line, chunk.end_line, chunk.symbol, float(f"{score:.6g}"))


def _exactness(symbol: str, path: str, asked: Query) -> float:
    """More for a place whose name or path the query spells out."""
    factor = 1.0
    lowered = symbol.lower()
    if lowered:
        name = lowered.rpartition(".")[2]
        if lowered in asked.names:
            factor *= 2.0
        elif name in asked.names:
            factor *= 1.6
        factor *= 1.0 + _likeness(symbol.rpartition(".")[2], asked)
    file = path.lower()
    if any(file == named or file.endswith("/" + named) for named in asked.paths):
        factor *= 2.0
    return factor


def _likeness(name: str, asked: Query) -> float:
    """0..1: how much of a name the query says; one common word says less than two or three."""
    spoken = {stem(part.lower()) for part in parts(name)}
    said = len(spoken & asked.stems)
    return said / len(spoken) * (1.0 - 0.5**said) if said else 0.0


def _spread(hits: Sequence[Hit], k: int) -> list[Hit]:
    """The first `k`, a few per file and one per symbol."""
    kept: list[Hit] = []
    per_file: dict[str, int] = {}
    seen: set[tuple[str, str]] = set()
    for hit in hits:
        if per_file.get(hit.path, 0) >= MOST_PER_FILE or (hit.symbol and (hit.path, hit.symbol) in seen):
            continue
        seen.add((hit.path, hit.symbol))
        per_file[hit.path] = per_file.get(hit.path, 0) + 1
        kept.append(hit)
        if len(kept) == k:
            break
    return kept
