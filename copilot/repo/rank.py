"""How much each file matters to a reader of the whole repository, and why, in words.

Joins the symbol graph with what a file is for, its size and its copies. Knows no budget, no question and no history.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from copilot.repo.derived import made_from
from copilot.repo.graph import Node, Standing, standings
from copilot.repo.index import Index, IndexedFile
from copilot.repo.roles import Role, role_of, subject_stem

RULES = 2
"""Part of the key under which a ranking is kept; raised when the rules below change."""

_LARGE_BYTES = 120_000
_DATA_BYTES = 40_000
"""Settings are shorter: a JSON, YAML or XML file of this size holds data."""
_DIGITS = 3
"""Significant digits of a rank: small edits leave most ranks as they were."""


class RankedFile(NamedTuple):
    """One file's rank; the ranks of a repository sum to about 1."""

    path: str
    rank: float
    reasons: tuple[str, ...]
    """Short phrases, the weightiest first."""


class _Weight(NamedTuple):
    """What a role is worth."""

    voice: float
    """How much the file's uses of others count."""
    prior: float
    """Factor on what the graph says of the file."""
    share: float = 0.0
    """At the top of the repository: share of the best source file's score that it has at least."""


_WEIGHTS = {
    Role.README: _Weight(0.2, 1.0, 0.6),
    Role.MANIFEST: _Weight(0.2, 0.6, 0.3),
    Role.GUIDE: _Weight(0.1, 0.6, 0.15),
    Role.ENTRY: _Weight(1.5, 1.3),
    Role.EXPORTS: _Weight(0.8, 1.3),
    Role.SOURCE: _Weight(1.0, 1.0),
    Role.DOCS: _Weight(0.15, 0.5),
    Role.CONFIG: _Weight(0.1, 0.3),
    Role.TEST: _Weight(0.2, 0.12),
    Role.EXAMPLE: _Weight(0.3, 0.2),
    Role.MIGRATION: _Weight(0.05, 0.05),
    Role.VENDORED: _Weight(0.05, 0.05),
    Role.FIXTURE: _Weight(0.02, 0.03),
    Role.LOCALE: _Weight(0.02, 0.02),
    Role.LEGAL: _Weight(0.02, 0.05),
    Role.DATA: _Weight(0.02, 0.05),
    Role.GENERATED: _Weight(0.02, 0.05),
}
_NAMED = frozenset(Role) - {Role.SOURCE, Role.TEST}


def rank(index: Index) -> tuple[RankedFile, ...]:
    """Rank all files of the index, by path. Kept in the index per state of the files."""
    digest = bytes([RULES]) + index.digest
    kept = index.kept_ranking(digest)
    if kept is not None:
        return tuple(RankedFile(path, score, tuple(reasons)) for path, score, reasons in json.loads(kept))
    made = made_from(file.path for file in index.files)
    ranked = _ranked(index.files, _standings(index, made), made)
    index.keep_ranking(digest, json.dumps(ranked, ensure_ascii=False, separators=(",", ":")))
    return ranked


def _standings(index: Index, made: Mapping[str, str]) -> list[Standing]:
    symbols = index.symbols()
    nodes = []
    for file in index.files:
        voice = _WEIGHTS[role_of(file.path)].voice * (0.1 if file.marks else 1.0)
        if file.path in made:  # names mean the file that a person wrote, and it is that file that uses others
            nodes.append(Node(b"", b"", 0.1 * voice))
        else:
            nodes.append(Node(*symbols.get(file.key, (b"", b"")), voice))
    return standings(nodes)


def _ranked(files: Sequence[IndexedFile], graph: Sequence[Standing], made: Mapping[str, str]) -> tuple[RankedFile, ...]:
    originals = _originals(files)
    sources = _sources_by_stem(files)
    scores = [_score(file, standing, originals, made) for file, standing in zip(files, graph, strict=True)]
    best = max(scores, default=0.0)
    for number, file in enumerate(files):
        depth = file.path.count("/")
        share = _WEIGHTS[role_of(file.path)].share * (1.0 if depth == 0 else 0.15 / depth)
        if originals[file.key] == file.path:
            scores[number] = max(scores[number], best * share)
    total = sum(scores) or 1.0
    origins = {file.path: f"copy of {originals[file.key]}" for file in files if _is_copy(file, originals)}
    origins |= {path: f"made from {source}" for path, source in made.items()}
    return tuple(
        RankedFile(file.path, float(f"{score / total:.{_DIGITS}g}"), _reasons(file, standing, origins, sources))
        for file, score, standing in zip(files, scores, graph, strict=True)
    )


def _score(file: IndexedFile, standing: Standing, originals: dict[bytes, str], made: Mapping[str, str]) -> float:
    # The mean with plain popularity keeps a file from inheriting all of its one popular user's standing.
    score = math.sqrt(standing.score * (standing.users + 0.3)) * _WEIGHTS[role_of(file.path)].prior
    if file.marks or file.path in made:
        score *= 0.1
    if _is_data(file):
        score *= 0.2
    if file.size > _LARGE_BYTES:
        score *= 0.5
    if _is_copy(file, originals):
        score *= 0.05
    return score


def _is_data(file: IndexedFile) -> bool:
    return file.size > _DATA_BYTES and role_of(file.path) is Role.CONFIG


def _is_copy(file: IndexedFile, originals: dict[bytes, str]) -> bool:
    return file.lines > 0 and originals[file.key] != file.path


def _originals(files: Sequence[IndexedFile]) -> dict[bytes, str]:
    """Content -> the path that stands for all its copies: the shallowest, then the first."""
    originals: dict[bytes, str] = {}
    for file in files:
        known = originals.setdefault(file.key, file.path)
        if known != file.path:
            originals[file.key] = min(known, file.path, key=lambda path: (path.count("/"), path))
    return originals


def _sources_by_stem(files: Sequence[IndexedFile]) -> dict[str, str]:
    """Stem -> path of the only source file of that stem."""
    found: dict[str, str] = {}
    for file in files:
        if role_of(file.path) in (Role.SOURCE, Role.ENTRY):
            stem = file.path.rpartition("/")[2].split(".")[0]
            found[stem] = "" if stem in found else file.path
    return found


def _reasons(
    file: IndexedFile, standing: Standing, origins: Mapping[str, str], sources: Mapping[str, str]
) -> tuple[str, ...]:
    role = role_of(file.path)
    reasons = []
    if standing.users:
        symbols, users = _count(standing.symbols_used, "symbol"), _count(standing.users, "file")
        reasons.append(f"defines {symbols} used in {users}")
    if role is Role.TEST:
        subject = sources.get(subject_stem(file.path), "")
        reasons.append(f"test of {subject}" if subject else "test")
    elif role in _NAMED:
        reasons.append("data by its size" if _is_data(file) else role.value)
    if file.marks:
        reasons.append(file.marks)
    if file.path in origins:
        reasons.append(origins[file.path])
    if file.size > _LARGE_BYTES:
        reasons.append("large")
    if file.trouble:
        reasons.append(file.trouble)
    return tuple(reasons) or ("nothing in it is used elsewhere",)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
