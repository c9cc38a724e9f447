"""Bring a GGUF file the user already has into the models folder, by copy or by link.

Does not know what is inside the file beyond its first bytes and its digest.
"""

import contextlib
import errno
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from copilot.errors import ModelFileError, ModelMissingError, UsageError
from copilot.events import Progress, Report, ignore
from copilot.models.catalogue import Catalogue
from copilot.models.digests import sha256_of
from copilot.models.installed import InstalledModel, check, glance
from copilot.models.store import Store, disk_errors, require_gguf

Mode = Literal["copy", "hardlink", "symlink"]
_CHUNK_BYTES = 4 << 20
_PREFIX = "import-"
_SHARD = re.compile(r"-\d{5}-of-\d{5}$")


@dataclass(frozen=True, slots=True)
class Placement:
    """How a file is to be installed."""

    name: str | None = None
    """Used unless the catalogue knows the file; None = the file's stem."""
    mode: Mode = "copy"


def import_file(
    file: Path, store: Store, catalogue: Catalogue, placement: Placement | None = None, report: Report = ignore
) -> InstalledModel:
    """Install a file under the name its digest has in the catalogue, else under the one asked for.

    ModelMissingError if there is no such file, ModelFileError if it cannot be used, UsageError if the name is taken
    by another file, BudgetError without disk space.
    """
    if not file.is_file():
        raise ModelMissingError(f"there is no file at {file}; give the path of a GGUF file")
    if _SHARD.search(file.stem):
        raise ModelFileError(f"{file.name} is one shard of a model; merge them with `llama-gguf-split --merge` first")
    wanted = placement or Placement()
    with disk_errors(store.folder), store.lock("import", wait=True), _staged(store) as staged:
        require_gguf(file)
        sha256 = _bring(file.resolve(), staged, wanted.mode, store, report)
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


def _bring(source: Path, staged: Path, mode: Mode, store: Store, report: Report) -> str:
    """Make `staged` the file, by the mode asked for; returns its SHA-256."""
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
    chosen = name if name is not None else re.sub(r"[^A-Za-z0-9._+-]+", "-", file.stem).strip("-.")
    published = catalogue.find(chosen)
    if published is not None and published.sha256 is not None:
        raise ModelFileError(f"{file} is not the published {chosen}; give it another name with `--name`")
    return chosen
