"""One installed model: what it is and whether its bytes are the ones they should be.

Does not know how to fetch anything, and never changes a model file.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from copilot.errors import ModelFileError
from copilot.events import Report, ignore
from copilot.models.catalogue import Catalogue, Model, Role
from copilot.models.digests import sha256_of
from copilot.models.store import Store, require_gguf

Status = Literal["ok", "unpinned", "unchecked", "mismatch", "superseded", "changed", "not-gguf"]
"""ok: the published digest. unpinned: no digest is published, the bytes are those first seen. unchecked: not hashed
since the file last changed. mismatch, superseded, changed, not-gguf: must not be used."""


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model file on this machine."""

    name: str
    path: Path
    bytes: int
    sha256: str | None
    """None where the file was not hashed."""
    status: Status
    entry: Model | None
    """What the catalogue says about it, if it is in there."""

    @property
    def roles(self) -> tuple[Role, ...]:
        """What it is for; a file nobody published here is taken for a chat model."""
        return self.entry.roles if self.entry is not None else ("chat",)

    @property
    def usable(self) -> bool:
        """Whether the bytes were found to be what they should be."""
        return self.status in ("ok", "unpinned")


def glance(name: str, store: Store, catalogue: Catalogue) -> InstalledModel:
    """Describe an installed model from its record alone, without hashing; ModelMissingError if absent."""
    store.require(name)
    sha256 = store.current_digest(name)
    return _describe(name, store, catalogue, sha256)


def check(
    name: str, store: Store, catalogue: Catalogue, report: Report = ignore, *, rehash: bool = False
) -> InstalledModel:
    """Describe an installed model, hashing it where no record vouches for it, or always with `rehash`.

    Trusting a record means trusting size, mtime and inode. ModelMissingError if it is not installed.
    """
    path = store.require(name)
    try:
        require_gguf(path)
    except ModelFileError:
        return InstalledModel(name, path, path.stat().st_size, None, "not-gguf", catalogue.find(name))
    sha256 = None if rehash else store.current_digest(name)
    if sha256 is not None:
        return _describe(name, store, catalogue, sha256)
    model = _describe(name, store, catalogue, sha256_of(path, report))
    if model.status != "changed" and model.sha256 is not None:
        store.remember(name, model.sha256)
    return model


def require_usable(model: InstalledModel) -> InstalledModel:
    """Return the model; ModelFileError with the way out unless its bytes are what they should be."""
    again = f"run `copilot models pull {model.name}` to replace it"
    foreign = f"run `copilot models remove {model.name}` and import it again"
    match model.status:
        case "ok" | "unpinned" | "unchecked":
            return model
        case "superseded":
            raise ModelFileError(f"{model.name} is an old release that llama.cpp cannot load; {again}")
        case "mismatch":
            raise ModelFileError(f"{model.path} does not have the published digest of {model.name}; {again}")
        case "changed":
            raise ModelFileError(f"{model.path} is not the file that was installed; {foreign}")
        case "not-gguf":
            raise ModelFileError(f"{model.path} is not a GGUF file; {again if model.entry else foreign}")


def _describe(name: str, store: Store, catalogue: Catalogue, sha256: str | None) -> InstalledModel:
    path = store.path(name)
    entry = catalogue.find(name) or (catalogue.by_digest(sha256) if sha256 else None)
    return InstalledModel(
        name=name,
        path=path,
        bytes=path.stat().st_size,
        sha256=sha256,
        status=_status(name, store, catalogue, sha256),
        entry=entry,
    )


def _status(name: str, store: Store, catalogue: Catalogue, sha256: str | None) -> Status:
    if sha256 is None:
        return "unchecked"
    if catalogue.superseded_by(sha256) is not None:
        return "superseded"
    entry = catalogue.find(name)
    if entry is not None and entry.sha256 is not None:
        return "ok" if sha256 == entry.sha256 else "mismatch"
    if catalogue.by_digest(sha256) is not None:
        return "ok"
    record = store.record(name)
    return "unpinned" if record is None or record.sha256 == sha256 else "changed"
