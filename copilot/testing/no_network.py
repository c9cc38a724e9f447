"""A process without a network: an audit hook that refuses and counts what would leave the machine, and a namespace.

The hook sees what Python code does; the namespace holds for C code and child processes, too, but only Linux has it.
"""

import ctypes
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
LOOPBACK = ("127.", "::1", "localhost", "0:0:0:0:0:0:0:1")
_ADDRESSED = frozenset({"socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"})
_NAMED = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"})
_URLS = frozenset({"urllib.Request", "ftplib.connect", "smtplib.connect", "http.client.connect"})

Refuse = Callable[[str], None]
"""Told what was tried; raises to keep it from happening."""


def guard(event: str, arguments: tuple[object, ...], refuse: Refuse) -> None:
    """What an audit hook does with one event: `refuse` is called for whatever concerns another machine."""
    if event in _ADDRESSED:
        connection, address = arguments[0], arguments[1]
        family = getattr(connection, "family", None)
        if family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple) and not is_local(address[0]):
            refuse(f"{event} {address[0]}")
        return
    if event in _NAMED:
        if not is_local(arguments[0]):
            refuse(f"{event} {arguments[0]!s}")
        return
    if event in _URLS and not is_local(_host_of(event, arguments)):
        refuse(f"{event} {_host_of(event, arguments)!s}")


def is_local(host: object) -> bool:
    """Whether a host, as the socket functions take it, is this machine."""
    if host is None or host == "" or host == b"":
        return host is None  # "" is every address of the machine
    text = host.decode("latin-1") if isinstance(host, bytes) else str(host)
    return text.lower().startswith(LOOPBACK)


def _host_of(event: str, arguments: tuple[object, ...]) -> object:
    if event != "urllib.Request":
        return arguments[1]
    from urllib.parse import urlsplit

    parts = urlsplit(str(arguments[0]))
    return parts.hostname if parts.scheme not in ("file", "data") else None


def leave_network() -> bool:
    """Move this process and its future children into a network namespace of their own; False where one may not.

    Not even the loopback is up there; sockets by path go on working. Call it before threads are started.
    """
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        uid, gid = os.getuid(), os.getgid()
        if libc.unshare(CLONE_NEWNET) == 0:
            return True
        if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
            return False
    except (OSError, AttributeError, TypeError):  # not Linux
        return False
    # Without a mapping the files of the user would belong to nobody in here.
    with suppress(OSError):
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    return True
