"""Reaching the host of an address, whatever state it is in: started if absent, replaced if old, killed if hung."""

import time

from copilot import __version__
from copilot.errors import HostError
from copilot.host.address import own_folder
from copilot.host.end import end, gone, met
from copilot.host.link import SILENCE_S, Link, UnansweredError, meet
from copilot.host.peer import own_uid
from copilot.host.rpc import ClosedError
from copilot.host.start import START_S, Launch, start
from copilot.host.status import PROTOCOL, release
from copilot.lock import exclusive

FINISH_S = 60.0
"""How long an older host may take to finish what it was asked."""


def reach(launch: Launch, silence_s: float = SILENCE_S) -> Link:
    """A connection to a host of this version. CopilotError where none can be had."""
    address = launch.orders.address
    own_folder(address.folder, own_uid())
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        link = _met(launch, silence_s)
        if link is not None:
            return link
        with exclusive(address.starting, wait=False) as mine:
            # Whoever held the lock before may have started one since.
            link = _met(launch, silence_s) if mine else None
            if link is not None:
                return link
            if mine:
                start(launch)
        if not mine:
            time.sleep(0.05)
    raise HostError(f"the engine's process cannot be reached; see {launch.orders.log}, or set COPILOT_HOST=off")


def _met(launch: Launch, silence_s: float) -> Link | None:
    """A connection if a host of this version answers; one that is in the way is gone afterwards."""
    try:
        link = meet(launch.orders.address, silence_s)
    except UnansweredError as unanswered:
        if unanswered.pid is not None:
            end(unanswered.pid, unanswered.met_at)
        return None
    except (OSError, ClosedError):
        return None
    hello = link.hello
    if (hello.protocol, hello.version) == (PROTOCOL, __version__):
        return link
    if (hello.protocol, release(hello.version)) > (PROTOCOL, release(__version__)):
        link.close()
        raise HostError(
            f"a newer copilot ({hello.version}) runs the engine; update this one ({__version__}), "
            "or run `copilot host stop`"
        )
    dismiss(link, now=False, within_s=FINISH_S)
    return None


def dismiss(link: Link, *, now: bool, within_s: float) -> bool:
    """Ask a host to leave, wait until its process has ended, and see to it that it does; False if it does not."""
    pid, met_at = link.hello.pid, link.hello.met_at
    process = met(pid, met_at)
    answers = True
    try:
        for _ in link.call("leave", {"now": now}).messages():
            pass
    except UnansweredError:
        answers = False
    except ClosedError:
        pass  # it leaves already
    left = process is None or (answers and gone(process, within_s))
    link.close()
    return left or end(pid, met_at, politely=answers)
