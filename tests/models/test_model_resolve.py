"""From a name, a path or nothing to a model that may be loaded, or to the command that gets one."""

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from copilot.errors import ModelFileError, ModelMissingError
from copilot.models import Catalogue, Store, largest_fitting, resolve, shipped_catalogue


def put(store: Store, name: str, content: bytes) -> Path:
    """Drop a file into the folder as a user would."""
    store.folder.mkdir(exist_ok=True)
    path = store.path(name)
    path.write_bytes(content)
    return path


def test_without_any_model_the_command_that_gets_one_is_named(store: Store, catalogue: Catalogue) -> None:
    """The first line a new user meets, and no folder is made for it."""
    with pytest.raises(
        ModelMissingError, match=r"run `copilot models pull tiny` \(0\.1 MB\) or `copilot models import FILE`"
    ):
        resolve(None, store, catalogue)
    assert not store.folder.exists()


def test_a_name_that_is_not_installed_names_its_pull(store: Store, catalogue: Catalogue) -> None:
    """Known, but not here."""
    with pytest.raises(ModelMissingError, match="large is not installed; run `copilot models pull large`"):
        resolve("large", store, catalogue)


def test_the_best_installed_model_of_the_role_is_the_default(
    store: Store, catalogue: Catalogue, content: bytes
) -> None:
    """The catalogue's order decides among published ones; only some can complete."""
    put(store, "aaa-own", b"GGUF own")
    assert resolve(None, store, catalogue).name == "aaa-own"
    put(store, "tiny", content)
    assert resolve(None, store, catalogue).name == "tiny"
    put(store, "large", b"GGUF large")
    assert resolve(None, store, catalogue).name == "large"
    assert resolve(None, store, catalogue, "completion").name == "tiny"


def test_a_path_needs_no_installing(store: Store, catalogue: Catalogue, tmp_path: Path) -> None:
    """A GGUF anywhere may be used as it lies."""
    file = tmp_path / "mine.gguf"
    file.write_bytes(b"GGUF mine")
    model = resolve(str(file), store, catalogue)
    assert (model.path, model.sha256, model.status, model.roles) == (file, None, "unpinned", ("chat",))
    assert not store.folder.exists()


@pytest.mark.parametrize(("content", "error"), [(b"<html>", ModelFileError), (None, ModelMissingError)])
def test_a_path_to_no_model_is_refused(
    store: Store, catalogue: Catalogue, tmp_path: Path, content: bytes | None, error: type[Exception]
) -> None:
    """A missing file and one that is something else."""
    file = tmp_path / "mine.gguf"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(error):
        resolve(str(file), store, catalogue)


def test_a_tampered_model_is_never_returned(store: Store, catalogue: Catalogue, content: bytes) -> None:
    """Not by name, not by path, not as the default, although it was sound before."""
    path = put(store, "tiny", content)
    assert resolve("tiny", store, catalogue).usable
    path.write_bytes(content[:-1] + b"!")
    os.utime(path, ns=(1, 1))
    for asked in ("tiny", str(path), None):
        with pytest.raises(ModelFileError, match="does not have the published digest of tiny"):
            resolve(asked, store, catalogue)


def test_installed_parts_become_the_model_on_the_spot(
    store: Store,
    catalogue: Catalogue,
    build_wheels: Callable[[tuple[bytes, ...]], Path],
    parts: tuple[bytes, ...],
    content: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the extra installed, the first start needs neither a pull nor a network."""
    for wheel in sorted(build_wheels(parts).glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(tmp_path / "site")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    model = resolve(None, store, catalogue)
    assert (model.name, model.status) == ("tiny", "ok")
    assert model.path.read_bytes() == content


def test_of_the_installed_models_the_best_that_fits_is_taken(store: Store) -> None:
    """A model that the machine cannot hold is passed over; a file of one's own is always taken."""
    catalogue = shipped_catalogue()
    store.folder.mkdir()
    assert largest_fitting(store, catalogue, "chat", lambda shape: True) is None
    for name in ("gemma-4-31b", "gemma-4-e2b", "own"):
        store.path(name).write_bytes(b"GGUF")
    assert largest_fitting(store, catalogue, "chat", lambda shape: True) == "gemma-4-31b"
    assert largest_fitting(store, catalogue, "chat", lambda shape: shape.weight_bytes < 4e9) == "gemma-4-e2b"
    assert largest_fitting(store, catalogue, "chat", lambda shape: False) == "own"
