"""What a host says of itself: at the handshake, and when asked how it is."""

from dataclasses import dataclass

PROTOCOL = 3
"""Raised whenever an older client or host would misunderstand a message."""
LEAVING = "leaving"
"""The code of an error that sends a client to the next host."""


@dataclass(frozen=True, slots=True)
class HeldPrefix:
    """A sequence of the KV cache that holds tokens."""

    tokens: int
    last_used_s: float | None
    """Seconds ago; None where the session does not tell."""


@dataclass(frozen=True, slots=True)
class HostStatus:
    pid: int
    version: str
    uptime_s: float
    model: str
    memory_bytes: int
    """Resident, weights that are mapped from the file included."""
    prefixes: tuple[HeldPrefix, ...]
    running: int
    queued: int
    tokens_per_s: float | None
    """Speed of reading; None before anything was read."""
    steps: int
    """Calls of the engine since the host began."""


def release(version: str) -> tuple[int, ...]:
    """The numbers at the beginning of a version, to tell older from newer."""
    numbers = []
    for part in version.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits[:9]))
    return tuple(numbers)
