"""Which part of a document a completion sees: lines around the cursor, cut where cuts stay put while one types.

Knows characters and lines, no tokens and no other file.
"""

from dataclasses import dataclass

STEP_LINES = 16
"""Cuts are made at multiples of this, counted from the document's beginning and, after the cursor, from its end."""
_OMITTED = "\n…\n"


@dataclass(frozen=True, slots=True)
class Size:
    """How much is seen, in characters."""

    before: int = 1800
    after: int = 700
    head: int = 600
    """Of the file's first lines, its imports, where the window begins later."""


@dataclass(frozen=True, slots=True)
class Window:
    """What the model sees of a document."""

    before: str
    after: str
    line_before: str
    """The cursor's line up to the cursor."""
    line_after: str
    """The rest of it."""


def window(text: str, offset: int, end: int, size: Size = Size()) -> Window:
    """The window for writing `text[offset:end]` anew; offsets in code points."""
    before, after = text[:offset], text[end:]
    start = _start(before, size.before)
    head = _head(text, start, size.head)
    return Window(
        head + before[start:],
        after[: _end(after, size.after)],
        before[before.rfind("\n") + 1 :],
        after.partition("\n")[0],
    )


def _start(before: str, most_chars: int) -> int:
    """Where the window begins: a line's start whose number is a multiple of the step."""
    if len(before) <= most_chars:
        return 0
    earliest = len(before) - most_chars
    line = before.count("\n", 0, earliest) + 1
    target = -(-line // STEP_LINES) * STEP_LINES
    start = before.find("\n", earliest) + 1
    while start and line < target:
        line += 1
        start = before.find("\n", start) + 1
    return start or before.rfind("\n", 0, earliest) + 1


def _end(after: str, most_chars: int) -> int:
    """Where the window ends, by lines counted from the end of the document."""
    if len(after) <= most_chars:
        return len(after)
    latest = after.rfind("\n", 0, most_chars)
    if latest < 0:
        return most_chars
    extra = -after.count("\n", latest) % STEP_LINES
    end = latest
    while extra and (earlier := after.rfind("\n", 0, end)) > 0:
        end, extra = earlier, extra - 1
    return (end if not extra else latest) + 1


def _head(text: str, start: int, most_chars: int) -> str:
    """The first lines of the document, whole ones, where the window leaves them out."""
    if not start:
        return ""
    end = text.rfind("\n", 0, min(most_chars, start)) + 1
    return text[:end].rstrip() + _OMITTED if end else ""
