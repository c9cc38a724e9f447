"""Small files written in one step, and what tells one version of a file from another without reading it."""

import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True)
class Identity:
    """Size in bytes, modification time and inode: the key of everything cached about a file."""

    size: int
    mtime_ns: int
    inode: int

    @classmethod
    def from_stat(cls, stat: os.stat_result) -> Self:
        return cls(stat.st_size, stat.st_mtime_ns, stat.st_ino)

    @classmethod
    def of(cls, path: Path) -> Self:
        """Identity of the file a path leads to, links followed."""
        return cls.from_stat(path.stat())


def private_folder(path: Path) -> Path:
    """Make a folder that only this user can enter, if it is not there; returns it."""
    if not path.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o700)
    return path


def replace_file(path: Path, content: bytes) -> None:
    """Put `content` under `path` so that a reader, or a crash, sees the old content or the new; mode 0600."""
    private_folder(path.parent)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as file:
        written = Path(file.name)
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            written.replace(path)
        except BaseException:
            with suppress(OSError):
                written.unlink()
            raise


def keep_file(path: Path, content: bytes) -> bool:
    """`replace_file` for a cache, which is only slower where the disk does not allow it: False then."""
    try:
        replace_file(path, content)
    except OSError:
        return False
    return True
