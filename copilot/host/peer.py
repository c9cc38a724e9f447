"""Who is at the other end of a local socket, as the system vouches for it.

Knows no protocol and decides nothing.
"""

import ctypes
import os
import socket
import struct
import sys
from dataclasses import dataclass

_DARWIN_SOL_LOCAL, _DARWIN_LOCAL_PEERPID = 0, 2


@dataclass(frozen=True, slots=True)
class Peer:
    uid: int
    pid: int | None
    """None where the system does not tell."""


def peer_of(sock: socket.socket) -> Peer | None:
    """The process that connected, or that listens; None for TCP, where the system tells nothing."""
    if sys.platform == "win32" or sock.family != socket.AF_UNIX:
        return None
    if sys.platform == "linux":
        raw = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        pid, uid, _ = struct.unpack("3i", raw)
        return Peer(uid, pid)
    return _peer_on_bsd(sock)


def own_uid() -> int:
    """The user this process acts for; 0 where there are no numbers for users."""
    return os.getuid() if hasattr(os, "getuid") else 0


def _peer_on_bsd(sock: socket.socket) -> Peer:
    uid, gid = ctypes.c_uint(), ctypes.c_uint()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.getpeereid(sock.fileno(), ctypes.byref(uid), ctypes.byref(gid)):
        raise OSError(ctypes.get_errno(), "getpeereid")
    if sys.platform != "darwin":
        return Peer(uid.value, None)
    raw = sock.getsockopt(_DARWIN_SOL_LOCAL, _DARWIN_LOCAL_PEERPID, struct.calcsize("i"))
    return Peer(uid.value, struct.unpack("i", raw)[0])
