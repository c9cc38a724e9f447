"""The text index that search asks: filled when it is first asked, and as true as the index of contents."""

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from copilot.errors import RepositoryError
from copilot.repo.index import Index
from copilot.repo.pack import PackRequest, pack
from copilot.repo.schema import chunks_of
from copilot.repo.search import search
from copilot.repo.walk import walk

TREE = {
    "a.py": "def alpha():\n    return beta()\n",
    "b.py": "def beta():\n    return 1\n",
    "notes.txt": "plain words\n",
}


class Words:
    """Counts words and newlines."""

    name = "words"

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) + text.count("\n") for text in texts]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small tree."""
    root = tmp_path / "tree"
    root.mkdir()
    for path, text in TREE.items():
        (root / path).write_text(text, "utf-8")
    return root


def opened(database: Path, root: Path) -> Index:
    """An index that is up to date."""
    index = Index(database, root)
    index.refresh(walk(root))
    return index


def edit(path: Path, content: bytes) -> None:
    """Write a file so that its time differs whatever the clock's grain is."""
    before = path.stat().st_mtime_ns
    path.write_bytes(content)
    os.utime(path, ns=(before + 1_000_000, before + 1_000_000))


def rows(index: Index) -> int:
    """How many places are in the text index."""
    assert index.number is not None
    return int(index.select(f"SELECT count(*) FROM {chunks_of(index.number)}")[0][0])


def found(index: Index, query: str) -> list[str]:
    """The paths a search finds."""
    return [hit.path for hit in search(index, query)]


def test_a_pack_does_not_pay_for_search(root: Path, tmp_path: Path) -> None:
    """Places are made by the first search, once."""
    with opened(tmp_path / "index.db", root) as index:
        assert pack(index, PackRequest(5000), Words()).files
        assert rows(index) == 0
        assert found(index, "alpha") == ["a.py"]
        assert rows(index) == 3
    with opened(tmp_path / "index.db", root) as index:
        assert rows(index) == 3


def test_after_an_edit_only_the_new_text_is_found(root: Path, tmp_path: Path) -> None:
    """Whether or not somebody searched before it."""
    for searches_before in (False, True):
        with opened(tmp_path / f"{searches_before}.db", root) as index:
            if searches_before:
                assert found(index, "alpha") == ["a.py"]
            edit(root / "a.py", b"def gamma():\n    pass\n")
            index.refresh(walk(root))
            assert (found(index, "alpha"), found(index, "gamma")) == ([], ["a.py"])
            edit(root / "a.py", TREE["a.py"].encode())


def test_a_text_that_became_binary_is_not_found_any_more(root: Path, tmp_path: Path) -> None:
    """Its places go."""
    with opened(tmp_path / "index.db", root) as index:
        assert found(index, "plain words") == ["notes.txt"]
        edit(root / "notes.txt", b"plain words\0")
        index.refresh(walk(root))
        assert found(index, "plain words") == []


def test_a_file_that_changed_unseen_is_not_found_until_it_is_indexed(root: Path, tmp_path: Path) -> None:
    """Neither by what it says now nor by what was indexed, whose lines are gone."""
    with opened(tmp_path / "index.db", root) as index:
        edit(root / "a.py", b"def gamma():\n    pass\n")
        assert (found(index, "alpha"), found(index, "gamma")) == ([], [])
        assert found(index, "beta") == ["b.py"]
        index.refresh(walk(root))
        assert found(index, "gamma") == ["a.py"]


def test_two_indexes_of_one_root_may_fill_it(root: Path, tmp_path: Path) -> None:
    """The second finds it filled, or fills it with the same."""
    with opened(tmp_path / "index.db", root) as first, opened(tmp_path / "index.db", root) as second:
        assert search(first, "alpha") == search(second, "alpha")
        assert rows(first) == rows(second) == 3


def test_a_text_index_whose_content_is_gone_is_damaged(root: Path, tmp_path: Path) -> None:
    """It is told in one line and made anew by the next search."""
    with opened(tmp_path / "index.db", root) as index:
        assert found(index, "alpha") == ["a.py"]
        assert index.number is not None
        with sqlite3.connect(tmp_path / "index.db") as connection:
            connection.execute(f"DELETE FROM {chunks_of(index.number)}_data")
        connection.close()
        with pytest.raises(RepositoryError, match="damaged"):
            found(index, "alpha")
    with opened(tmp_path / "index.db", root) as index:
        assert found(index, "alpha") == ["a.py"]
