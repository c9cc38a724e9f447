"""Ending a host that no longer answers: by its process id, and only if that is still the process that was met."""

import time

import psutil

from copilot.host.peer import own_uid

_CLOCK_SLACK_S = 2.0
_TERM_S = 6.0
_KILL_S = 6.0


def met(pid: int, met_at: float) -> psutil.Process | None:
    """The process, if it is ours and ran at `met_at` (seconds since the epoch); None if it is gone."""
    try:
        process = psutil.Process(pid)
        younger = process.create_time() > met_at + _CLOCK_SLACK_S  # the number was given out again
        ours = not hasattr(process, "uids") or process.uids().real == own_uid()
    except (psutil.Error, ValueError):
        return None
    return process if ours and not younger else None


def end(pid: int, met_at: float, *, politely: bool = False) -> bool:
    """Kill the host that was met as `pid`; False if it is still there. `politely` asks it with SIGTERM before."""
    process = met(pid, met_at)
    if process is None:
        return True
    try:
        if politely:
            process.terminate()
            if gone(process, _TERM_S):
                return True
        process.kill()
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False
    return gone(process, _KILL_S)


def gone(process: psutil.Process, within_s: float) -> bool:
    """Whether the process has ended in time; one that only waits to be reaped has."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
