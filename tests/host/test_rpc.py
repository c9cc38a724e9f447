"""Framing: messages come whole, limits hold, and a side that leaves or stalls is noticed."""

import socket
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot.host.rpc import MAX_HEADER_BYTES, MAX_MESSAGE_BYTES, Channel, ClosedError, MalformedError, SilentError


@pytest.fixture
def pair() -> Iterator[tuple[Channel, socket.socket]]:
    ours, theirs = socket.socketpair()
    channel = Channel(ours, send_timeout_s=0.3)
    yield channel, theirs
    channel.close()
    theirs.close()


class Pipe:
    """A socket that gives back what was sent to it, a few bytes at a time."""

    def __init__(self, step: int) -> None:
        self.step = step
        self.sent = b""

    def settimeout(self, seconds: float) -> None: ...

    def sendall(self, data: bytes) -> None:
        self.sent += data

    def recv(self, size: int) -> bytes:
        part, self.sent = self.sent[: self.step], self.sent[self.step :]
        return part


@given(st.lists(st.dictionaries(st.text(), st.text() | st.integers()), max_size=4), st.integers(1, 70))
def test_messages_arrive_whole_however_they_are_cut(messages: list[dict[str, object]], step: int) -> None:
    """Bytes may come in any pieces."""
    channel = Channel(Pipe(step))  # type: ignore[arg-type]
    for message in messages:
        channel.send(message)
    assert [channel.receive() for _ in messages] == messages


@pytest.mark.parametrize("body", [b"{", b"[1]", b"null", b"\xff\xfe", b"[" * 100_000, b"1" * 5000])
def test_a_body_that_is_no_object_costs_that_message_only(pair: tuple[Channel, socket.socket], body: bytes) -> None:
    """The next message is read as if nothing had been."""
    channel, theirs = pair
    theirs.sendall(b"Content-Length: %d\r\n\r\n%b" % (len(body), body) + b'Content-Length: 8\r\n\r\n{"a": 1}')
    with pytest.raises(MalformedError) as caught:
        channel.receive()
    assert not caught.value.fatal
    assert channel.receive() == {"a": 1}


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Length: -1\r\n\r\n",
        b"Content-Length: x\r\n\r\n",
        b"Content-Length: %d\r\n\r\n" % (MAX_MESSAGE_BYTES + 1),
        b"Content-Length: 99999999999999999999\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"x" * (MAX_HEADER_BYTES + 1),
    ],
)
def test_a_header_that_cannot_be_read_is_fatal(pair: tuple[Channel, socket.socket], header: bytes) -> None:
    """Nothing is allocated or awaited for a message that is too large or has no length."""
    channel, theirs = pair
    theirs.sendall(header)
    with pytest.raises(MalformedError) as caught:
        channel.receive()
    assert caught.value.fatal


def test_the_other_side_leaving_is_closed(pair: tuple[Channel, socket.socket]) -> None:
    """Also in the middle of a message."""
    channel, theirs = pair
    theirs.sendall(b"Content-Length: 100\r\n\r\n{")
    theirs.close()
    with pytest.raises(ClosedError):
        channel.receive()


def test_silence_ends_a_limited_wait(pair: tuple[Channel, socket.socket]) -> None:
    """A half message does not prolong it."""
    channel, theirs = pair
    theirs.sendall(b"Content-Length: 100\r\n\r\n{")
    with pytest.raises(SilentError):
        channel.receive(within_s=0.1)


def test_a_side_that_takes_nothing_is_hung_up_on(pair: tuple[Channel, socket.socket]) -> None:
    """Sending does not block for ever, and what is half sent is never continued."""
    channel, _ = pair
    with pytest.raises(SilentError):
        channel.send({"x": "y" * (8 << 20)})
    with pytest.raises(ClosedError):
        channel.send({})


def test_a_small_message_to_a_full_socket_does_not_wait(pair: tuple[Channel, socket.socket]) -> None:
    """Signs of life are left out where nobody takes them."""
    channel, _ = pair

    def fill() -> None:
        with pytest.raises(SilentError):
            channel.send({"x": "y" * (8 << 20)})

    filler = threading.Thread(target=fill)
    filler.start()
    while channel.try_send({"method": "alive"}):
        pass
    filler.join()


def test_hanging_up_wakes_the_receiver(pair: tuple[Channel, socket.socket]) -> None:
    """Another thread may end a connection that waits for a message."""
    channel, _ = pair
    threading.Timer(0.1, channel.hang_up).start()
    with pytest.raises(ClosedError):
        channel.receive()
