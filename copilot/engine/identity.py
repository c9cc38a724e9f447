"""What tells one version of a file from another without reading it: the key of everything cached about it."""

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """Size in bytes, modification time and inode of a file."""

    size: int
    mtime_ns: int
    inode: int

    @classmethod
    def from_stat(cls, stat: os.stat_result) -> "Identity":
        return cls(stat.st_size, stat.st_mtime_ns, stat.st_ino)
