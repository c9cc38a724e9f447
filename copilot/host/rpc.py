"""Whole JSON messages over a socket: `Content-Length` framing as in LSP, with a limit on sizes.

Knows no methods. Sending is safe from any thread; one thread receives.
"""

import json
import select
import socket
import time
from collections.abc import Mapping
from threading import Lock
from typing import Any

MAX_MESSAGE_BYTES = 32 << 20
"""A context of a million tokens takes 5.6 MB."""
MAX_HEADER_BYTES = 4096
_CHUNK_BYTES = 1 << 16

PARSE_ERROR, INVALID_REQUEST, UNKNOWN_METHOD, INVALID_PARAMS, FAILURE = -32700, -32600, -32601, -32602, -32000
"""Codes of JSON-RPC 2.0; FAILURE carries an error of ours in `data`."""


class ClosedError(Exception):
    """The other side is gone, or the connection was hung up."""


class SilentError(ClosedError):
    """The other side took, or sent, nothing in time."""


class MalformedError(Exception):
    """What arrived is no message; `fatal` when the beginning of the next one cannot be found."""

    def __init__(self, what: str, *, fatal: bool = False) -> None:
        super().__init__(what)
        self.fatal = fatal


class Channel:
    """One end of a connection."""

    def __init__(self, sock: socket.socket, send_timeout_s: float = 30.0) -> None:
        """`send_timeout_s`: a peer that takes nothing for so long is hung up on."""
        sock.settimeout(send_timeout_s)
        self.sock = sock
        self._sending = Lock()
        self._received = bytearray()

    def send(self, message: Mapping[str, Any]) -> None:
        """Send all of it, or hang up and raise ClosedError."""
        with self._sending:
            self._send(message)

    def try_send(self, message: Mapping[str, Any], wait_s: float = 0.0) -> bool:
        """Send a small message if that takes no longer than `wait_s`; False if it would, or the peer is gone."""
        if not self._sending.acquire(blocking=wait_s > 0, timeout=wait_s if wait_s > 0 else -1):
            return False
        try:
            if self.sock.fileno() < 0 or not select.select([], [self.sock], [], wait_s)[1]:
                return False
            self._send(message)
            return True
        except (ClosedError, OSError, ValueError):
            return False
        finally:
            self._sending.release()

    def _send(self, message: Mapping[str, Any]) -> None:
        body = json.dumps(message, separators=(",", ":")).encode("ascii")
        try:
            self.sock.sendall(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        except BaseException as exc:  # half a message may be out, also after an interrupt
            self.hang_up()
            if isinstance(exc, TimeoutError):
                raise SilentError("the other side takes nothing") from exc
            if isinstance(exc, OSError):
                raise ClosedError(str(exc)) from exc
            raise

    def receive(self, within_s: float | None = None) -> dict[str, Any]:
        """The next message. ClosedError at the end, SilentError after `within_s`, MalformedError where it is none."""
        deadline = None if within_s is None else time.monotonic() + within_s
        while (end := self._received.find(b"\r\n\r\n")) < 0:
            if len(self._received) > MAX_HEADER_BYTES:
                raise MalformedError("the header does not end", fatal=True)
            self._fill(deadline)
        size = _content_length(bytes(self._received[:end]))
        begin, stop = end + 4, end + 4 + size
        while len(self._received) < stop:
            self._fill(deadline)
        body = bytes(self._received[begin:stop])
        del self._received[:stop]
        return _parse(body)

    def hang_up(self) -> None:
        """End the connection; whoever receives wakes up. From any thread."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # already gone

    def close(self) -> None:
        """To be called by the thread that receives, or when none does."""
        self.hang_up()
        with self._sending:
            self.sock.close()

    def _fill(self, deadline: float | None) -> None:
        while True:
            left = None if deadline is None else deadline - time.monotonic()
            try:
                if left is not None and (left <= 0 or not select.select([self.sock], [], [], left)[0]):
                    raise SilentError("the other side says nothing")
                received = self.sock.recv(_CHUNK_BYTES)
            except TimeoutError:
                continue  # the time limit of the socket is for sending
            except (OSError, ValueError) as exc:
                raise ClosedError(str(exc)) from exc
            if not received:
                raise ClosedError("the other side is gone")
            self._received += received
            return


def _content_length(header: bytes) -> int:
    for line in header.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit() and len(value.strip()) < 12:
            size = int(value)
            if size > MAX_MESSAGE_BYTES:
                raise MalformedError(f"a message of {size} bytes is too large", fatal=True)
            return size
    raise MalformedError("the header has no Content-Length", fatal=True)


def _parse(body: bytes) -> dict[str, Any]:
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise MalformedError("the message is no JSON") from exc
    if not isinstance(message, dict):
        raise MalformedError("the message is no object")
    return message
