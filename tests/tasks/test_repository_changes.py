"""A repository that does not hold still, and an index that cannot be kept: packs and searches come all the same."""

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from copilot.errors import RepositoryError
from copilot.repo.index import Index
from copilot.repo.pack import Pack, PackRequest
from copilot.repo.search import Hit, search
from copilot.repo.walk import Skipped
from copilot.tasks.repository import Repository, index_path
from copilot.testing import make_repo

FILES = {f"m{n}.py": f"def f{n}():\n    return g{n}()\n" for n in range(5)} | {"server.log": "started\n"}


class Meddler:
    """A counter that changes files while it counts, as long as it has something to write."""

    name = "meddler"

    def __init__(self, path: Path, writes: int) -> None:
        self.path = path
        self.writes = writes

    def count(self, texts: Sequence[str]) -> list[int]:
        if self.writes:
            self.writes -= 1
            with self.path.open("a") as file:
                file.write(f"line {self.writes}\n")
        return [len(text) for text in texts]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_repo(tmp_path / "project", FILES)


def packed(root: Path, cache: Path, counter: Meddler) -> Pack:
    with Repository.open(root, cache) as repository:
        return repository.pack(PackRequest(100_000), counter)


def test_a_file_that_changes_is_read_again(root: Path, tmp_path: Path) -> None:
    """The pack has what the file says in the end."""
    made = packed(root, tmp_path / "cache", Meddler(root / "server.log", 2))
    assert (root / "server.log").read_text() in made.text


def test_a_file_that_never_holds_still_is_left_out(root: Path, tmp_path: Path) -> None:
    """All others are packed, and the account says why this one is not."""
    made = packed(root, tmp_path / "cache", Meddler(root / "server.log", 1 << 30))
    assert Skipped("server.log", "changes while it is read") in made.skipped
    assert [file.path for file in made.files] == [f"m{n}.py" for n in range(5)]


def test_a_file_that_vanishes_is_not_missed(root: Path, tmp_path: Path) -> None:
    """What is gone is gone; the pack is that of the rest."""

    class Remover(Meddler):
        def count(self, texts: Sequence[str]) -> list[int]:
            self.path.unlink(missing_ok=True)
            return [len(text) for text in texts]

    made = packed(root, tmp_path / "cache", Remover(root / "m3.py", 0))
    assert "m3.py" not in [file.path for file in made.files]
    assert len(made.files) == 5


def test_an_index_that_fails_later_is_done_without(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full when a search wants to write costs a warning, not the answer."""

    def full_disk(index: Index, query: str, k: int) -> list[Hit]:
        if index_path(tmp_path / "cache") == index.database:
            raise RepositoryError("the index cannot be written (database or disk is full); try again")
        return search(index, query, k)

    monkeypatch.setattr("copilot.repo.search.search", full_disk)
    with Repository.open(root, tmp_path / "cache") as repository:
        assert repository.warning == ""
        assert repository.search("f3", 3)[0].path == "m3.py"
        assert "disk is full" in repository.warning


def test_an_index_held_by_another_is_done_without(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that never lets go of the file holds up nobody for good."""
    with Repository.open(root, tmp_path / "cache"):
        pass
    (root / "m9.py").write_text("def f9(): pass\n")
    monkeypatch.setattr("copilot.repo.schema.BUSY_MS", 50)
    holder = sqlite3.connect(index_path(tmp_path / "cache"), isolation_level=None)
    try:
        holder.execute("BEGIN IMMEDIATE")
        with Repository.open(root, tmp_path / "cache") as repository:
            assert "m9.py" in repository.paths
            assert "database is locked" in repository.warning
    finally:
        holder.close()


def test_counts_that_cannot_be_kept_are_counted_again(root: Path, tmp_path: Path) -> None:
    """A file system that is full or read-only after the refresh changes no pack."""
    with Repository.open(root, tmp_path / "cache") as repository:
        expected = repository.pack(PackRequest(300), Meddler(root, 0))
        repository.index.select("PRAGMA query_only = ON")
        repository.index.keep_ranking(b"digest", "{}")
        assert repository.index.kept_ranking(b"digest") is None
        repository.index.keep_token_counts("c", "full", {b"k": 1})
        assert expected == repository.pack(PackRequest(300), Meddler(root, 0))


def test_an_empty_repository_says_what_to_do(tmp_path: Path) -> None:
    """No files at all, and no text among them, are different things to be told."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(RepositoryError, match="has no files to read; name a project folder"):
        Repository.open(tmp_path / "empty", tmp_path / "cache")
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / "a.dat").write_bytes(os.urandom(64) + b"\0")
    with pytest.raises(RepositoryError, match=r"no readable text files \(a.dat: binary\)"):
        Repository.open(tmp_path / "blobs", tmp_path / "cache")


def test_refresh_sees_new_changed_and_deleted_files(root: Path, tmp_path: Path) -> None:
    """A repository that stays open can be brought up to date."""
    with Repository.open(root, tmp_path / "cache") as repository:
        assert repository.lines("m0.py") is not None
        (root / "m0.py").write_text("x = 1\n")
        (root / "m1.py").unlink()
        (root / "new.py").write_text("y = 2\n")
        repository.refresh()
        assert repository.lines("m0.py") == ("x = 1",)
        assert {"new.py", "m1.py"} & set(repository.paths) == {"new.py"}
