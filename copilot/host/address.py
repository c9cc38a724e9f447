"""Where a host is met: a socket in a folder of the user's own, or loopback and a token where there are no such sockets.

Knows no messages. The folder is 0700 and must belong to the user, the socket is 0600, and both ends look who the other
is. On loopback each end proves that it has read the token, which only the user can.
"""

import hashlib
import hmac
import json
import os
import secrets
import socket
import stat
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from copilot.errors import HostError
from copilot.files import replace_file
from copilot.host.peer import own_uid, peer_of

Transport = Literal["unix", "tcp"]

NAME = "copilot-offline"
_LONGEST_SOCKET_PATH = 100
"""Bytes; systems allow 104 to 108."""
_BACKLOG = 64
_CONNECT_S = 5.0


def default_transport() -> Transport:
    return "unix" if hasattr(socket, "AF_UNIX") and sys.platform != "win32" else "tcp"


@dataclass(frozen=True, slots=True)
class Address:
    """The files of one host; `key` says which user, model and parameters it serves."""

    folder: Path
    key: str
    transport: Transport = "unix"

    @property
    def meeting(self) -> Path:
        """The socket, or the file that names port and token."""
        return self.folder / f"{self.key}{'.sock' if self.transport == 'unix' else '.port'}"

    @property
    def lock(self) -> Path:
        """Held by the host as long as it lives."""
        return self.folder / f"{self.key}.lock"

    @property
    def starting(self) -> Path:
        """Held by the client that starts it."""
        return self.folder / f"{self.key}.starting"


@dataclass(frozen=True, slots=True)
class Listener:
    sock: socket.socket
    address: Address
    token: str
    """Empty where the system itself vouches for peers."""

    def close(self) -> None:
        """Nobody can connect any more; to be called while the host's lock is held."""
        with suppress(OSError):
            self.address.meeting.unlink()
        self.sock.close()


@dataclass(frozen=True, slots=True)
class Reached:
    """A connection to whoever listens at an address."""

    sock: socket.socket
    token: str
    pid: int | None
    """The process that listens, by the system where it tells."""


def key_of(*parts: object) -> str:
    """A short name for all that makes two hosts interchangeable."""
    return hashlib.blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def runtime_folder(environment: Mapping[str, str]) -> Path:
    """The folder for sockets: the session's runtime folder, else one in the temporary folder. Not yet made."""
    named = environment.get("XDG_RUNTIME_DIR", "")
    if named and Path(named).is_absolute() and Path(named).is_dir():
        folder = Path(named) / NAME
        if len(os.fsencode(folder)) + 24 <= _LONGEST_SOCKET_PATH:
            return folder
    folder = Path(tempfile.gettempdir())
    if default_transport() == "unix" and len(os.fsencode(folder)) + 48 > _LONGEST_SOCKET_PATH:
        folder = Path("/tmp")
    return folder / f"{NAME}-{own_uid()}"


def own_folder(folder: Path, uid: int) -> Path:
    """Make the folder, or check that it is the user's alone; HostError where another's stands in its place."""
    way_out = "remove it, set XDG_RUNTIME_DIR to a folder of your own, or set COPILOT_HOST=off"
    try:
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        found = folder.lstat()
        if sys.platform == "win32":
            return folder
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid:
            raise HostError(f"{folder} is not a folder of yours, so no socket is made in it; {way_out}")
        if stat.S_IMODE(found.st_mode) & 0o077:
            folder.chmod(0o700)
    except OSError as exc:
        raise HostError(f"{folder} cannot be used for sockets ({exc.strerror}); {way_out}") from exc
    return folder


def listen(address: Address) -> Listener:
    """Take the address, over what a dead host left there; to be called while the host's lock is held."""
    if address.transport == "tcp":
        return _listen_tcp(address)
    address.meeting.unlink(missing_ok=True)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        sock.bind(str(address.meeting))
        sock.listen(_BACKLOG)
    except OSError:
        sock.close()
        raise
    finally:
        os.umask(before)
    return Listener(sock, address, "")


def _listen_tcp(address: Address) -> Listener:
    sock = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG, reuse_port=False)
    token = secrets.token_hex(32)
    meeting = {"port": sock.getsockname()[1], "token": token, "pid": os.getpid()}
    replace_file(address.meeting, json.dumps(meeting).encode())
    return Listener(sock, address, token)


def connect(address: Address, uid: int) -> Reached:
    """Connect. OSError where no host listens, HostError where a stranger does."""
    if address.transport == "tcp":
        return _connect_tcp(address)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(_CONNECT_S)
    try:
        sock.connect(str(address.meeting))
        peer = peer_of(sock)
    except OSError:
        sock.close()
        raise
    if peer is None or peer.uid != uid:
        sock.close()
        raise HostError(f"{address.meeting} belongs to another user; remove it, or set COPILOT_HOST=off")
    return Reached(sock, "", peer.pid)


def _connect_tcp(address: Address) -> Reached:
    try:
        meeting = json.loads(address.meeting.read_bytes())
        port, token, pid = int(meeting["port"]), str(meeting["token"]), int(meeting["pid"])
    except (ValueError, KeyError, TypeError) as exc:
        raise ConnectionRefusedError(f"{address.meeting} names no port") from exc
    return Reached(socket.create_connection(("127.0.0.1", port), timeout=_CONNECT_S), token, pid)


def proof(token: str, end: Literal["client", "host"]) -> str:
    """What an end shows instead of the token; the two differ, so that neither can be sent back."""
    return hmac.new(token.encode(), end.encode(), "sha256").hexdigest() if token else ""


def proves(shown: object, token: str, end: Literal["client", "host"]) -> bool:
    return isinstance(shown, str) and hmac.compare_digest(shown.encode("utf-8", "replace"), proof(token, end).encode())
