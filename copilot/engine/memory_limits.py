"""Limits on the memory of this process beside the machine's own size: control groups and `ulimit -v`, in bytes.

Knows no models and plans nothing.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_CGROUPS = Path("/sys/fs/cgroup")
_SELF = Path("/proc/self/cgroup")


@dataclass(frozen=True, slots=True)
class _Accounts:
    """Where a version of control groups keeps its figures."""

    mount: Path
    limit: str
    used: str
    reclaimable: tuple[str, ...]
    """Lines of memory.stat: the page cache, which gives way to programs as the system's own does."""


_V1 = _Accounts(
    _CGROUPS / "memory",
    "memory.limit_in_bytes",
    "memory.usage_in_bytes",
    ("total_inactive_file", "total_active_file"),
)
_V2 = tuple(
    _Accounts(mount, "memory.max", "memory.current", ("inactive_file", "active_file"))
    for mount in (_CGROUPS, _CGROUPS / "unified")
)


def cgroup_limits() -> Iterator[tuple[int, int]]:
    """(limit, used) of the groups this process is in, and of all above them, where one is set."""
    for accounts, group in _memberships():
        for folder in (group, *group.parents):
            place = accounts.mount / folder.relative_to("/")
            try:
                limit, used = (int((place / name).read_text()) for name in (accounts.limit, accounts.used))
                yield limit, max(0, used - _reclaimable(place / "memory.stat", accounts.reclaimable))
            except (OSError, ValueError):
                continue  # a container sees its own group as the root; or no limit is set ("max")


def _memberships() -> Iterator[tuple[_Accounts, PurePosixPath]]:
    try:
        lines = _SELF.read_text().splitlines()
    except OSError:
        return  # not Linux
    for line in lines:
        _, controllers, path = line.split(":", 2)
        group = PurePosixPath("/" if ".." in PurePosixPath(path).parts else path)
        if "memory" in controllers.split(","):
            yield _V1, group
        elif not controllers:
            yield from ((accounts, group) for accounts in _V2)


def _reclaimable(stat: Path, names: tuple[str, ...]) -> int:
    values = dict(line.split() for line in stat.read_text().splitlines())
    return sum(int(values.get(name, 0)) for name in names)


def address_space_limits() -> Iterator[int]:
    """The limit on addresses (`ulimit -v`), where there is one."""
    with suppress(ImportError):  # Windows
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        if soft != resource.RLIM_INFINITY:
            yield soft
