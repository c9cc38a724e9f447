"""A text cut into the places a search can find: definitions, what stands between them, windows of plain text.

Knows no index, no path and no query. Lines are 1-based and inclusive; chunks never overlap.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from copilot.repo.tags import Definition

WINDOW_LINES = 60
LONGEST_BODY_LINES = 160
"""A function longer than this is cut into windows, or at its inner definitions."""

_VALUES = frozenset({"constant", "field", "macro", "type", "variable"})
_CALLABLES = frozenset({"function", "method", "constructor"})
_LEADING = re.compile(r"\s*(#|//|/\*|\*|@|--|;|%)")
_HEADING = re.compile(r"#{1,6} \S")
_WORD = re.compile(r"\w")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Lines that are found as one place."""

    start_line: int
    end_line: int
    symbol: str
    """Qualified name of the definition it is or belongs to, "" for text outside definitions."""
    kind: str
    """Kind of the definition whose whole body this is; "part" inside one; "text" outside."""
    names: tuple[str, ...] = ()
    """Names defined in it besides `symbol`: constants, fields."""


@dataclass(frozen=True, slots=True)
class _Scope:
    """A definition with those inside it."""

    definition: Definition
    inner: list["_Scope"]

    @property
    def splits(self) -> bool:
        """Whether its inner definitions are places of their own."""
        bodies = [scope for scope in self.inner if _has_body(scope.definition)]
        if not bodies:
            return False
        own = self.definition
        return own.kind not in _CALLABLES or own.end_line - own.start_line >= LONGEST_BODY_LINES


def chunk(lines: Sequence[str], definitions: Sequence[Definition]) -> list[Chunk]:
    """Cut a text; every line with a word in it is in exactly one chunk."""
    return list(_cover(lines, (1, len(lines)), None, _nest(definitions)))


def _nest(definitions: Sequence[Definition]) -> list[_Scope]:
    top: list[_Scope] = []
    stack: list[_Scope] = []
    for definition in sorted(definitions, key=lambda d: (d.start_line, -d.end_line)):
        while stack and stack[-1].definition.end_line < definition.start_line:
            stack.pop()
        scope = _Scope(definition, [])
        (stack[-1].inner if stack else top).append(scope)
        stack.append(scope)
    return top


def _cover(
    lines: Sequence[str], span: tuple[int, int], owner: Definition | None, scopes: Sequence[_Scope]
) -> Iterator[Chunk]:
    position, last = span
    values: list[Definition] = []
    for scope in scopes:
        own = scope.definition
        if own.start_line < position or own.end_line > last:
            continue
        if not _has_body(own):
            values.append(own)
            continue
        start = _with_comment(lines, position, own.start_line)
        yield from _between(lines, (position, start - 1), owner, values)
        values = []
        if scope.splits:
            yield from _cover(lines, (start, own.end_line), own, scope.inner)
        else:
            names = tuple(inner.definition.name for inner in scope.inner)
            yield from _body(lines, (start, own.end_line), own, names)
        position = own.end_line + 1
    yield from _between(lines, (position, last), owner, values)


def _has_body(definition: Definition) -> bool:
    return definition.kind not in _VALUES and definition.end_line > definition.start_line


def _with_comment(lines: Sequence[str], lowest: int, start: int) -> int:
    while start > lowest and _LEADING.match(lines[start - 2]):
        start -= 1
    return start


def _between(
    lines: Sequence[str], span: tuple[int, int], owner: Definition | None, values: Sequence[Definition]
) -> Iterator[Chunk]:
    for start, end in _windows(lines, *_trimmed(lines, *span), WINDOW_LINES):
        inside = [value for value in values if start <= value.start_line <= end]
        names = tuple(value.name for value in inside)
        if owner is not None:
            kind = owner.kind if start <= owner.start_line <= end else "part"
            yield Chunk(start, end, owner.qualified, kind, names)
        elif len(inside) == 1:
            yield Chunk(start, end, inside[0].qualified, inside[0].kind)
        else:
            yield Chunk(start, end, "", "text", names)


def _body(lines: Sequence[str], span: tuple[int, int], own: Definition, names: tuple[str, ...]) -> Iterator[Chunk]:
    start, end = span
    if end - start < LONGEST_BODY_LINES:
        yield Chunk(start, end, own.qualified, own.kind, names)
        return
    for index, (first, last) in enumerate(_windows(lines, start, end, WINDOW_LINES)):
        yield Chunk(first, last, own.qualified, "part" if index else own.kind)


def _trimmed(lines: Sequence[str], start: int, end: int) -> tuple[int, int]:
    while start <= end and not _WORD.search(lines[start - 1]):
        start += 1
    while end >= start and not _WORD.search(lines[end - 1]):
        end -= 1
    return start, end


def _windows(lines: Sequence[str], start: int, end: int, most: int) -> Iterator[tuple[int, int]]:
    while end - start >= most:
        cut = _cut(lines, start, most)
        yield start, cut - 1
        start = cut
    if start <= end:
        yield start, end


def _cut(lines: Sequence[str], start: int, most: int) -> int:
    """First line of the next window: the last heading, else the last line after a blank one, else `most` on."""
    after_blank = 0
    for line in range(start + most, start + most // 2, -1):
        if _HEADING.match(lines[line - 1]):
            return line
        if not after_blank and not lines[line - 2].strip():
            after_blank = line
    return after_blank or start + most
