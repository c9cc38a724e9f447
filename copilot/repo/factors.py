"""What else speaks for or against a place: its kind, what its file is for, names and paths that the query spells out.

Knows no text index and no scores.
"""

import functools

from copilot.repo.chunks import Chunk
from copilot.repo.languages import language_of
from copilot.repo.query import Query, stem
from copilot.repo.roles import Role, role_of
from copilot.repo.words import parts, words

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
_DECLARATIONS = (".h", ".hh", ".hpp", ".hxx", ".d.ts", ".pyi")
_DECLARED = 0.7
"""Of a file that only declares what another one does."""
_NO_CODE = 0.6
"""Of a text that is neither code nor known for what it is: pages, style sheets, listings."""
_ASKED_FOR = {
    Role.TEST: frozenset({"test", "tests", "testing", "fixture", "assert", "pytest"}),
    Role.EXAMPLE: frozenset({"example", "examples", "demo", "sample", "benchmark"}),
    Role.DOCS: frozenset({"doc", "docs", "documentation", "guide", "tutorial"}),
    Role.LEGAL: frozenset({"license", "licence", "changelog", "changes", "release", "history"}),
    Role.CONFIG: frozenset({"config", "configuration", "settings", "setting", "ci", "workflow", "pipeline"}),
}
_CALLABLES = frozenset({"function", "method", "constructor", "macro"})
_NOT_CALLABLE = 0.5
"""A question is answered by what is done more often than by what is declared or left between."""
_NAMED = 1.15
_NAMED_IN_FULL = 1.3
"""Of a place whose name the query says as code; more would lift what a description only mentions."""
_LIKENESS = 0.75
"""What a place gains whose name the query says completely in its own words."""
_FILE_NAME = 0.5
"""What a file gains whose name the query says completely."""


def role_factor(path: str, asked: Query) -> float:
    """At most 1, and 1 for source and for what the query asks for by its words."""
    role = role_of(path)
    if role is Role.SOURCE and not _is_code(path):
        return _NO_CODE
    if role is Role.SOURCE and path.endswith(_DECLARATIONS):
        return _DECLARED
    return 1.0 if asked.words & _ASKED_FOR.get(role, frozenset()) else _ROLE_FACTORS.get(role, 1.0)


def name_factor(path: str, asked: Query) -> float:
    """At least 1: more for a file that is called what the query is about."""
    return 1.0 + _FILE_NAME * _likeness(subject(path), asked)


@functools.lru_cache(maxsize=1 << 16)
def subject(path: str) -> frozenset[str]:
    """Stems of the words in a file's name, so that a file and its tests have the same: `test_walk.py`, `walk.py`."""
    name = path.rpartition("/")[2].partition(".")[0]
    said = {stem(part.lower()) for word in words(name) or [name] for part in parts(word) or [word]}
    return frozenset(said - {"test", "spec"})


def place_factor(chunk: Chunk, path: str, asked: Query) -> float:
    """By the kind of the place; more where the query spells out its name or its path."""
    factor = 1.0 if chunk.kind in _CALLABLES else _NOT_CALLABLE
    lowered = chunk.symbol.lower()
    if lowered:
        name = chunk.symbol.rpartition(".")[2]
        if lowered in asked.names:
            factor *= _NAMED_IN_FULL
        elif name.lower() in asked.names:
            factor *= _NAMED
        factor *= 1.0 + _LIKENESS * _likeness(_stems(name), asked)
    file = path.lower()
    if any(_is_same(file, named) for named in asked.paths):
        factor *= 2.0
    return factor


def _is_same(file: str, named: str) -> bool:
    """Whether a path means the file: one ends like the other, in two folders at least unless one is complete."""
    if file == named or file.endswith("/" + named) or named.endswith("/" + file):
        return True
    return "/" in named and file.split("/")[-2:] == named.split("/")[-2:]


def _likeness(spoken: frozenset[str], asked: Query) -> float:
    """0..1: how much of a name the query says; one common word says less than two or three."""
    said = len(spoken & asked.stems)
    return said / len(spoken) * (1.0 - 0.5**said) if said else 0.0


@functools.lru_cache(maxsize=1 << 16)
def _stems(name: str) -> frozenset[str]:
    return frozenset(stem(part.lower()) for part in parts(name))


@functools.lru_cache(maxsize=1 << 16)
def _is_code(path: str) -> bool:
    language = language_of(path)
    return language is not None and language.is_code
