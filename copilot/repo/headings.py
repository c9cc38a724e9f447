"""The structure of a Markdown text: its headings, each with the lines up to the next of its level.

Headings of the document itself: none in code, comments, quotes or lists. Does not know: grammars, links, files.
"""

import re

from copilot.repo.signatures import cut
from copilot.repo.tags import Definition, Structure

_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))??(?:[ \t]+#+)?[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)$")
_NO_PARAGRAPH = re.compile(r"(?: {4}|\t| {0,3}(?:[>|<]|[-*+][ \t]|\d+[.)][ \t]))|\s*$")
_MARKUP = re.compile(r"\[([^\]\[]*)\]\([^()]*\)|[*`]+|</?\w[^<>]*>|\{#[^{}]*\}")
_TITLE_CHARS = 120


def structure(text: str) -> Structure:
    """Return the headings of a text as definitions of kind heading; a heading's parent is the one above it."""
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    last = len(lines) - 1 if len(lines) > 1 and not lines[-1] else len(lines)
    found = headings(lines)
    ends = _ends(found, last)
    definitions = []
    around: list[tuple[int, str]] = []
    for (start, level, title), end in zip(found, ends, strict=True):
        while around and around[-1][0] >= level:
            around.pop()
        parent = ".".join(name for _, name in around)
        definitions.append(Definition(title, "heading", start, max(start, end), parent, f"{'#' * level} {title}", ""))
        around.append((level, title))
    return Structure(tuple(definitions), (), (), None)


def _ends(found: list[tuple[int, int, str]], last: int) -> list[int]:
    """The last line of each: the one before the next heading of its level or above."""
    ends: list[int] = []
    below: list[tuple[int, int]] = []
    for start, level, _ in reversed(found):
        while below and below[-1][0] > level:
            below.pop()
        ends.append(below[-1][1] - 1 if below else last)
        below.append((level, start))
    return ends[::-1]


def headings(lines: list[str]) -> list[tuple[int, int, str]]:
    """First line (1-based), level (1 to 6) and title of each; some of reStructuredText's are found too."""
    found = []
    fence = ""
    paragraph = 0
    for number, line in enumerate(lines[_front_matter(lines) :], _front_matter(lines) + 1):
        opened = _FENCE.match(line)
        if fence:
            if opened and opened[1].startswith(fence) and not opened[2].strip():
                fence = ""
            continue
        if opened and not (opened[1][0] == "`" and "`" in opened[2]):
            fence, paragraph = opened[1], 0
            continue
        if line.lstrip().startswith("<!--") and "-->" not in line:
            fence = "-->"
            continue
        atx = _ATX.match(line)
        underline = _UNDERLINE.match(line)
        if atx or (underline and paragraph):
            title = _title(atx[2] or "" if atx else " ".join(lines[paragraph - 1 : number - 1]))
            if title:
                level = len(atx[1]) if atx else 1 + (line.lstrip()[0] == "-")
                found.append((number if atx else paragraph, level, title))
            paragraph = 0
        elif paragraph == 0 and not underline and not _NO_PARAGRAPH.match(line):
            paragraph = number
        elif not line.strip():
            paragraph = 0
    return found


def _front_matter(lines: list[str]) -> int:
    """Number of lines of a block of settings above the text."""
    if lines[0] not in ("---", "+++"):
        return 0
    return next((number + 1 for number, line in enumerate(lines) if number and line == lines[0]), 0)


def _title(text: str) -> str:
    return cut(" ".join(_MARKUP.sub(r"\1", text).split()), _TITLE_CHARS)
