"""What of a written text is shown: cut where it goes on into what stands there already, or dropped with a reason.

Pure functions of the text and its site, in the order of `CHAIN`. The reasons are listed in docs/completion.md.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import SequenceMatcher

from copilot.tasks.complete.extent import Extent, Site, width

MIN_CHARS = 2
"""Fewer visible characters are quicker typed than read."""
SIMILAR = 0.9
_FENCE = re.compile(r"^\s*(?:```|~~~)", re.MULTILINE)
_NOISE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]")
_OPENING = dict(zip(")]}", "([{", strict=True))
_ECHO = re.compile(r"^\s*(?:#|//|--)\s*(?:path|file(?:name)?):|^diff --git |^<\|", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Draft:
    """A text on its way through the filters."""

    text: str
    site: Site
    extent: Extent
    replaced: int = 0
    """Characters after the cursor that it replaces."""
    automatic: bool = True


class DroppedError(Exception):
    """Nothing of a text is shown; its argument is the reason code."""


Filter = Callable[[Draft], str]


def filtered(draft: Draft) -> tuple[str, int]:
    """The text to show and how many characters after the cursor it replaces; DroppedError with a reason."""
    for step in CHAIN:
        draft = Draft(step(draft), draft.site, draft.extent, draft.replaced, draft.automatic)
        if not draft.text.strip():
            raise DroppedError("empty")
    text, replaced = closed(draft)
    if not text.strip():
        raise DroppedError("empty")
    return text, replaced


def without_noise(draft: Draft) -> str:
    """Up to what no editor shows: a control character, or half of a character."""
    found = _NOISE.search(draft.text)
    return draft.text[: found.start()] if found else draft.text


def without_fences(draft: Draft) -> str:
    """Up to a Markdown fence, which a chat model ends with."""
    if draft.site.path.endswith((".md", ".markdown", ".rst")):
        return draft.text
    found = _FENCE.search(draft.text)
    return draft.text[: found.start()] if found else draft.text


def without_echo(draft: Draft) -> str:
    """Up to where the model begins another file."""
    found = _ECHO.search(draft.text)
    return draft.text[: found.start()] if found else draft.text


def within_extent(draft: Draft) -> str:
    """One line, which may be the next one; of a block, what is not indented less than its beginning."""
    text = draft.text
    if draft.extent == "line":
        lead = len(text) - len(text.lstrip("\n")) if not draft.site.line_after.strip() else 0
        return text[:lead] + text[lead:].partition("\n")[0]
    least = width(draft.site.line_before)
    lines = text.split("\n")
    for number, line in enumerate(lines[1:], 1):
        if line.strip() and width(line) < least:
            is_closing = not line.strip(" \t)]};,") and width(draft.site.next_line()) <= width(line)
            keeps = is_closing and draft.site.next_line().strip() != line.strip()
            return "\n".join(lines[: number + keeps]).rstrip()
    return text


def without_repetition(draft: Draft) -> str:
    """Up to a line that comes a third time, or the second time in a row if it is a long one."""
    seen: dict[str, int] = {}
    lines = draft.text.split("\n")
    for number, line in enumerate(lines):
        bare = line.strip()
        if len(bare) < 4:
            continue
        seen[bare] = seen.get(bare, 0) + 1
        in_a_row = number > 0 and lines[number - 1].strip() == bare and len(bare) > 12
        if seen[bare] > 2 or in_a_row:
            return "\n".join(lines[:number]).rstrip()
    return draft.text


def without_following(draft: Draft) -> str:
    """Up to a line that stands below the cursor already."""
    following = draft.site.next_line().strip()
    if len(following) < 2:
        return draft.text
    lines = draft.text.split("\n")
    for number, line in enumerate(lines):
        whole = (draft.site.line_before + line if number == 0 else line).strip()
        if _is_like(whole, following) and not (number == 0 and draft.site.line_after.strip()):
            kept = "\n".join(lines[:number]).rstrip()
            if not kept.strip():
                raise DroppedError("repeats-following-line")
            return kept
    return draft.text


def without_previous(draft: Draft) -> str:
    """Nothing where the line above would only be said again."""
    first = (draft.site.line_before + draft.text).strip().partition("\n")[0].strip()
    previous = draft.site.previous_line().strip()
    if len(first) > 4 and first == previous and not draft.site.line_after.strip():
        raise DroppedError("repeats-previous-line")
    return draft.text


def without_overlap(draft: Draft) -> str:
    """Without an end that stands behind the cursor already."""
    text, rest = draft.text, draft.site.line_after
    if not rest.strip() or draft.site.at_line_end:
        return text
    for length in range(min(len(text), len(rest)), 1, -1):
        if text.endswith(rest[:length]):
            return text[:-length]
    if text.rstrip().endswith(rest.strip()):
        return text.rstrip()[: -len(rest.strip())]
    return text


def long_enough(draft: Draft) -> str:
    """Nothing where typing it is quicker."""
    if draft.automatic and len("".join(draft.text.split())) < MIN_CHARS:
        raise DroppedError("too-short")
    return draft.text.rstrip()


CHAIN: tuple[Filter, ...] = (
    without_noise,
    without_fences,
    without_echo,
    within_extent,
    without_repetition,
    without_following,
    without_previous,
    without_overlap,
    long_enough,
)


def closed(draft: Draft) -> tuple[str, int]:
    """Closing brackets behind the cursor that the text closes itself: left to the line, or replaced by the text's."""
    text, rest = draft.text, draft.site.line_after
    if not rest.strip() or not draft.site.at_line_end:
        return text, 0
    bare = rest.rstrip()
    if text.endswith(bare.strip()) and surplus(text) and surplus(bare).startswith(surplus(text)):
        return text.removesuffix(bare.strip()), 0
    if surplus(text) and surplus(bare).startswith(surplus(text)[: len(surplus(bare))]):
        return text, len(bare)
    return text, 0


def surplus(text: str) -> str:
    """The closing brackets of a text that nothing in it opens, in order; quotes are not looked at."""
    opened: list[str] = []
    extra = ""
    for sign in text:
        if sign in "([{":
            opened.append(sign)
        elif sign in _OPENING:
            if opened and opened[-1] == _OPENING[sign]:
                opened.pop()
            else:
                extra += sign
    return extra


def _is_like(line: str, other: str) -> bool:
    if line == other:
        return True
    if min(len(line), len(other)) < 10 or abs(len(line) - len(other)) > 0.2 * len(other):
        return False
    return SequenceMatcher(None, line, other, autojunk=False).ratio() > SIMILAR
