"""The folder of installed models: one GGUF file per model and a digest record beside it.

Does not know which models are published nor where files come from.
"""

import contextlib
import errno
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from copilot.errors import BudgetError, ModelFileError, ModelMissingError, UsageError
from copilot.files import Identity
from copilot.lock import exclusive
from copilot.models.digests import Record, read_record, write_record

_SUFFIX = ".gguf"
_MAGIC = b"GGUF"
_LONGEST_NAME = 128
_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._+-]{{0,{_LONGEST_NAME - 1}}}")
PART_FOLDER = "wheels-"
"""How the folders in `.staging` begin in which a pull unpacks one part; the name, a dash and a random end follow."""
_SPARE_BYTES = 64 << 20
"""Room that must stay free beside a new model, for the journal, the record and everybody else."""


def free_bytes(folder: Path) -> int:
    """Bytes that can still be written in a folder."""
    return shutil.disk_usage(folder).free


@dataclass(frozen=True, slots=True)
class Store:
    """Installed models in `folder`; unfinished work lies in `folder/.staging` and may always be deleted."""

    folder: Path
    free_bytes: Callable[[Path], int] = free_bytes

    @property
    def staging(self) -> Path:
        """Where unfinished files grow; on the same file system, so that installing is one rename."""
        return self.folder / ".staging"

    def path(self, name: str) -> Path:
        """Where the model of that name lies or would lie; UsageError if it is no possible name."""
        if not _NAME.fullmatch(name):
            raise UsageError(f"`{name}` is not a model name; use letters, digits, dot, dash, plus and underscore")
        return self.folder / f"{name}{_SUFFIX}"

    def names(self) -> tuple[str, ...]:
        """Names of all installed models, sorted."""
        if not self.folder.is_dir():
            return ()
        files = (path for path in self.folder.iterdir() if path.suffix == _SUFFIX and path.is_file())
        return tuple(sorted(path.stem for path in files if _NAME.fullmatch(path.stem)))

    def require(self, name: str) -> Path:
        """Path of an installed model; ModelMissingError otherwise."""
        path = self.path(name)
        if not path.is_file():
            raise ModelMissingError(f"{name} is not installed; run `copilot models list` to see what is")
        return path

    def record(self, name: str) -> Record | None:
        """What was recorded for a model, whether or not the file has changed since."""
        return read_record(self._record_path(name))

    def current_digest(self, name: str) -> str | None:
        """The recorded digest, if the file is still the one it was taken from."""
        record = self.record(name)
        path = self.path(name)
        if record is None or not path.is_file() or record.identity != Identity.of(path):
            return None
        return record.sha256

    def remember(self, name: str, sha256: str) -> None:
        """Record the digest of a model's file as it is now; a folder that takes no record only costs the hashing."""
        record = Record(Identity.of(self.path(name)), sha256)
        with contextlib.suppress(OSError):  # no right to write, a read-only mount, a full disk
            write_record(self._record_path(name), record)

    def install(self, name: str, finished: Path, sha256: str) -> Path:
        """Move a finished, checked file into place and record its digest."""
        path = self.path(name)
        require_gguf(finished)
        if not finished.is_symlink():
            sync(finished)
        finished.replace(path)
        sync(self.folder)
        self.remember(name, sha256)
        return path

    def partial(self, name: str) -> Path:
        """Where the unfinished file of a model grows."""
        return self.staging / (self.path(name).name.removesuffix(_SUFFIX) + ".partial")

    def remove(self, name: str) -> int:
        """Delete a model, its record and what an interrupted pull left; returns the bytes that became free.

        ModelMissingError if there is nothing of it, UsageError while another process fetches it.
        """
        if not self._left_of(name):
            self.require(name)
        with self.lock(name):
            left = self._left_of(name)
            size = sum(_bytes_in(path) for path in left)
            for path in left:
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()
            partial = self.partial(name)
            for note in (self._record_path(name), partial.with_name(partial.name + ".json")):
                note.unlink(missing_ok=True)
        return size

    def _left_of(self, name: str) -> list[Path]:
        """What there is of a model, finished or not, without the notes beside it."""
        files = (path for path in (self.path(name), self.partial(name)) if path.is_symlink() or path.is_file())
        return [*files, *part_folders(self.staging, name)]

    def require_space(self, needed_bytes: int) -> None:
        """Raise BudgetError unless that much can be written here; makes the staging folder."""
        self.staging.mkdir(parents=True, exist_ok=True)
        free = self.free_bytes(self.folder)
        if free < needed_bytes + _SPARE_BYTES:
            raise BudgetError(
                f"{gigabytes(needed_bytes + _SPARE_BYTES)} are needed in {self.folder} and {gigabytes(free)} are free; "
                "free some space or point `models_dir` at another disk"
            )

    @contextlib.contextmanager
    def lock(self, name: str, wait: bool = False) -> Iterator[None]:
        """Keep other processes from fetching the same model; UsageError if one does and `wait` is false."""
        self.path(name)
        self.staging.mkdir(parents=True, exist_ok=True)
        with exclusive(self.staging / f"{name}.lock", wait) as held:
            if not held:
                raise UsageError(f"another process is fetching {name}; wait until it is done")
            yield

    def _record_path(self, name: str) -> Path:
        path = self.path(name)
        return path.with_name(path.name + ".json")


def name_from(text: str) -> str:
    """A name for a model out of what its file or another program calls it; empty if nothing of that can be in one."""
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", text).lstrip("-._+")[:_LONGEST_NAME].rstrip("-.")


def part_folders(staging: Path, name: str) -> list[Path]:
    """The folders in which parts of a model are being unpacked, or were by a pull that was killed; sorted."""
    folders = (path for path in staging.glob(f"{PART_FOLDER}*-*") if path.is_dir())
    return sorted(path for path in folders if path.name.rpartition("-")[0] == f"{PART_FOLDER}{name}")


def _bytes_in(path: Path) -> int:
    """Bytes of a file or link itself, or of all files in a folder."""
    if path.is_symlink() or not path.is_dir():
        return path.lstat().st_size
    return sum(each.lstat().st_size for each in path.rglob("*") if not each.is_dir())


def require_gguf(path: Path) -> None:
    """Raise ModelFileError unless the file begins like a GGUF."""
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise ModelFileError(f"{path} is not a GGUF file; give the path of a model in GGUF format")


def sync(path: Path) -> None:
    """Flush a file, or a folder's names where the system can, to the disk."""
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def gigabytes(count: int) -> str:
    """Bytes in words, decimal units, as disks are sold."""
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"


@contextlib.contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn what the operating system says about a folder into errors with a next step."""
    try:
        yield
    except OSError as exc:
        reason = exc.strerror or str(exc)
        if exc.errno in (errno.ENOSPC, errno.EDQUOT):
            raise BudgetError(f"the disk of {folder} is full; free some space and run the command again") from exc
        raise UsageError(f"{exc.filename or folder}: {reason}; check the path and its permissions") from exc
