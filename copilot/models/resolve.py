"""From what the user named, or nothing, to a model file that may be loaded.

Opens no socket: parts installed with the extra are joined, nothing is downloaded.
"""

import os
from collections.abc import Callable
from pathlib import Path

from copilot.errors import ModelMissingError
from copilot.events import Report, ignore
from copilot.models.catalogue import Catalogue, Model, Role
from copilot.models.geometry import PublishedShape
from copilot.models.installed import InstalledModel, check, glance, require_usable
from copilot.models.store import Store, disk_errors, gigabytes, require_gguf


def resolve(
    name_or_path: str | None,
    store: Store,
    catalogue: Catalogue,
    role: Role = "chat",
    report: Report = ignore,
) -> InstalledModel:
    """The model of a name, at a path, or the best installed one for a role.

    A file outside the models folder is taken as it is, without hashing. ModelMissingError says which command installs
    a model; ModelFileError is raised for a file whose bytes are not what they should be.
    """
    with disk_errors(store.folder):
        if name_or_path is None:
            return _default(store, catalogue, role, report)
        if name_or_path in store.names():
            return require_usable(check(name_or_path, store, catalogue, report))
        if _is_path(name_or_path):
            return _at_path(Path(name_or_path).expanduser(), store, catalogue, report)
        model = catalogue.require(name_or_path)
        joined = _joined(model, store, catalogue, report)
        if joined is None:
            raise ModelMissingError(f"{model.name} is not installed; run `copilot models pull {model.name}`")
        return require_usable(joined)


def _joined(model: Model, store: Store, catalogue: Catalogue, report: Report) -> InstalledModel | None:
    from copilot.models.pull import join_installed_parts  # with it come the network's modules

    return join_installed_parts(model, store, catalogue, report)


def by_preference(store: Store, catalogue: Catalogue) -> tuple[str, ...]:
    """Names of the installed models, best first: the catalogue's order, then the user's own by name."""
    order = {model.name: place for place, model in enumerate(catalogue.models)}
    return tuple(sorted(store.names(), key=lambda name: (order.get(name, len(order)), name)))


def _default(store: Store, catalogue: Catalogue, role: Role, report: Report) -> InstalledModel:
    for name in by_preference(store, catalogue):
        if role in glance(name, store, catalogue).roles:
            return require_usable(check(name, store, catalogue, report))
    for model in catalogue.models:
        if role in model.roles:
            joined = _joined(model, store, catalogue, report)
            if joined is not None:
                return require_usable(joined)
    suggestion = catalogue.require(catalogue.default)
    raise ModelMissingError(
        f"no {role} model is installed; run `copilot models pull {suggestion.name}` "
        f"({gigabytes(suggestion.bytes)}) or `copilot models import FILE`"
    )


def largest_fitting(
    store: Store, catalogue: Catalogue, role: Role, fits: Callable[[PublishedShape], bool]
) -> str | None:
    """The best installed model for a role that fits the machine; None where none does, or none is installed.

    Without a published shape a model is taken to fit: its header is looked at when it is loaded.
    """
    for name in by_preference(store, catalogue):
        entry = catalogue.find(name)
        shape = entry.shape if entry is not None else None
        if role in glance(name, store, catalogue).roles and (shape is None or fits(shape)):
            return name
    return None


def _is_path(text: str) -> bool:
    separators = (os.sep, os.altsep) if os.altsep else (os.sep,)
    return text.lower().endswith(".gguf") or any(separator in text for separator in separators)


def _at_path(path: Path, store: Store, catalogue: Catalogue, report: Report) -> InstalledModel:
    if not path.is_file():
        raise ModelMissingError(f"there is no model file at {path}; run `copilot models list` to see what is installed")
    path = path.absolute()
    if path.parent == store.folder.absolute() and path.stem in store.names():
        return require_usable(check(path.stem, store, catalogue, report))
    require_gguf(path)
    return InstalledModel(path.stem, path, path.stat().st_size, None, "unpinned", None)
