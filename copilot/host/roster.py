"""All hosts of this user: which run, how they are, and stopping them."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from copilot.errors import HostError
from copilot.host.address import Address, Transport, default_transport, own_folder
from copilot.host.end import end
from copilot.host.link import Link, UnansweredError, meet
from copilot.host.peer import own_uid
from copilot.host.reach import dismiss
from copilot.host.rpc import ClosedError
from copilot.host.status import HostStatus
from copilot.host.wire import WireError, decode

ANSWER_S = 5.0
STOP_S = 10.0


@dataclass(frozen=True, slots=True)
class Found:
    """A host that runs."""

    address: Address
    pid: int
    """0 if it hangs and the system does not tell it."""
    status: HostStatus | None
    """None if it does not tell: it hangs, or it is of another version."""
    version: str | None = None
    """What it says it is; None if it hangs."""

    @property
    def title(self) -> str:
        """What to call it to a person."""
        return f"process {self.pid}" if self.pid else "a process whose number the system does not tell"


def find(folder: Path) -> list[Found]:
    """Every host that listens in the folder, by key. HostError if the folder is not the user's."""
    found = []
    for address in _addresses(folder):
        try:
            link = meet(address, ANSWER_S)
            try:
                found.append(Found(address, link.hello.pid, _status(link), link.hello.version))
            finally:
                link.close()
        except UnansweredError as unanswered:
            found.append(Found(address, unanswered.pid or 0, None))
        except (OSError, ClosedError):
            continue  # what a host left behind that was killed
    return found


def stop(found: Found) -> bool:
    """Have the host end at once, its memory free; False if it does not."""
    try:
        link = meet(found.address, ANSWER_S)
    except UnansweredError as unanswered:
        return unanswered.pid is not None and end(unanswered.pid, unanswered.met_at)
    except (OSError, ClosedError):
        return True
    return dismiss(link, now=True, within_s=STOP_S)


def stop_all(found: Iterable[Found]) -> None:
    """Have them end at once; HostError names one that does not."""
    stuck = [each for each in found if not stop(each)]
    if stuck:
        raise HostError(f"{stuck[0].title} does not end; end it with the system's own means")


def _addresses(folder: Path) -> list[Address]:
    if not folder.is_symlink() and not folder.exists():
        return []
    own_folder(folder, own_uid())
    transport: Transport = default_transport()
    suffix = Address(folder, "", transport).meeting.name
    return [Address(folder, path.name.removesuffix(suffix), transport) for path in sorted(folder.glob(f"*{suffix}"))]


def _status(link: Link) -> HostStatus | None:
    """What it tells of itself, None where it cannot be understood; UnansweredError if it says nothing."""
    try:
        call = link.call("status", {})
        return next((decode(HostStatus, message.get("result")) for message in call.messages()), None)
    except UnansweredError:
        raise
    except (ClosedError, WireError):
        return None
