"""Bring a GGUF file the user already has into the models folder, by copy or by link.

Does not know what is inside the file beyond its first bytes and its digest.
"""

import contextlib
import errno
import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from copilot.errors import ModelFileError, ModelMissingError, UsageError
from copilot.events import Progress, Report, ignore
from copilot.models.catalogue import Catalogue
from copilot.models.digests import sha256_of
from copilot.models.installed import InstalledModel, check, glance
from copilot.models.store import Store, disk_errors, name_from, require_gguf

Mode = Literal["copy", "hardlink", "symlink"]
_CHUNK_BYTES = 4 << 20
_PREFIX = "import-"
_SHARD = re.compile(r"-\d{5}-of-\d{5}$")


Join = Callable[[Sequence[Path], Path, Report], None]


def _anything(file: Path) -> None:
    """Take any file."""


@dataclass(frozen=True, slots=True)
class Placement:
    """How a file is to be installed."""

    name: str | None = None
    """Used unless the catalogue knows the file; None = the file's stem."""
    mode: Mode = "copy"
    sha256: str | None = None
    """The digest it must have, where somebody knows it."""
    inspect: Callable[[Path], None] = _anything
    """Raises ModelFileError for a file that is no usable model; asked before anything is copied."""
    parts: tuple[Path, ...] = ()
    """All files of a model that comes in several, in order."""
    join: Join | None = None
    """Makes one file of them."""


def import_file(
    file: Path, store: Store, catalogue: Catalogue, placement: Placement | None = None, report: Report = ignore
) -> InstalledModel:
    """Install a file under the name its digest has in the catalogue, else under the one asked for.

    ModelMissingError if there is no such file, ModelFileError if it cannot be used, UsageError if the name is
    impossible or taken by another file, BudgetError without disk space.
    """
    if not file.is_file():
        raise ModelMissingError(f"there is no file at {file}; give the path of a GGUF file")
    wanted = placement or Placement()
    if wanted.name is not None:
        store.path(wanted.name)
    if _SHARD.search(file.stem) and wanted.join is None:
        raise ModelFileError(f"{file.name} is one shard of a model; merge them with `llama-gguf-split --merge` first")
    with disk_errors(store.folder), store.lock("import", wait=True), _staged(store) as staged:
        for part in wanted.parts or (file,):
            require_gguf(part)
            wanted.inspect(part)
        sha256 = _bring(file.resolve(), staged, wanted, store, report)
        if wanted.sha256 not in (None, sha256):
            raise ModelFileError(
                f"{file} does not have the digest that it is kept under; fetch it again where it is from"
            )
        target = _name_for(file, sha256, wanted.name, catalogue)
        if target in store.names():
            present = check(target, store, catalogue, report)
            if present.sha256 == sha256 and present.usable:
                return present
            if present.usable:
                raise UsageError(f"{target} is installed with other bytes; give another name with `--name`")
        store.install(target, staged, sha256)
    return glance(target, store, catalogue)


@contextlib.contextmanager
def _staged(store: Store) -> Iterator[Path]:
    """A free path to build the file at, gone afterwards unless it was moved; leftovers of killed imports go too."""
    for leftover in store.staging.glob(f"{_PREFIX}*"):
        leftover.unlink()
    handle, path = tempfile.mkstemp(prefix=_PREFIX, dir=store.staging)
    os.close(handle)
    staged = Path(path)
    staged.unlink()
    try:
        yield staged
    finally:
        staged.unlink(missing_ok=True)


def _bring(source: Path, staged: Path, wanted: Placement, store: Store, report: Report) -> str:
    """Make `staged` the file, by the mode asked for; returns its SHA-256."""
    mode = wanted.mode
    if wanted.join is not None:
        if mode != "copy":
            raise UsageError(
                f"{source.name} is a model in several files, which cannot be linked; import it without `--link`"
            )
        store.require_space(sum(part.stat().st_size for part in wanted.parts))
        wanted.join(wanted.parts, staged, report)
        return sha256_of(staged, report)
    if mode == "copy":
        store.require_space(source.stat().st_size)
        return _copy(source, staged, report)
    try:
        if mode == "hardlink":
            staged.hardlink_to(source)
        else:
            staged.symlink_to(source)
    except OSError as exc:
        if exc.errno not in (errno.EXDEV, errno.EPERM, errno.ENOTSUP):
            raise
        raise UsageError(f"{source} cannot be linked into {store.folder}; import it without `--link`") from exc
    return sha256_of(staged, report)


def _copy(source: Path, target: Path, report: Report) -> str:
    digest = hashlib.sha256()
    total = source.stat().st_size
    with source.open("rb") as reader, target.open("xb") as writer:
        while block := reader.read(_CHUNK_BYTES):
            digest.update(block)
            writer.write(block)
            report(Progress("fetch", writer.tell(), total, "bytes"))
    return digest.hexdigest()


def _name_for(file: Path, sha256: str, name: str | None, catalogue: Catalogue) -> str:
    newer = catalogue.superseded_by(sha256)
    if newer is not None:
        raise ModelFileError(
            f"{file.name} is an old release that llama.cpp cannot load; run `copilot models pull {newer.name}`"
        )
    known = catalogue.by_digest(sha256)
    if known is not None:
        return known.name
    chosen = name if name is not None else name_from(file.stem)
    published = catalogue.find(chosen)
    if published is not None and published.sha256 is not None:
        raise ModelFileError(f"{file} is not the published {chosen}; give it another name with `--name`")
    return chosen
