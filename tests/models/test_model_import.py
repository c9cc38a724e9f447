"""Importing a file the user has: recognised by digest, named, copied or linked, or refused with a way out."""

from dataclasses import replace
from pathlib import Path

import pytest

from copilot.errors import BudgetError, ModelFileError, ModelMissingError, UsageError
from copilot.events import Progress
from copilot.models import Catalogue, Store
from copilot.models.import_ import Mode, Placement, import_file


@pytest.fixture
def downloaded(tmp_path: Path, content: bytes) -> Path:
    """The published file under a name of the user's own."""
    path = tmp_path / "Downloads" / "some file (1).gguf"
    path.parent.mkdir()
    path.write_bytes(content)
    return path


def test_a_published_file_is_recognised_whatever_it_is_called(
    store: Store, catalogue: Catalogue, downloaded: Path, content: bytes
) -> None:
    """The digest names it, and a name given by hand does not matter."""
    seen: list[Progress] = []
    model = import_file(downloaded, store, catalogue, Placement(name="mine"), seen.append)
    assert (model.name, model.status) == ("tiny", "ok")
    assert model.path.read_bytes() == content
    assert seen[-1] == Progress("fetch", len(content), len(content), "bytes")
    assert downloaded.exists()
    assert not list(store.staging.glob("import-*"))


def test_any_other_file_is_named_after_itself(store: Store, catalogue: Catalogue, tmp_path: Path) -> None:
    """Signs that are no part of a name become dashes."""
    file = tmp_path / "My Model (v2).gguf"
    file.write_bytes(b"GGUF mine")
    model = import_file(file, store, catalogue)
    assert (model.name, model.status, model.roles) == ("My-Model-v2", "unpinned", ("chat",))


def test_importing_twice_changes_nothing(store: Store, catalogue: Catalogue, downloaded: Path) -> None:
    """The second import finds the first."""
    assert import_file(downloaded, store, catalogue) == import_file(downloaded, store, catalogue)


@pytest.mark.parametrize("mode", ["hardlink", "symlink"])
def test_a_link_takes_no_second_place_on_the_disk(
    store: Store, catalogue: Catalogue, downloaded: Path, mode: Mode
) -> None:
    """No space is needed, and the installed model is the same file."""
    full = replace(store, free_bytes=lambda _: 0)
    model = import_file(downloaded, full, catalogue, Placement(mode=mode))
    assert model.path.samefile(downloaded)
    assert model.path.is_symlink() == (mode == "symlink")
    assert model.status == "ok"


def test_a_copy_needs_space(store: Store, catalogue: Catalogue, downloaded: Path) -> None:
    """A full disk is noticed before the first byte."""
    with pytest.raises(BudgetError, match="free some space"):
        import_file(downloaded, replace(store, free_bytes=lambda _: 0), catalogue)
    assert store.names() == ()


def test_a_file_that_is_no_gguf_is_refused(store: Store, catalogue: Catalogue, tmp_path: Path) -> None:
    """Whatever its name says."""
    file = tmp_path / "page.gguf"
    file.write_bytes(b"<html>")
    with pytest.raises(ModelFileError, match="is not a GGUF file; give the path of a model in GGUF format"):
        import_file(file, store, catalogue)


def test_an_old_release_is_refused_with_the_name_of_the_new_one(
    store: Store, catalogue: Catalogue, tmp_path: Path
) -> None:
    """It would abort the engine at load."""
    file = tmp_path / "old.gguf"
    file.write_bytes(b"GGUF old release")
    with pytest.raises(ModelFileError, match="run `copilot models pull tiny`"):
        import_file(file, store, catalogue)
    assert store.names() == ()


def test_a_foreign_file_cannot_take_a_published_name(store: Store, catalogue: Catalogue, tmp_path: Path) -> None:
    """Another quantisation called `tiny.gguf` is not `tiny`; under another name it is welcome."""
    file = tmp_path / "tiny.gguf"
    file.write_bytes(b"GGUF another quantisation")
    with pytest.raises(ModelFileError, match="is not the published tiny; give it another name with `--name`"):
        import_file(file, store, catalogue)
    assert import_file(file, store, catalogue, Placement(name="tiny-q8")).name == "tiny-q8"


def test_a_taken_name_is_not_overwritten(store: Store, catalogue: Catalogue, tmp_path: Path) -> None:
    """Two different files of one name are a mistake to point out."""
    first, second = tmp_path / "a" / "mine.gguf", tmp_path / "b" / "mine.gguf"
    for number, file in enumerate((first, second)):
        file.parent.mkdir()
        file.write_bytes(b"GGUF" + bytes([number]))
    import_file(first, store, catalogue)
    with pytest.raises(UsageError, match="mine is installed with other bytes; give another name"):
        import_file(second, store, catalogue)
    assert store.path("mine").read_bytes() == first.read_bytes()


def test_an_impossible_name_is_refused_before_anything_is_copied(
    store: Store, catalogue: Catalogue, downloaded: Path
) -> None:
    """Not after some minutes of copying and hashing."""
    seen: list[Progress] = []
    with pytest.raises(UsageError, match="`a/b` is not a model name"):
        import_file(downloaded, store, catalogue, Placement(name="a/b"), seen.append)
    assert seen == []


def test_one_shard_of_a_model_is_refused(store: Store, catalogue: Catalogue, tmp_path: Path) -> None:
    """It would load up to the first missing tensor."""
    file = tmp_path / "big-00001-of-00003.gguf"
    file.write_bytes(b"GGUF")
    with pytest.raises(ModelFileError, match="llama-gguf-split --merge"):
        import_file(file, store, catalogue)


def test_a_missing_file_is_named(store: Store, catalogue: Catalogue, tmp_path: Path) -> None:
    """The path comes back as it was given."""
    with pytest.raises(ModelMissingError, match=r"there is no file at .*nowhere\.gguf"):
        import_file(tmp_path / "nowhere.gguf", store, catalogue)
