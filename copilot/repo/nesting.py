"""From captured byte ranges to a forest of definitions: which name, body and scope belongs to which.

A name or body belongs to the innermost definition around it that has none yet. Does not know: languages, lines, text.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

FUNCTIONS = frozenset({"function", "method"})
TITLES = frozenset({"element", "heading", "key", "rule"})
"""Kinds that name a place in a text, not a thing that other texts use."""

_LEAVES = frozenset({"constant", "field", "type"})
_DEFINING = frozenset({"definition", "declaration"})
_RANKS = {"outer": 0, "body": 1, "definition": 2, "declaration": 2}

Span = tuple[int, int]
"""[start, end) in bytes."""


@dataclass(slots=True)
class Frame:
    """One definition while its parts are collected; positions in bytes."""

    kind: str
    start: int
    end: int
    first: int
    """Where its lines start: with decorators and wrapping statements."""
    signature_start: int
    enclosing: "Frame | None"
    name: Span | None = None
    body: Span | None = None
    doc: Span | None = None
    receiver: Span | None = None

    def is_local(self) -> bool:
        """Tell whether it is inside a function, or part of a field that says it all."""
        frame = self.enclosing
        if frame is not None and frame.kind == "field":
            return True
        while frame is not None:
            if frame.kind in FUNCTIONS:
                return True
            frame = frame.enclosing
        return False

    def scope(self) -> "Frame | None":
        """The nearest enclosing definition that gives its name to what is inside."""
        frame = self.enclosing
        while frame is not None and (frame.name is None or frame.kind in _LEAVES):
            frame = frame.enclosing
        return frame


class Mark(NamedTuple):
    """One capture. Marks compare by place, outer first, then wrappers and bodies before definitions before their parts.

    A body that takes the same bytes as a definition holds nothing else: it is that of the one around.
    """

    start: int
    minus_end: int
    rank: int
    role: str
    """Capture name up to its dot."""
    kind: str
    """Capture name after its dot."""


def marks(capture: str, spans: Iterable[Span]) -> list[Mark]:
    """Return the marks of one capture name; see `nest` for the names that mean something."""
    role, _, kind = capture.partition(".")
    rank = _RANKS.get(role, 4) + (kind in _LEAVES)
    return [Mark(start, -end, rank, role, kind) for start, end in spans]


def nest(sorted_marks: Iterable[Mark]) -> list[Frame]:
    """Return the named definitions of a text by start, outer before inner.

    `definition.<kind>`; `declaration.<kind>`, the same but dropped inside a function; `outer` and `outer.signature`,
    which let the next definition in them start earlier; `name`, `body`, `doc`, `receiver`, parts of the innermost one.
    """
    frames: list[Frame] = []
    innermost: Frame | None = None
    outer: Mark | None = None
    signature_start = -1
    for mark in sorted_marks:
        start, minus_end, _, role, kind = mark
        while innermost is not None and innermost.end <= start:
            innermost = innermost.enclosing
        if role == "outer":
            if outer is None or -outer.minus_end <= start:
                outer, signature_start = mark, -1
            if kind and signature_start < 0:
                signature_start = start
        elif role not in _DEFINING:
            if innermost is not None and getattr(innermost, role) is None:
                setattr(innermost, role, (start, -minus_end))
        elif innermost is None or innermost.start != start or innermost.end != -minus_end:
            innermost = Frame(kind, start, -minus_end, start, start, innermost)
            if outer is not None and minus_end >= outer.minus_end:
                innermost.first = outer.start
                innermost.signature_start = start if signature_start < 0 else signature_start
            outer = None
            if role == "definition" or not innermost.is_local():
                frames.append(innermost)
    return [frame for frame in frames if frame.name is not None]
