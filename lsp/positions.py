"""Where something is in a text: offsets in code points here, lines and characters in the client's units there.

Lines end at "\\n", "\\r\\n" and "\\r" and nowhere else, as LSP has it; both sides count lines from 0. A position at
which no character begins is moved back to one, so that no client can point outside a text or into a character.
Does not know: documents, messages.
"""

import re
from bisect import bisect_right
from collections.abc import Callable
from functools import cached_property
from typing import Literal

Encoding = Literal["utf-8", "utf-16", "utf-32"]
_LINE_END = re.compile(r"\r\n|\n|\r")


def _utf8(char: str) -> int:
    point = ord(char)
    return 1 if point < 0x80 else 2 if point < 0x800 else 3 if point < 0x10000 else 4


def _utf16(char: str) -> int:
    return 2 if ord(char) > 0xFFFF else 1


_UNITS: dict[Encoding, Callable[[str], int]] = {"utf-8": _utf8, "utf-16": _utf16, "utf-32": lambda char: 1}


def units(text: str, encoding: Encoding) -> int:
    """How many code units a text has."""
    if encoding == "utf-32" or text.isascii():
        return len(text)
    return sum(map(_UNITS[encoding], text))


def points(text: str, wanted: int, encoding: Encoding) -> int:
    """How many code points of `text` lie wholly within its first `wanted` code units."""
    if encoding == "utf-32" or text.isascii():
        return min(max(wanted, 0), len(text))
    width = _UNITS[encoding]
    passed = 0
    for place, char in enumerate(text):
        passed += width(char)
        if passed > wanted:
            return place
    return len(text)


class Lines:
    """The line structure of one text."""

    def __init__(self, text: str, encoding: Encoding) -> None:
        self.text = text
        self.encoding = encoding

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in _LINE_END.finditer(self.text))]

    @property
    def count(self) -> int:
        """How many lines there are; a line end at the end of the text begins an empty one."""
        return len(self._starts)

    def line(self, number: int) -> str:
        """One line without its end; "" past the last."""
        return self.text[slice(*self._span(number))]

    def offset(self, line: int, character: int) -> int:
        """The code point offset of a client's position; past the end of a line is its end, past the last line is the
        end of the text."""
        if line < 0:
            return 0
        if line >= self.count:
            return len(self.text)
        start, end = self._span(line)
        return start + points(self.text[start:end], character, self.encoding)

    def position(self, offset: int) -> tuple[int, int]:
        """The client's line and character of a code point offset."""
        offset = min(max(offset, 0), len(self.text))
        line = bisect_right(self._starts, offset) - 1
        return line, units(self.text[self._starts[line] : offset], self.encoding)

    def start(self, line: int) -> int:
        """The offset at which a line begins; the end of the text past the last."""
        return self._starts[line] if line < self.count else len(self.text)

    def _span(self, line: int) -> tuple[int, int]:
        """Offsets of a line without its end."""
        if line >= self.count:
            return len(self.text), len(self.text)
        start = self._starts[line]
        if line + 1 == self.count:
            return start, len(self.text)
        end = self._starts[line + 1]
        return start, end - (2 if self.text[end - 2 : end] == "\r\n" and end - 2 >= start else 1)
