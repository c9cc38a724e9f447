"""Import a model file: found by path, in a folder or at another program, looked into, joined if it comes in parts."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from copilot.engine.gguf import read_card
from copilot.engine.gguf_join import join, part_paths, whole_name
from copilot.errors import ModelFileError, ModelMissingError, UsageError
from copilot.events import Report, ignore
from copilot.models import Catalogue, InstalledModel, Store
from copilot.models.elsewhere import Elsewhere, find, found_in
from copilot.models.import_ import Placement, import_file
from copilot.models.store import name_from

_PROGRAMS = ("ollama:", "lmstudio:")


def origin_of(named: str, folders: Callable[[], tuple[Path, ...]]) -> Elsewhere:
    """What the user means: a file, a folder with one model, or a model of another program, looked for in `folders`.

    ModelMissingError where there is nothing, UsageError where there are several.
    """
    if named.startswith(_PROGRAMS):
        return find(named, folders())
    path = Path(named).expanduser()
    if not path.is_dir():
        return Elsewhere(named, path, 0, name_from(whole_name(path)))
    models = found_in(path)
    if not models:
        raise ModelMissingError(f"there is no GGUF file in {path}; name the file itself")
    if len(models) > 1:
        names = ", ".join(str(model.path) for model in models[:4])
        raise UsageError(f"{path} holds {len(models)} models; name one of them: {names}")
    return models[0]


def import_model(
    origin: Elsewhere, store: Store, catalogue: Catalogue, placement: Placement, report: Report = ignore
) -> InstalledModel:
    """Install it; ModelFileError, before anything is copied, for what llama.cpp could not load."""
    path = origin.path
    if not path.is_file():
        raise ModelMissingError(
            f"there is no file at {path}; give the path of a GGUF file, or see `copilot models find`"
        )
    wanted = replace(placement, sha256=origin.sha256, inspect=lambda file: _inspect(file, catalogue))
    if origin.sha256 is not None and wanted.name is None:
        wanted = replace(wanted, name=origin.suggested or None)
    parts = part_paths(path)
    if len(parts) > 1:
        # A part alone is no complete model; `join` checks each header and that they belong together.
        name = wanted.name or origin.suggested or None
        wanted = replace(wanted, name=name, parts=parts, join=_joined, inspect=lambda _: None)
    return import_file(path, store, catalogue, wanted, report)


def _inspect(file: Path, catalogue: Catalogue) -> None:
    try:
        read_card(file)
    except ModelFileError as error:
        published = next((model for model in catalogue.models if model.file == file.name and model.superseded), None)
        if published is None:
            raise
        raise ModelFileError(f"{error}; run `copilot models pull {published.name}`") from error


def _joined(parts: Sequence[Path], target: Path, report: Report) -> None:
    join(parts, target, report)
    read_card(target)
