"""Parsing within limits: a syntax tree of a source text, or why there is none.

Does not know: what a definition is, files, queries.
"""

import re
from collections.abc import Container, Iterator
from typing import Self

from tree_sitter import Node, Parser, Tree

from copilot.repo.languages import Language, grammar, refine

__all__ = ["MAX_BYTES", "Node", "SyntaxTree", "ancestors", "end_line_of", "is_tangled", "line_of", "parse", "too_large"]

MAX_BYTES = 2 << 20
_WIDE_BYTES = 20_000
_WIDE_LINE_BYTES = 1000
_STEPS = 2000
_BYTES_PER_STEP = 30
"""Ordinary code takes 50 to 150 bytes for each; counting steps, unlike looking at a clock, decides alike everywhere."""
_READ_BYTES = 4096
"""Handed out at once: for parsing any number does, but predicates of queries read every name they look at anew."""
_SAMPLE_NODES = 1000
_MAX_DEPTH = 4000
_MAX_ERROR_WIDTH = 8000


class SyntaxTree:
    """One text's syntax tree. Lines are 1-based."""

    def __init__(self, source: bytes, root: Node, language: Language) -> None:
        self.source = source
        self.root = root
        self.language = language
        """As refined by the text: a C header may be C++."""

    @classmethod
    def of(cls, text: str, language: Language | None) -> Self | None:
        """Parse a text; None for a language without a grammar and for what is too hard to parse."""
        if language is None or language.reader:
            return None
        source = text.encode("utf-8", "replace")
        if too_large(source, source.count(b"\n")):
            return None
        language = refine(language, text)
        tree = parse(source, language)
        return None if tree is None or is_tangled(tree) else cls(source, tree.root_node, language)

    def text(self, node: Node) -> str:
        """The source of a node."""
        return self.source[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def occurrences(self, word: str) -> Iterator[Node]:
        """The leaves that are `word` and nothing else, in the order of the text."""
        wanted = word.encode("utf-8", "replace")
        for match in re.finditer(rb"(?<![\w])" + re.escape(wanted) + rb"(?![\w])", self.source):
            node = self.root.descendant_for_byte_range(*match.span())
            if node is not None and node.child_count == 0 and (node.start_byte, node.end_byte) == match.span():
                yield node

    def nodes_on(self, lines: Container[int]) -> Iterator[Node]:
        """Named nodes that start on one of the lines, outer before inner."""
        stack = [self.root]
        while stack:
            node = stack.pop()
            first, last = line_of(node), end_line_of(node)
            if first in lines and node.is_named:
                yield node
            if any(line in lines for line in range(first, last + 1)):
                stack += reversed(node.children)


def line_of(node: Node) -> int:
    """The 1-based line a node starts on."""
    return node.start_point.row + 1


def end_line_of(node: Node) -> int:
    """The 1-based line of a node's last character."""
    row, column = node.end_point
    return max(row + (column > 0), node.start_point.row + 1)


def ancestors(node: Node) -> Iterator[Node]:
    """What a node is in, the nearest first."""
    around = node.parent
    while around is not None:
        yield around
        around = around.parent


def too_large(source: bytes, newlines: int) -> str | None:
    """Why a source of so many lines is not worth parsing; None if it is."""
    if len(source) > MAX_BYTES:
        return f"larger than {MAX_BYTES >> 20} MiB: no structure"
    if len(source) > _WIDE_BYTES and len(source) > _WIDE_LINE_BYTES * (newlines + 1):
        return "lines too long, minified or generated: no structure"
    return None


def parse(source: bytes, language: Language) -> Tree | None:
    """Parse within a number of steps that depends on the size; None if that is not enough."""
    left = _STEPS + len(source) // _BYTES_PER_STEP

    def is_over(offset: int, has_error: bool) -> bool:
        nonlocal left
        left -= 1
        return left < 0

    try:
        return Parser(grammar(language)).parse(
            lambda offset, point: source[offset : offset + _READ_BYTES], progress_callback=is_over
        )
    except ValueError:
        return None


def is_tangled(tree: Tree) -> bool:
    """Whether a query would take quadratic time: a very deep chain or a very wide error, found by sampling evenly.

    Only what makes up a good part of the tree costs, and that a sample hits.
    """
    root = tree.root_node
    cursor = tree.walk()
    for index in range(0, root.descendant_count, _SAMPLE_NODES):
        cursor.goto_descendant(index)
        if cursor.depth > _MAX_DEPTH:
            return True
        while root.has_error:
            node = cursor.node
            if node is not None and node.is_error and node.child_count > _MAX_ERROR_WIDTH:
                return True
            if not cursor.goto_parent():
                break
    return False
