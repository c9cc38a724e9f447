"""One client of the host: who it is, what it asks, what is sent back; each request on a thread of its own.

Knows the messages, not the engine. Whatever a client sends, the worst that happens is that it is hung up on.
"""

import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from threading import Lock, Thread
from typing import Any, Protocol

from copilot.engine.base import Cancel, Event, Session
from copilot.errors import CopilotError
from copilot.host.address import proof, proves
from copilot.host.log import places
from copilot.host.methods import METHODS
from copilot.host.rpc import (
    FAILURE,
    INVALID_PARAMS,
    INVALID_REQUEST,
    PARSE_ERROR,
    UNKNOWN_METHOD,
    Channel,
    ClosedError,
    MalformedError,
)
from copilot.host.status import LEAVING, HostStatus
from copilot.host.wire import WireError, encode, encode_error, encode_event
from copilot.host.work import Work

HELLO_S = 10.0
"""A connection that has not said who it is by then is hung up on."""
MAX_REQUESTS = 64
"""Of one connection at once."""

Message = Mapping[str, Any]


class Desk(Protocol):
    """What a connection asks of its host."""

    @property
    def session(self) -> Session: ...
    @property
    def work(self) -> Work: ...
    @property
    def log(self) -> logging.Logger: ...
    @property
    def token(self) -> str: ...
    @property
    def leaving(self) -> bool: ...
    def introduction(self) -> dict[str, Any]: ...
    def status(self) -> HostStatus: ...
    def leave(self, *, now: bool) -> None: ...


class Connection:
    def __init__(self, channel: Channel, desk: Desk) -> None:
        self.channel = channel
        self._desk = desk
        self._lock = Lock()
        self._running: dict[int, Cancel] = {}

    @property
    def busy(self) -> bool:
        return bool(self._running)

    def serve(self) -> None:
        """Until the client leaves; then what it asked for is cancelled."""
        try:
            if self._welcome():
                while True:
                    self._next()
        except (ClosedError, OSError):
            pass
        finally:
            with self._lock:
                left = list(self._running.values())
            for cancel in left:
                cancel.set()
            self.channel.close()

    def _welcome(self) -> bool:
        """The first message must be `hello`, with the proof where one is needed."""
        try:
            message = self.channel.receive(HELLO_S)
        except MalformedError as malformed:
            self._reply_error(None, PARSE_ERROR, str(malformed))
            return False
        params = message.get("params")
        shown = params.get("proof") if isinstance(params, dict) else None
        if message.get("method") != "hello" or not proves(shown, self._desk.token, "client"):
            return False
        self._reply(message.get("id"), self._desk.introduction() | {"proof": proof(self._desk.token, "host")})
        return True

    def _next(self) -> None:
        try:
            message = self.channel.receive()
        except MalformedError as malformed:
            self._reply_error(None, PARSE_ERROR, str(malformed))
            if malformed.fatal:
                raise ClosedError("framing is lost") from malformed
            return
        number, method, params = message.get("id"), message.get("method"), message.get("params", {})
        if method == "cancel" and isinstance(params, dict):
            self._cancel(params.get("id"))
        elif type(number) is not int or not isinstance(method, str) or not isinstance(params, dict):
            self._reply_error(None, INVALID_REQUEST, "a request has an id, a method and an object of parameters")
        elif method == "status":
            self._reply(number, encode(self._desk.status()))
        elif method == "leave":
            self._reply(number, None)
            self._desk.leave(now=params.get("now") is True)
        elif method not in METHODS:
            self._reply_error(number, UNKNOWN_METHOD, "no such method")
        else:
            self._begin(number, method, params)

    def _cancel(self, number: object) -> None:
        with self._lock:
            cancel = self._running.get(number) if type(number) is int else None
        if cancel is not None:
            cancel.set()

    def _begin(self, number: int, method: str, params: Message) -> None:
        if self._desk.leaving:
            self._reply_error(number, FAILURE, "the host leaves", {"code": LEAVING, "message": ""})
            return
        cancel = Cancel()
        with self._lock:
            refused = number in self._running or len(self._running) >= MAX_REQUESTS
            if not refused:
                self._running[number] = cancel
        if refused:
            self._reply_error(number, INVALID_REQUEST, f"this id runs already, or {MAX_REQUESTS} requests do")
            return
        thread = Thread(target=self._run, args=(number, method, params, cancel), name=method, daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # no more threads
            self._forget(number)
            self._reply_error(number, FAILURE, "no thread", encode_error(error))

    def _run(self, number: int, method: str, params: Message, cancel: Cancel) -> None:
        began = time.monotonic()
        outcome = "done"

        def emit(event: Event) -> None:
            self._desk.work.events += 1
            try:
                self.channel.send({"method": "event", "params": {"id": number} | encode_event(event)})
            except ClosedError:
                cancel.set()

        reply: dict[str, Any] = {"id": number}
        with self._desk.work.item():
            try:
                reply["result"] = METHODS[method](self._desk.session, params, cancel, emit)
            except WireError as error:
                outcome = "invalid parameters"
                reply["error"] = {"code": INVALID_PARAMS, "message": str(error)}
            except BaseException as error:  # whatever the engine raises, the host lives on
                outcome = error.code if isinstance(error, CopilotError) else places(error)
                reply["error"] = {"code": FAILURE, "message": method, "data": encode_error(error)}
            outcome = "cancelled" if cancel.is_set() and outcome == "done" else outcome
            self._desk.log.info("%s: %s after %.0f ms", method, outcome, 1000 * (time.monotonic() - began))
            self._forget(number)
            with suppress(ClosedError):
                self.channel.send({"jsonrpc": "2.0"} | reply)

    def _forget(self, number: int) -> None:
        with self._lock:
            self._running.pop(number, None)

    def _reply(self, number: object, result: object) -> None:
        self.channel.send({"jsonrpc": "2.0", "id": number, "result": result})

    def _reply_error(self, number: object, code: int, message: str, about: Message | None = None) -> None:
        error: dict[str, Any] = {"code": code, "message": message}
        self.channel.send({"jsonrpc": "2.0", "id": number, "error": error | ({"data": about} if about else {})})
