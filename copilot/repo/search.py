"""Places in the repository that answer a query: how well a place and its file match, then what else is known.

Needs no model. Any text is a safe query. Knows no tables, no tokens, no packs.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from copilot.repo.breadth import Breadth
from copilot.repo.evidence import MOST_PER_FILE, Match, matches
from copilot.repo.factors import name_factor, place_factor, role_factor, subject
from copilot.repo.index import Index
from copilot.repo.query import Query, parsed

__all__ = ["MOST_PER_FILE", "Hit", "search"]

_MACHINE_WRITTEN = 0.4
_FILE = 1.0
"""What the match of the whole file counts beside that of the place."""
_AGAIN = {Breadth.PLACE: (1.0, 0.9), Breadth.MIXED: (0.85, 0.5), Breadth.FILES: (0.4, 0.2)}
"""What a further place of a file keeps of its place's score and of its file's, so that other files come in between."""
_COMPANION = 1.3
"""What a file gains when one of the same subject is above: the tests of a hit, its header, its documentation."""
_PATIENCE = 20
"""Hits after which it no longer matters what a file is for: the first answer, the later ones complete the picture."""
_CONTENDERS = 80
"""Looked at for each hit."""


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
class _Candidate:
    match: Match
    place: float
    file: float
    """Parts of the score."""
    role: float
    """The factor of both that is owed to what the file is for."""

    @property
    def score(self) -> float:
        return self.place + self.file


def search(index: Index, query: str, k: int = 10) -> list[Hit]:
    """The best `k` places for a query, best first; a query without a word finds nothing."""
    asked = parsed(query)
    if not asked.terms or k < 1:
        return []
    weighed = [_weighed(match, asked, match.path in index.machine_written) for match in matches(index, asked)]
    best = _best_first(_thinned(_best_first(weighed), *_AGAIN[asked.breadth]))
    return list(_hits(best[:k] if asked.breadth is Breadth.PLACE else _completed(best, k)))


def _weighed(match: Match, asked: Query, machine_written: bool) -> _Candidate:
    role = role_factor(match.path, asked)
    prior = role * name_factor(match.path, asked) * (_MACHINE_WRITTEN if machine_written else 1.0)
    place = match.place * place_factor(match.chunk, match.path, asked)
    return _Candidate(match, place * prior, _FILE * match.file * prior, role)


def _best_first(candidates: Iterable[_Candidate]) -> list[_Candidate]:
    return sorted(candidates, key=lambda one: (-one.score, one.match.path, one.match.chunk.start_line))


def _thinned(candidates: Sequence[_Candidate], place_again: float, file_again: float) -> Iterator[_Candidate]:
    """One for each symbol and a few for each file, the later ones for less."""
    per_file: dict[str, int] = {}
    seen: set[tuple[str, str]] = set()
    for one in candidates:
        path, symbol = one.match.path, one.match.chunk.symbol
        before = per_file.get(path, 0)
        if before >= MOST_PER_FILE or (symbol and (path, symbol) in seen):
            continue
        seen.add((path, symbol))
        per_file[path] = before + 1
        yield _Candidate(one.match, one.place * place_again**before, one.file * file_again**before, one.role)


def _completed(candidates: list[_Candidate], k: int) -> list[_Candidate]:
    """The first `k`, each the best beside those above it; takes them from the list."""
    chosen: list[_Candidate] = []
    above: dict[frozenset[str], str] = {}
    while candidates and len(chosen) < k:
        scores = [_beside(candidate, above, len(chosen)) for candidate in candidates[:_CONTENDERS]]
        best = max(scores)
        path = candidates[scores.index(best)].match.path
        chosen.append(replace(candidates.pop(scores.index(best)), place=best, file=0.0))
        above.setdefault(subject(path), path)
    return chosen


def _hits(candidates: Iterable[_Candidate]) -> Iterator[Hit]:
    """Scores fall from hit to hit."""
    lowest = float("inf")
    for candidate in candidates:
        chunk = candidate.match.chunk
        lowest = min(lowest, float(f"{candidate.score:.6g}"))
        yield Hit(candidate.match.path, chunk.start_line, chunk.end_line, chunk.symbol, lowest)


def _beside(candidate: _Candidate, above: dict[frozenset[str], str], position: int) -> float:
    score: float = candidate.score / candidate.role ** min(1.0, position / _PATIENCE)
    companion = above.get(subject(candidate.match.path), candidate.match.path)
    return score * _COMPANION if companion != candidate.match.path else score
