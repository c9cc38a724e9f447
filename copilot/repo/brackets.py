"""How many brackets of a source text stay open at once: what an ambiguous grammar needs memory for, squared.

Reads bytes; knows no language, so brackets in strings and comments count like any other.
"""

import re

MOST_OPEN = 1000
"""Code written by people stays below a hundred."""

_OPENING = b"([{"
_CLOSING = b")]}"
_PAIRS = (b"()", b"[]", b"{}")
_OTHERS = bytes(byte for byte in range(256) if byte not in _OPENING + _CLOSING)
_MOST_ANGLES = 400
_NO_ANGLE = re.compile(rb"<<|<=")
_STATEMENT_ENDS = re.compile(rb"[;{}]")


def is_unclosed(source: bytes) -> bool:
    """Tell whether more brackets are open somewhere in `source` than any parser should be asked to keep in mind."""
    return _most_open(source) > MOST_OPEN or _most_angles(source) > _MOST_ANGLES


def _most_open(source: bytes) -> int:
    """The most that are open at once, or any number up to MOST_OPEN if it is no more than that."""
    brackets = source.translate(None, _OTHERS)
    while len(brackets) > MOST_OPEN:
        shorter = brackets
        for pair in _PAIRS:
            shorter = shorter.replace(pair, b"")
        if len(shorter) > 0.9 * len(brackets):
            break
        brackets = shorter
    most = depth = 0
    for byte in brackets if len(brackets) > MOST_OPEN else b"":
        depth = depth + 1 if byte in _OPENING else max(depth - 1, 0)
        most = max(most, depth)
    return most


def _most_angles(source: bytes) -> int:
    """The most angle brackets that one statement leaves open; most are no brackets, but comparisons."""
    if source.count(b"<") <= _MOST_ANGLES:
        return 0
    statements = _STATEMENT_ENDS.split(_NO_ANGLE.sub(b"", source))
    return max(statement.count(b"<") - statement.count(b">") for statement in statements)
