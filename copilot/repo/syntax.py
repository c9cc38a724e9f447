"""A syntax tree of a source text, for those who look at single nodes.

Does not know: what a definition is, files, queries.
"""

import re
from collections.abc import Container, Iterator
from typing import Self

from tree_sitter import Node

from copilot.repo.languages import Language, refine
from copilot.repo.parse import is_tangled, parse, refused

__all__ = ["Node", "SyntaxTree", "ancestors", "end_line_of", "line_of"]


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
        if refused(source, source.count(b"\n"), language):
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
