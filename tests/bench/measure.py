"""What a command costs: CPU time and memory of the process it starts and of everything below that. Linux only.

Knows nothing of what the commands do.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

SAMPLED_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run took."""

    cpu_s: float
    """User and system time, with that of all descendants that were waited for."""
    peak_bytes: int
    """The most memory any single process had (ru_maxrss), or all of them together (sampled PSS) if that is more."""


class CommandFailedError(Exception):
    """A measured command did not succeed; the message is one line with the end of what it said."""


def measure(command: Sequence[str], cwd: Path, environment: Mapping[str, str]) -> Cost:
    """Run a command to its end, its output thrown away. CommandFailedError unless it exits with 0.

    Processes that live on without a parent are not counted. ru_maxrss of a child is never less than what this process
    had when it started the child, so whoever measures small commands had better be small.
    """
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(
            command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said
        )
        together = 0
        while True:
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            if pid:
                break
            together = max(together, _resident(child.pid))
            time.sleep(SAMPLED_EVERY_S)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            said.seek(0)
            last = said.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
            raise CommandFailedError(f"{' '.join(command)} exited with {child.returncode}: {last}")
    return Cost(usage.ru_utime + usage.ru_stime, max(usage.ru_maxrss * 1024, together))


def _resident(pid: int) -> int:
    """Bytes of a process and its descendants, with shared pages counted once."""
    total = 0
    try:
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            total += process.memory_full_info().pss
    except (psutil.NoSuchProcess, psutil.AccessDenied):  # one just ended: the next sample sees the others
        return 0
    return total


@cache
def offline() -> tuple[str, ...]:
    """What to put before a command so that it has no network; empty where users may not make network namespaces."""
    alone = ("unshare", "--map-root-user", "--net", "--")
    try:
        allowed = subprocess.run((*alone, "true"), stderr=subprocess.DEVNULL, check=False).returncode == 0
    except FileNotFoundError:
        allowed = False
    return alone if allowed else ()
