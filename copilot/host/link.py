"""A client's connection to a host: many calls at once over one socket, told apart by their ids.

Knows the framing and the handshake, not what the calls mean. A host that says nothing for too long while it owes an
answer counts as hung; seconds in which this process itself stood still do not count.
"""

import itertools
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any

from copilot.host.address import Address, connect, proof, proves
from copilot.host.peer import own_uid
from copilot.host.rpc import Channel, ClosedError, MalformedError, SilentError

SILENCE_S = 15.0
"""A host that works says so every second."""
_TICKS = 15
_PROMPT_S = 0.3
"""How long saying that a call is cancelled may take; hanging up says it too."""


@dataclass(frozen=True, slots=True)
class Hello:
    """Who was met. `pid` comes from the system where it tells."""

    protocol: int
    version: str
    pid: int
    n_ctx: int
    met_at: float


class UnansweredError(SilentError):
    """A host took the connection and then said nothing; `pid` is None where the system does not tell."""

    def __init__(self, pid: int | None, met_at: float) -> None:
        super().__init__("the host does not answer")
        self.pid = pid
        self.met_at = met_at


class Call:
    """One request that is under way."""

    def __init__(self, link: "Link", number: int) -> None:
        self.number = number
        self.arrived: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
        self.over = False
        self._link = link

    def messages(self) -> Iterator[dict[str, Any]]:
        """What arrives for it, the reply last. ClosedError if the connection ends, UnansweredError on silence."""
        link, silent, heard = self._link, 0, -1
        while True:
            try:
                message = self.arrived.get(timeout=link.silence_s / _TICKS)
            except Empty:
                silent = silent + 1 if link.heard == heard else 0
                heard = link.heard
                if silent >= _TICKS:
                    raise UnansweredError(link.hello.pid, link.hello.met_at) from None
                continue
            if message is None:
                raise ClosedError("the host is gone")
            self.over = "method" not in message
            yield message
            if self.over:
                return

    def cancel(self) -> None:
        """Ask the host to end it soon; the reply still comes."""
        if not self._link.channel.try_send({"method": "cancel", "params": {"id": self.number}}, _PROMPT_S):
            self._link.channel.hang_up()

    def leave(self) -> None:
        """Nobody waits any more."""
        self._link.forget(self)
        if not self.over:
            self.cancel()


class Link:
    def __init__(self, channel: Channel, hello: Hello, silence_s: float) -> None:
        self.hello = hello
        self.channel = channel
        self.silence_s = silence_s
        self.heard = 0
        """Messages so far, signs of life included."""
        self._owner = os.getpid()
        self._lock = Lock()
        self._calls: dict[int, Call] = {}
        self._numbers = itertools.count(1)
        self._gone = False
        Thread(target=self._receive, name="host", daemon=True).start()

    @property
    def usable(self) -> bool:
        """Whether calls can be made: not after it was closed, and not in a child that was forked since."""
        return not self._gone and self._owner == os.getpid()

    def call(self, method: str, params: Mapping[str, Any]) -> Call:
        """Send a request; ClosedError if the host is gone, SilentError if it does not take it."""
        call = Call(self, next(self._numbers))
        with self._lock:
            if self._gone:
                raise ClosedError("the host is gone")
            self._calls[call.number] = call
        try:
            self.channel.send({"jsonrpc": "2.0", "id": call.number, "method": method, "params": params})
        except SilentError as error:
            raise UnansweredError(self.hello.pid, self.hello.met_at) from error
        return call

    def forget(self, call: Call) -> None:
        with self._lock:
            self._calls.pop(call.number, None)

    def close(self) -> None:
        """Hang up; what is under way is cancelled by the host."""
        self._gone = True
        if self._owner == os.getpid():
            self.channel.hang_up()
        else:
            self.channel.sock.close()  # a forked child has a descriptor of its own, the connection is its parent's

    def _receive(self) -> None:
        try:
            while True:
                message = self.channel.receive()
                self.heard += 1
                params = message.get("params")
                number = params.get("id") if isinstance(params, dict) else message.get("id")
                with self._lock:
                    call = self._calls.get(number) if isinstance(number, int) else None
                if call is not None:
                    call.arrived.put(message)
        except (ClosedError, MalformedError):
            pass
        finally:
            with self._lock:
                self._gone = True
                calls = list(self._calls.values())
            for call in calls:
                call.arrived.put(None)
            self.channel.close()


def meet(address: Address, silence_s: float = SILENCE_S) -> Link:
    """Connect and shake hands. OSError if nobody listens, ClosedError if nobody stays, UnansweredError if it hangs."""
    reached = connect(address, own_uid())
    token, pid, met_at = reached.token, reached.pid, time.time()
    channel = Channel(reached.sock, silence_s)
    try:
        try:
            params = {"proof": proof(token, "client")}
            channel.send({"jsonrpc": "2.0", "id": 0, "method": "hello", "params": params})
            said = channel.receive(silence_s).get("result")
        except SilentError as error:
            raise UnansweredError(pid, met_at) from error
        if not isinstance(said, dict) or not proves(said.get("proof"), token, "host"):
            raise ClosedError("that was no host of ours")
        hello = _hello(said, pid, met_at)
    except MalformedError as error:
        channel.close()
        raise ClosedError("that was no host of ours") from error
    except BaseException:
        channel.close()
        raise
    return Link(channel, hello, silence_s)


def _hello(said: Mapping[str, Any], pid: int | None, met_at: float) -> Hello:
    """Read leniently: a host of another version may say more, or less."""
    protocol, n_ctx, told = (
        value if type(value) is int else 0 for value in (said.get("protocol"), said.get("n_ctx"), said.get("pid"))
    )
    return Hello(protocol, str(said.get("version", "")), pid or told, n_ctx, met_at)
