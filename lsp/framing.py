"""Messages on a byte stream: headers, an empty line, a body of the length they say.

Header names are taken in any case and with any spaces; what is longer than the limit is passed over and said.
Does not know: JSON, what is in a body.
"""

from typing import IO

MAX_BODY_BYTES = 64 << 20
_MAX_HEADER_BYTES = 8192
_PIECE = 1 << 16


class FrameError(Exception):
    """The stream holds something else than a message."""

    def __init__(self, message: str, *, is_over: bool) -> None:
        super().__init__(message)
        self.is_over = is_over
        """Whether the stream cannot be read any further."""


def read_frame(stream: IO[bytes], limit_bytes: int = MAX_BODY_BYTES) -> bytes | None:
    """The next body; None at the end of the stream. FrameError for what is no message or too long."""
    length = _read_length(stream)
    if length is None:
        return None
    if length > limit_bytes:
        left = length
        while left > 0 and (piece := stream.read(min(left, _PIECE))):
            left -= len(piece)
        raise FrameError(f"a message of {length:,} bytes is longer than {limit_bytes:,}", is_over=left > 0)
    body = stream.read(length)
    return body if len(body) == length else None


def frame(body: bytes) -> bytes:
    """A body as it goes over the stream."""
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def _read_length(stream: IO[bytes]) -> int | None:
    """The length that the headers say; None at the end of the stream."""
    length: int | None = None
    while True:
        line = stream.readline(_MAX_HEADER_BYTES)
        if not line:
            return None
        if not line.endswith(b"\n"):
            raise FrameError("a header line is too long or cut off", is_over=True)
        name, colon, value = line.partition(b":")
        if not line.strip():
            if length is not None:
                return length
            continue  # blank lines between messages do no harm
        if colon and name.strip().lower() == b"content-length":
            digits = value.strip()
            if not digits.isdigit() or len(digits) > 18:
                raise FrameError(f"Content-Length is {digits[:20]!r}", is_over=True)
            length = int(digits)
