"""Token counts are remembered: what did not change is packed again without counting anything."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from copilot.repo import refresh as refreshing
from copilot.repo.index import Index
from copilot.repo.pack import Pack, PackRequest, pack
from copilot.repo.schema import TEXT
from copilot.repo.walk import walk

REQUEST = PackRequest(900)


class Words:
    """Counts words and newlines, and remembers what it was asked."""

    name = "words"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def count(self, texts: Sequence[str]) -> list[int]:
        self.asked += texts
        return [len(text.split()) + text.count("\n") for text in texts]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """More than fits: files in full, outlines, an excerpt and names."""
    root = tmp_path / "tree"
    for number in range(60):
        path = root / f"part{number % 5}" / f"mod{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        functions = [f"def step_{number}_{n}(value):\n    return step_{number + 1}_{n}(value)\n" for n in range(9)]
        path.write_text("\n".join(functions), "utf-8")
    return root


def packed(database: Path, root: Path, counter: Words) -> Pack:
    """A pack as a new process makes it."""
    with Index(database, root) as index:
        index.refresh(walk(root))
        return pack(index, REQUEST, counter)


def edit(path: Path) -> None:
    """Append a function, at a later time."""
    before = path.stat().st_mtime_ns
    path.write_text(path.read_text("utf-8") + "\n\ndef appended(value):\n    return value\n", "utf-8")
    os.utime(path, ns=(before + 1_000_000, before + 1_000_000))


def test_an_unchanged_repository_is_packed_without_counting(root: Path, tmp_path: Path) -> None:
    """Not even headings, names and excerpts are counted twice."""
    first, second = Words(), Words()
    expected = packed(tmp_path / "index.db", root, first)
    assert first.asked
    assert expected == packed(tmp_path / "index.db", root, second)
    assert second.asked == []


def test_after_an_edit_only_what_is_new_is_counted(root: Path, tmp_path: Path) -> None:
    """And the pack is that of a new index."""
    first, second = Words(), Words()
    packed(tmp_path / "index.db", root, first)
    edit(root / "part3" / "mod33.py")
    again = packed(tmp_path / "index.db", root, second)
    assert again == packed(tmp_path / "fresh.db", root, Words())
    assert not set(first.asked) & set(second.asked)


def test_counts_of_texts_do_not_pile_up(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a limit all of them go with the next change; the pack stays the same."""
    database = tmp_path / "index.db"
    monkeypatch.setattr(refreshing, "_MOST_TEXTS", 5)
    packed(database, root, Words())
    edit(root / "part3" / "mod33.py")
    with Index(database, root) as index:
        count = "SELECT count(*) FROM counts WHERE form = ?"
        assert index.select(count, (TEXT,))[0][0] > 5
        index.refresh(walk(root))
        assert index.select(count, (TEXT,))[0][0] == 0
        assert pack(index, REQUEST, Words()) == packed(tmp_path / "fresh.db", root, Words())
