"""The life of a host process: be alone, build the session, listen, say so, serve, leave.

Started by a client (`start.py`), which passes everything on stdin and reads one line from stdout. Does not know how a
session is built.
"""

import faulthandler
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from typing import Any

from copilot import __version__
from copilot.engine.base import Session
from copilot.errors import HostError
from copilot.host.address import Address, connect, listen
from copilot.host.log import open_log, places
from copilot.host.orders import Orders
from copilot.host.peer import own_uid
from copilot.host.server import Host, Terms
from copilot.host.wire import encode_error
from copilot.lock import exclusive

PREDECESSOR_S = 75.0
"""How long a host waits for the one before it to be gone."""

Build = Callable[[Mapping[str, Any]], Session]
"""Makes the session from what the client sent; raises CopilotError where it cannot."""


def run(build: Build, version: str = __version__) -> None:
    """Serve until there is nothing more to do; ends the process."""
    orders = Orders.from_json(sys.stdin.buffer.read())
    faulthandler.enable()
    log = open_log(orders.log)
    with ExitStack() as stack:
        try:
            if not _alone(orders.address, stack):
                _tell({"taken": True})
                return
            session = build(orders.session)
            listener = listen(orders.address)
        except BaseException as error:
            log.error("could not start: %s", places(error))
            _tell({"error": encode_error(_told(error))})
            return
        terms = Terms(orders.model, version, own_uid(), orders.idle_s, orders.stall_s)
        host = Host(session, listener, terms, log)
        signal.signal(signal.SIGTERM, lambda *_: host.leave(now=True))
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _tell({"ready": os.getpid()})
        try:
            host.serve()
        except BaseException as error:
            log.error("failed: %s", places(error))
            raise
        logging.shutdown()
        os._exit(0)  # a thread may still be inside the engine; the lock goes with the process


def _tell(line: Mapping[str, Any]) -> None:
    """Answer the client that started this process, and let go of its pipe."""
    with suppress(OSError):  # it did not wait
        os.write(1, json.dumps(line).encode() + b"\n")
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.close(nothing)


def _told(error: BaseException) -> BaseException:
    if isinstance(error, OSError):
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror)
        return HostError(f"the engine's process cannot start ({what}); mend that, or set COPILOT_HOST=off")
    return error


def _alone(address: Address, stack: ExitStack) -> bool:
    """Hold the lock until the process ends; False if another host serves this address."""
    deadline = time.monotonic() + PREDECESSOR_S
    while time.monotonic() < deadline:
        with ExitStack() as attempt:
            if attempt.enter_context(exclusive(address.lock, wait=False)):
                stack.push(attempt.pop_all())
                return True
        if _answers(address):
            return False
        time.sleep(0.05)
    raise HostError(f"an old process of the engine does not leave and holds {address.lock}; end it, then try again")


def _answers(address: Address) -> bool:
    try:
        connect(address, own_uid()).sock.close()
    except OSError:
        return False
    return True
