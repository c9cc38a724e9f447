"""Whatever arrives at the socket, the host answers or hangs up, and goes on serving."""

import json
import socket
import time
from typing import Any

import pytest

from copilot.host.address import connect
from copilot.host.peer import own_uid
from copilot.host.rpc import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    MAX_MESSAGE_BYTES,
    PARSE_ERROR,
    UNKNOWN_METHOD,
    Channel,
    ClosedError,
)
from copilot.host.wire import encode

HELLO = {"jsonrpc": "2.0", "id": 0, "method": "hello", "params": {"proof": ""}}


def answered(channel: Channel) -> dict[str, Any]:
    """The next message that is no sign of life."""
    while "method" in (message := channel.receive(5)):
        pass
    return message


@pytest.fixture
def raw(hosts):
    """Opens connections of our own to a host that serves; afterwards it must still do so."""
    session = hosts.client()
    hosts.said(session, hosts.asked(1))
    pid, opened = hosts.pid, []

    def open_channel(*, greet: bool = True) -> Channel:
        channel = Channel(connect(hosts.launch().orders.address, own_uid()).sock, 5)
        opened.append(channel)
        if greet:
            channel.send(HELLO)
            assert channel.receive()["result"]["pid"] == pid
        return channel

    yield open_channel
    for channel in opened:
        channel.close()
    assert hosts.said(session, hosts.asked(2)) == hosts.expected(hosts.asked(2))
    assert hosts.pid == pid


def test_a_greeting_is_answered_with_what_a_client_reads(raw) -> None:
    """Who it is and how much fits, nothing more: not yet which model."""
    channel = raw(greet=False)
    channel.send(HELLO)
    assert sorted(channel.receive()["result"]) == ["n_ctx", "pid", "proof", "protocol", "version"]


def framed(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


@pytest.mark.parametrize("body", [b"{", b"[]", b"1", b"\xff", b"[" * 60_000])
def test_malformed_json_is_answered(raw, body: bytes) -> None:
    """The connection stays usable."""
    channel = raw()
    channel.sock.sendall(framed(body))
    assert answered(channel)["error"]["code"] == PARSE_ERROR
    channel.send({"id": 1, "method": "status"})
    assert answered(channel)["id"] == 1


@pytest.mark.parametrize("greet", [True, False])
@pytest.mark.parametrize(
    "bytes_", [b"GET / HTTP/1.1\r\n\r\n", b"Content-Length: %d\r\n\r\n" % (MAX_MESSAGE_BYTES + 1), b"\0" * 5000]
)
def test_broken_framing_ends_the_connection(raw, bytes_: bytes, greet: bool) -> None:
    """After an error response where one can still be sent."""
    channel = raw(greet=greet)
    channel.sock.sendall(bytes_)
    with pytest.raises(ClosedError):
        assert answered(channel)["error"]["code"] == PARSE_ERROR
        channel.receive(5)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"id": 1, "method": "nonsense"}, UNKNOWN_METHOD),
        ({"id": 1, "method": "__init__"}, UNKNOWN_METHOD),
        ({"id": 1, "method": "state"}, INVALID_PARAMS),
        ({"id": 1, "method": "state", "params": {"prefix": 5}}, INVALID_PARAMS),
        ({"id": 1, "method": "read", "params": {"prefix": "", "priority": 17}}, INVALID_PARAMS),
        ({"id": 1, "method": "read", "params": {"prefix": "", "priority": [1]}}, INVALID_PARAMS),
        ({"id": 1, "method": "generate", "params": {"request": []}}, INVALID_PARAMS),
        ({"id": 1, "method": "score", "params": {"request": {"prefix": ""}}}, INVALID_PARAMS),
        ({"id": 1, "method": "state", "params": []}, INVALID_REQUEST),
        ({"id": "1", "method": "state", "params": {}}, INVALID_REQUEST),
        ({"id": True, "method": "state", "params": {}}, INVALID_REQUEST),
        ({"id": 1, "method": 2}, INVALID_REQUEST),
        ({}, INVALID_REQUEST),
    ],
    ids=str,
)
def test_wrong_requests_are_errors(raw, message: dict[str, object], code: int) -> None:
    """Each has the code that JSON-RPC gives it."""
    channel = raw()
    channel.send(message)
    assert answered(channel)["error"]["code"] == code


@pytest.mark.parametrize("params", [{}, {"id": 99}, {"id": "x"}, {"id": [1]}, {"id": None}], ids=str)
def test_cancelling_what_does_not_run_is_ignored(raw, params: dict[str, object]) -> None:
    """It may have ended just before."""
    channel = raw()
    channel.send({"method": "cancel", "params": params})
    channel.send({"id": 1, "method": "status"})
    assert answered(channel)["id"] == 1


@pytest.mark.parametrize(
    "first", [{"id": 1, "method": "status"}, {"method": "hello", "params": {"proof": "x"}}], ids=str
)
def test_whoever_does_not_greet_is_hung_up_on(raw, first: dict[str, object]) -> None:
    """Nothing is told before the handshake."""
    channel = raw(greet=False)
    channel.send(first)
    with pytest.raises(ClosedError):
        channel.receive(5)


def test_an_id_runs_once(raw, hosts) -> None:
    """A second request under the id of a running one is refused, the first goes on."""
    channel = raw()
    for _ in range(2):
        channel.send({"id": 5, "method": "generate", "params": {"request": encode(hosts.asked(668))}})
    assert answered(channel)["error"]["code"] == INVALID_REQUEST


def test_loopback_without_the_token_is_hung_up_on(hosts) -> None:
    """Every process of the machine may connect; only one that can read the user's files is served."""
    launch = hosts.launch(transport="tcp")
    session = hosts.client(launch)
    hosts.said(session, hosts.asked(1))
    port = json.loads(launch.orders.address.meeting.read_bytes())["port"]
    for shown in ("", "0" * 64, None):
        channel = Channel(socket.create_connection(("127.0.0.1", port)), 5)
        channel.send(HELLO | {"params": {"proof": shown}})
        with pytest.raises(ClosedError):
            channel.receive(5)
        channel.close()
    assert hosts.said(session, hosts.asked(2)) == hosts.expected(hosts.asked(2))


def test_connections_that_say_nothing_do_not_keep_others_out(raw) -> None:
    """Each waits for itself."""
    silent = [raw(greet=False) for _ in range(20)]
    began = time.monotonic()
    raw()
    assert time.monotonic() - began < 2
    assert len(silent) == 20
