"""Which part of a document a completion sees: lines around the cursor, cut where cuts stay put while one types.

Knows characters and lines, no tokens and no other file.
"""

from dataclasses import dataclass

BEFORE_CHARS = 1800
AFTER_CHARS = 700
HEAD_CHARS = 600
"""Of the file's first lines, its imports, where the window begins later."""
STEP_LINES = 16
"""Cuts are made at multiples of this, counted from the document's beginning and, after the cursor, from its end."""
_OMITTED = "\n…\n"


@dataclass(frozen=True, slots=True)
class Window:
    """What the model sees of a document."""

    before: str
    after: str
    line_before: str
    """The cursor's line up to the cursor."""
    line_after: str
    """The rest of it."""


def window(text: str, offset: int, end: int) -> Window:
    """The window for writing `text[offset:end]` anew; offsets in code points."""
    before, after = text[:offset], text[end:]
    start = _start(before)
    head = _head(text, start)
    return Window(
        head + before[start:],
        after[: _end(after)],
        before[before.rfind("\n") + 1 :],
        after.partition("\n")[0],
    )


def _start(before: str) -> int:
    """Where the window begins: a line's start whose number is a multiple of the step."""
    if len(before) <= BEFORE_CHARS:
        return 0
    earliest = len(before) - BEFORE_CHARS
    line = before.count("\n", 0, earliest) + 1
    target = -(-line // STEP_LINES) * STEP_LINES
    start = before.find("\n", earliest) + 1
    while start and line < target:
        line += 1
        start = before.find("\n", start) + 1
    return start or before.rfind("\n", 0, earliest) + 1


def _end(after: str) -> int:
    """Where the window ends, by lines counted from the end of the document."""
    if len(after) <= AFTER_CHARS:
        return len(after)
    latest = after.rfind("\n", 0, AFTER_CHARS)
    if latest < 0:
        return AFTER_CHARS
    extra = -after.count("\n", latest) % STEP_LINES
    end = latest
    while extra and (earlier := after.rfind("\n", 0, end)) > 0:
        end, extra = earlier, extra - 1
    return (end if not extra else latest) + 1


def _head(text: str, start: int) -> str:
    """The first lines of the document, whole ones, where the window leaves them out."""
    if not start:
        return ""
    end = text.rfind("\n", 0, min(HEAD_CHARS, start)) + 1
    return text[:end].rstrip() + _OMITTED if end else ""
