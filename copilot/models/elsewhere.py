"""GGUF files that other programs keep on this machine: Ollama, LM Studio, or any folder, such as a USB stick.

Only looks and reads small manifests; nothing there is ever changed. Does not know what is inside a model file.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from copilot.errors import ModelMissingError, UsageError
from copilot.models.store import name_from

MODEL_LAYER = "application/vnd.ollama.image.model"
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_LATER_PART = re.compile(r"-(?!00001)\d{5}-of-\d{5}$")
_OFFICIAL = ("registry.ollama.ai", "library")
_MANIFEST_BYTES = 1 << 20
_DEEPEST = 4


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A model file of another program."""

    name: str
    """How `copilot models import` takes it: `ollama:NAME:TAG`, `lmstudio:PUBLISHER/REPOSITORY/FILE`, or its path."""
    path: Path
    """Of a model in several parts, the first."""
    bytes: int
    suggested: str
    """A name to install it under."""
    sha256: str | None = None
    """The digest that the other program knows it by."""


def usual_folders(home: Path, environment: Mapping[str, str]) -> tuple[Path, ...]:
    """Where Ollama and LM Studio keep their models, as far as there are such folders."""
    named = environment.get("OLLAMA_MODELS")
    places = [Path(named)] if named else []
    places += [home / ".ollama/models", Path("/usr/share/ollama/.ollama/models"), Path("/var/lib/ollama/models")]
    places += [home / ".lmstudio/models", home / ".cache/lm-studio/models"]
    return tuple(dict.fromkeys(place for place in places if place.is_dir()))


def found_in(folder: Path) -> tuple[Elsewhere, ...]:
    """The models in a folder, sorted by name: as Ollama lays them out, else any GGUF files a few levels down.

    UsageError if there is no such folder.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder at {folder}; name one, or none to look where other programs keep models")
    if is_ollama(folder):
        return tuple(sorted(_ollama(folder), key=lambda found: found.name))
    studio = folder.parts[-2:] in ((".lmstudio", "models"), ("lm-studio", "models"))
    return tuple(sorted(_files(folder, studio), key=lambda found: found.name))


def is_ollama(folder: Path) -> bool:
    """Whether a folder is laid out as Ollama's."""
    return (folder / "manifests").is_dir() and (folder / "blobs").is_dir()


def find(name: str, folders: tuple[Path, ...]) -> Elsewhere:
    """The model that is called so in one of the folders; ModelMissingError lists what there is."""
    known = [found for folder in folders for found in found_in(folder)]
    wanted = {name, f"{name}:latest"}
    match = next((found for found in known if found.name in wanted), None)
    if match is None:
        names = ", ".join(found.name for found in known[:5]) or "no model"
        raise ModelMissingError(
            f"{name} is not among the models of other programs here ({names}); see `copilot models find`"
        )
    return match


def _ollama(folder: Path) -> Iterator[Elsewhere]:
    for manifest in sorted((folder / "manifests").rglob("*")):
        parts = manifest.relative_to(folder / "manifests").parts
        if len(parts) < 3 or manifest.is_symlink() or not manifest.is_file():
            continue
        digest = _model_digest(manifest)
        blob = folder / "blobs" / f"sha256-{digest}"
        if digest is None or not blob.is_file():
            continue
        *place, model, tag = parts
        short = [] if tuple(place) == _OFFICIAL else place[1:] if place[0] == _OFFICIAL[0] else place
        title = "/".join([*short, model])
        suggested = name_from(model if tag == "latest" else f"{model}-{tag}")
        yield Elsewhere(f"ollama:{title}:{tag}", blob, blob.stat().st_size, suggested, digest)


def _model_digest(manifest: Path) -> str | None:
    """The digest of the layer that is the model; None where the file is no manifest or names none."""
    try:
        if manifest.stat().st_size > _MANIFEST_BYTES:
            return None
        layers = json.loads(manifest.read_text(encoding="utf-8"))["layers"]
        digests = [str(layer["digest"]) for layer in layers if layer["mediaType"] == MODEL_LAYER]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    known = _DIGEST.fullmatch(digests[0]) if len(digests) == 1 else None
    return known[1] if known else None


def _files(folder: Path, studio: bool) -> Iterator[Elsewhere]:
    for parent, folders, names in os.walk(folder):
        here = Path(parent)
        depth = len(here.relative_to(folder).parts)
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if depth < _DEEPEST else []
        for name in sorted(names):
            path = here / name
            if path.suffix.lower() != ".gguf" or _LATER_PART.search(path.stem) or name.startswith("mmproj"):
                continue
            if path.is_file():
                title = f"lmstudio:{path.relative_to(folder).as_posix()}" if studio else str(path)
                suggested = name_from(re.sub(r"-00001-of-\d{5}$", "", path.stem))
                yield Elsewhere(title, path, path.stat().st_size, suggested)
