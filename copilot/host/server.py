"""The host: one session, served to every client of this user until it has been idle long enough or is told to leave."""

import logging
import os
import select
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock, Thread, Timer
from typing import Any

import psutil

from copilot.engine.base import Session
from copilot.host.address import Listener
from copilot.host.connection import Connection
from copilot.host.peer import peer_of
from copilot.host.pulse import Pulse
from copilot.host.rpc import Channel
from copilot.host.status import PROTOCOL, HeldPrefix, HostStatus
from copilot.host.work import Work

MAX_CONNECTIONS = 128
LEAVE_S = 5.0
"""How long leaving may take; then the process ends as it is. Everything worth keeping is on disk."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a host is and how long it stays; seconds, 0 = without limit."""

    model: str
    version: str
    uid: int
    """The only user it serves."""
    idle_s: float
    stall_s: float


class Host:
    def __init__(self, session: Session, listener: Listener, terms: Terms, log: logging.Logger) -> None:
        self.session = session
        self.work = Work()
        self.log = log
        self.leaving = False
        self._now = False
        self._listener = listener
        self._terms = terms
        self._self = psutil.Process()
        self._lock = Lock()
        self._connections: set[Connection] = set()
        self._ear, self._bell = socket.socketpair()

    @property
    def token(self) -> str:
        return self._listener.token

    def introduction(self) -> dict[str, Any]:
        """What `hello` is answered with."""
        return {
            "protocol": PROTOCOL,
            "version": self._terms.version,
            "pid": os.getpid(),
            "n_ctx": self.session.n_ctx,
        }

    def status(self) -> HostStatus:
        status = self.session.status()
        ages = status.last_used_s or (None,) * len(status.held)
        return HostStatus(
            pid=os.getpid(),
            version=self._terms.version,
            uptime_s=round(time.time() - self._self.create_time(), 1),
            model=self._terms.model,
            memory_bytes=self._self.memory_info().rss,
            prefixes=tuple(HeldPrefix(tokens, age) for tokens, age in zip(status.held, ages, strict=True)),
            running=status.running,
            queued=status.queued,
            tokens_per_s=status.tokens_per_s,
            steps=status.steps,
        )

    def leave(self, *, now: bool) -> None:
        """Take no more requests and go: after those that run, or `now`. From any thread and from signal handlers."""
        self.leaving = True
        self._now = self._now or now
        with suppress(OSError):
            self._bell.send(b"!")

    def serve(self) -> None:
        """Returns when nobody is served any more, and the session is closed."""
        self.log.info("serves %s", self._terms.model)
        Thread(target=Pulse(self.session, self.work, self._beat, self._stalled).run, name="pulse", daemon=True).start()
        self._accept()
        self._listener.close()
        while not self._now and self.work.running:
            self.work.wait_for_none(0.2)
        self._end()

    def _accept(self) -> None:
        while not self.leaving:
            ready, _, _ = select.select([self._listener.sock, self._ear], [], [], self._patience_s())
            if self._listener.sock in ready:
                self._welcome()
            elif not ready and self._terms.idle_s and self.work.idle_s >= self._terms.idle_s:
                self.log.info("leaves, idle for %.0f s", self._terms.idle_s)
                self.leaving = True

    def _patience_s(self) -> float | None:
        """How long to wait for a connection before looking whether the host is idle."""
        return max(0.0, self._terms.idle_s - self.work.idle_s) if self._terms.idle_s else None

    def _welcome(self) -> None:
        try:
            sock, _ = self._listener.sock.accept()
        except OSError:  # gone again, or no descriptor left
            time.sleep(0.01)
            return
        try:
            peer = peer_of(sock)
        except OSError:
            sock.close()
            return
        stranger = peer is not None and peer.uid != self._terms.uid
        if stranger or len(self._connections) >= MAX_CONNECTIONS:
            self.log.info("hung up on a %s", "stranger" if stranger else "connection too many")
            sock.close()
            return
        connection = Connection(Channel(sock), self)
        with self._lock:
            self._connections.add(connection)
        try:
            Thread(target=self._serve, args=(connection,), name="connection", daemon=True).start()
        except RuntimeError:  # no more threads
            self._forget(connection)
            connection.channel.close()

    def _serve(self, connection: Connection) -> None:
        try:
            connection.serve()
        finally:
            self._forget(connection)

    def _forget(self, connection: Connection) -> None:
        with self._lock:
            self._connections.discard(connection)

    def _beat(self) -> None:
        """Tell everyone who waits that the host lives; whoever does not take it is left out."""
        with self._lock:
            waiting = [connection for connection in self._connections if connection.busy]
        for connection in waiting:
            connection.channel.try_send({"method": "alive"})

    def _stalled(self, stalled_s: float) -> None:
        """End the process if requests have got nowhere for longer than they may."""
        if self._terms.stall_s and stalled_s >= self._terms.stall_s:
            self.log.error("ends itself: no step of a request in %.0f s", stalled_s)
            os._exit(70)

    def _end(self) -> None:
        # Clients are hung up on before requests are cancelled: they shall go on elsewhere, not see a cancellation.
        overtime = Timer(LEAVE_S, os._exit, (0,))
        overtime.daemon = True
        overtime.start()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            connection.channel.hang_up()
        self.work.wait_for_none(LEAVE_S)
        self.session.close()
        overtime.cancel()
        self._ear.close()
        self._bell.close()
        self.log.info("left")
