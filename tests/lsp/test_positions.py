"""Offsets and positions: every encoding, every line end, characters of every width."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp.positions import Encoding, Lines, points, units

CODECS: dict[Encoding, tuple[str, int]] = {
    "utf-8": ("utf-8", 1),
    "utf-16": ("utf-16-le", 2),
    "utf-32": ("utf-32-le", 4),
}
TEXTS = st.text(st.sampled_from("ab\té€😀𝒳\r\n\n\r\u2028\x0b\x85\u200d"), max_size=40)
ENCODINGS = st.sampled_from(sorted(CODECS))


@given(TEXTS, ENCODINGS)
def test_units_are_those_of_the_codec(text: str, encoding: Encoding) -> None:
    """Python's own codecs agree on how many units a text has."""
    codec, width = CODECS[encoding]
    assert units(text, encoding) == len(text.encode(codec)) // width


@given(TEXTS, ENCODINGS)
def test_every_offset_comes_back(text: str, encoding: Encoding) -> None:
    """An offset becomes a position and that position the same offset, but inside of a "\\r\\n"."""
    lines = Lines(text, encoding)
    for offset in range(len(text) + 1):
        if text[max(0, offset - 1) : offset + 1] != "\r\n":
            assert lines.offset(*lines.position(offset)) == offset


@given(TEXTS, ENCODINGS, st.integers(-3, 60), st.integers(-3, 200))
def test_no_position_leads_out_of_the_text(text: str, encoding: Encoding, line: int, character: int) -> None:
    """Whatever a client says, the offset is in the text, on that line and before its end."""
    lines = Lines(text, encoding)
    offset = lines.offset(line, character)
    assert 0 <= offset <= len(text)
    if 0 <= line < lines.count:
        assert lines.start(line) <= offset <= lines.start(line) + len(lines.line(line))


@given(TEXTS, ENCODINGS)
def test_lines_are_those_of_lsp(text: str, encoding: Encoding) -> None:
    """Lines end at \\n, \\r\\n and \\r; a form feed or a Unicode line separator ends none."""
    lines = Lines(text, encoding)
    expected = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert [lines.line(number) for number in range(lines.count)] == expected


@pytest.mark.parametrize(("encoding", "middle"), [("utf-8", 2), ("utf-16", 1)])
def test_position_within_a_character_is_before_it(encoding: Encoding, middle: int) -> None:
    """A client cannot cut a character in two."""
    assert points("😀x", middle, encoding) == 0
    assert Lines("😀x", encoding).offset(0, middle) == 0
