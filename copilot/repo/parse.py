"""One source text parsed within limits, so that no text can hold up, flood or break whoever reads it.

Limits count bytes, steps and reads, never time: they decide alike on every machine. Knows no queries and no structure.
"""

import re

from tree_sitter import Parser, Tree

from copilot.repo.brackets import is_unclosed
from copilot.repo.languages import Language, grammar

MAX_BYTES = 2 << 20
_WIDE_BYTES = 20_000
_WIDE_LINE_BYTES = 1000
_STEPS = 2000
_BYTES_PER_STEP = 30
"""Ordinary code takes 50 to 150 bytes for each; counting steps, unlike looking at a clock, decides alike everywhere."""
_READ_BYTES = 4096
"""Handed out at once to the parser."""
_NAME_BYTES = 128
"""Handed out at once to predicates of queries, which read every name they look at anew."""
_READS = 256
_READS_PER_PIECE = 64
"""Ordinary code is read 2 to 25 times; where each of many tokens could run to the end, it would be thousands."""
_MAX_DOCUMENTS = 3000
"""Of YAML, in one file: walking from one to the next takes the longer the more there are."""
_DOCUMENT_LINE = re.compile(rb"^---\r?$", re.MULTILINE)
_MAX_OPEN_TAGS = 20_000
"""Of HTML: the grammar writes all of them down at every token."""
_MAX_INDENT = 200
"""Of YAML: the grammar's scanner keeps its levels in a buffer for about 250, and writes on behind its end."""
_INDICATOR = re.compile(rb"[-?:](?=\s|$)")
_SAMPLE_NODES = 1000
_MAX_DEPTH = 4000
_MAX_ERROR_WIDTH = 8000


def refused(source: bytes, newlines: int, language: Language) -> str | None:
    """Why a text is not parsed at all."""
    if len(source) > MAX_BYTES:
        return f"larger than {MAX_BYTES >> 20} MiB: no structure"
    if len(source) > _WIDE_BYTES and len(source) > _WIDE_LINE_BYTES * (newlines + 1):
        return "lines too long, minified or generated: no structure"
    if language.name == "yaml" and _is_unsafe_yaml(source):
        return "nested too deeply or too many documents: no structure"
    if language.name == "html" and source.count(b"<") - 2 * source.count(b"</") > _MAX_OPEN_TAGS:
        return "tags nested too deeply: no structure"
    return "brackets nested too deeply: no structure" if is_unclosed(source) else None


def _is_unsafe_yaml(source: bytes) -> bool:
    """Whether the grammar of YAML would crash at its indentation, or walk its documents in quadratic time.

    A level of indentation takes a column, or an indicator in the line that opens it.
    """
    if len(_DOCUMENT_LINE.findall(source)) > _MAX_DOCUMENTS:
        return True
    long_lines = (line for line in source.split(b"\n") if len(line) > _MAX_INDENT)
    return any(len(line) - len(line.lstrip()) + len(_INDICATOR.findall(line)) > _MAX_INDENT for line in long_lines)


def parse(source: bytes, language: Language) -> Tree | None:
    """Parse within a number of steps and of reads that depends on the size; None if that is not enough."""
    steps = _STEPS + len(source) // _BYTES_PER_STEP
    reads = _READS + _READS_PER_PIECE * (len(source) // _READ_BYTES)
    is_parsing = True
    window = bytearray()
    name = b""

    def read(offset: int, point: object) -> bytes | bytearray:
        # The binding never lets go of what it was handed while parsing: one buffer for all. Predicates of queries,
        # later, ask for bytes, and look at them once more after letting go.
        nonlocal reads, name
        reads -= 1
        if is_parsing:
            window[:] = source[offset : offset + _READ_BYTES]
            return window
        name = source[offset : offset + _NAME_BYTES]
        return name

    def is_over(offset: int, has_error: bool) -> bool:
        nonlocal steps
        steps -= 1
        return steps < 0 or reads < 0

    try:
        tree = Parser(grammar(language)).parse(read, progress_callback=is_over)
    except ValueError:
        return None
    finally:
        is_parsing = False
        window.clear()
    return tree if reads >= 0 else None


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
