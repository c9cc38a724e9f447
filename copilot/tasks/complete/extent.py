"""How much to write at a cursor, a line or a block, and when a block that is being written is complete.

Told by indentation, brackets and the syntax tree; where a language has no grammar, by the first two alone.
"""

import re
from dataclasses import dataclass
from typing import Literal

from copilot.repo.languages import Language, language_of
from copilot.repo.syntax import Node, SyntaxTree

Extent = Literal["line", "block"]

MOST_LINES = 12
PARSED_CHARS = 200_000
"""Longer documents are not parsed between keystrokes."""
ENOUGH_LINES = 5
"""A block that parses is complete from so many lines on; earlier it ends by its indentation or a blank line."""

_OPENS = re.compile(r"[:{(\[]\s*$|=>\s*$|\b(?:then|do|else|begin)\s*$")
_CLOSERS_ONLY = re.compile(r"^[\s)\]}\"'`;:,>]*$")
_QUOTING = ("comment", "string", "char_literal", "heredoc", "template_substitution")


@dataclass(frozen=True, slots=True)
class Site:
    """The place that is written at."""

    path: str
    before: str
    """The document before the cursor."""
    after: str
    """The document after what is written anew."""

    @property
    def language(self) -> Language | None:
        return language_of(self.path)

    @property
    def line_before(self) -> str:
        return self.before[self.before.rfind("\n") + 1 :]

    @property
    def line_after(self) -> str:
        return self.after.partition("\n")[0]

    @property
    def indent(self) -> str:
        line = self.line_before
        return line[: len(line) - len(line.lstrip())]

    @property
    def at_line_end(self) -> bool:
        """Whether at most closing brackets and punctuation follow on the line, as editors put them there."""
        return bool(_CLOSERS_ONLY.match(self.line_after))

    def next_line(self) -> str:
        """The next line with text, "" if there is none."""
        lines = self.after.partition("\n")[2].split("\n", 40)[:40]
        return next((line for line in lines if line.strip()), "")

    def previous_line(self) -> str:
        """The line with text before the cursor's, "" if there is none."""
        lines = self.before[:-1000:-1][::-1].split("\n")[:-1]
        return next((line for line in reversed(lines) if line.strip()), "")


def extent(site: Site) -> Extent:
    """A block where one has been opened and is empty, else a line; never in the middle of a line."""
    if not site.at_line_end or quoted(site):
        return "line"
    opener = site.line_before if site.line_before.strip() else site.previous_line()
    if not _OPENS.search(opener):
        return "line"
    if opener.rstrip().endswith(("(", "[")) and site.line_before.strip():
        return "line"
    following = site.next_line()
    return "line" if width(following) > width(opener) and following.strip() else "block"


def quoted(site: Site) -> bool:
    """Whether the cursor is inside a comment or a string."""
    tree = parsed(site, "")
    if tree is None:
        return site.line_before.lstrip().startswith(("#", "//", "*", "--"))
    at = len(site.before.encode("utf-8", "replace"))
    node: Node | None = tree.root.descendant_for_byte_range(max(0, at - 1), at)
    return node is not None and any(kind in node.type for kind in _QUOTING)


def parsed(site: Site, written: str) -> SyntaxTree | None:
    """The document with `written` in its place; None without a grammar or for a long document."""
    if len(site.before) + len(site.after) > PARSED_CHARS:
        return None
    return SyntaxTree.of(site.before + written + site.after, site.language)


def n_errors(tree: SyntaxTree) -> int:
    """Places that do not parse."""
    count, stack = 0, [tree.root]
    while stack:
        node = stack.pop()
        if not node.has_error:
            continue
        count += node.is_error or node.is_missing
        stack += node.children
    return count


def width(line: str) -> int:
    """Columns of indentation."""
    expanded = line.expandtabs(4)
    return len(expanded) - len(expanded.lstrip())


class BlockEnd:
    """Watches a text while it is written: tells where it is complete."""

    def __init__(self, site: Site, extent: Extent) -> None:
        self._site = site
        self._extent = extent
        self._text = ""
        self._seen_lines = 0

    def add(self, text: str) -> bool:
        """Whether what was written so far is enough; looked at only where a line ends."""
        self._text += text
        lines = self._text.split("\n")
        if len(lines) - 1 == self._seen_lines:
            return False
        self._seen_lines = len(lines) - 1
        whole = lines[:-1]
        written = [line for line in whole if line.strip()]
        if self._extent == "line":
            return bool(written)
        if len(whole) >= MOST_LINES or (len(written) > 1 and not whole[-1].strip()):
            return True
        if len(written) > 1 and width(written[-1]) < width(self._site.line_before):
            return True
        return len(written) >= ENOUGH_LINES and self._parses("\n".join(whole))

    def _parses(self, text: str) -> bool:
        tree, without = parsed(self._site, text), parsed(self._site, "")
        return tree is not None and without is not None and n_errors(tree) <= min(1, n_errors(without))
