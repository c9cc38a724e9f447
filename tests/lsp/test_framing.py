"""Frames: what is read is what was written, and what is no frame is said."""

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp.framing import FrameError, frame, read_frame


@given(st.lists(st.binary(max_size=50), max_size=5))
def test_frames_come_back_in_order(bodies: list[bytes]) -> None:
    """Any bodies, empty ones too, are read as they were written; then comes the end."""
    stream = BytesIO(b"".join(map(frame, bodies)))
    assert [read_frame(stream) for _ in bodies] == bodies
    assert read_frame(stream) is None


@pytest.mark.parametrize(
    "head", ["content-length: 2", "Content-Type: x\r\nCONTENT-LENGTH:2", "\r\nContent-Length:  2 "]
)
def test_headers_are_read_in_any_spelling(head: str) -> None:
    """Case, order and spaces of headers do not matter."""
    assert read_frame(BytesIO(head.encode() + b"\r\n\r\n{}")) == b"{}"


def test_too_long_a_message_is_passed_over() -> None:
    """The next message is read after one beyond the limit was said."""
    stream = BytesIO(frame(b"x" * 100) + frame(b"ok"))
    with pytest.raises(FrameError, match="100 bytes") as raised:
        read_frame(stream, limit_bytes=10)
    assert not raised.value.is_over
    assert read_frame(stream, limit_bytes=10) == b"ok"


@pytest.mark.parametrize("damaged", [b"Content-Length: -1\r\n\r\n", b"Content-Length: x\r\n\r\n", b"a" * 9000])
def test_what_is_no_length_ends_the_stream(damaged: bytes) -> None:
    """Without a length nobody knows where the next message begins."""
    with pytest.raises(FrameError) as raised:
        read_frame(BytesIO(damaged))
    assert raised.value.is_over


def test_cut_off_message_is_the_end() -> None:
    """A client that dies while it writes has left."""
    assert read_frame(BytesIO(b"Content-Length: 10\r\n\r\n{}")) is None
