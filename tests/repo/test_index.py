"""The index: it says what the files say, reads only what changed, and can be lost at any time."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from copilot.errors import RepositoryError
from copilot.events import Progress
from copilot.repo import refresh as refreshing
from copilot.repo.content import read_content
from copilot.repo.index import Index
from copilot.repo.search import search
from copilot.repo.walk import Skipped, walk

TREE = {
    "a.py": "def alpha():\n    return beta()\n",
    "b.py": "def beta():\n    return 1\n",
    "notes.txt": "plain words\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small tree."""
    return write(tmp_path / "tree", TREE)


def write(root: Path, tree: dict[str, str]) -> Path:
    """Write files under `root`."""
    for path, text in tree.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text.encode())
    return root


def edit(path: Path, text: str) -> None:
    """Write a file so that its time differs whatever the clock's grain is."""
    before = path.stat().st_mtime_ns
    path.write_text(text, "utf-8")
    os.utime(path, ns=(before + 1_000_000, before + 1_000_000))


def saying(index: Index) -> list[tuple[object, ...]]:
    """All an index says of its files."""
    outlines = index.outlines(index.files)
    definitions = index.definitions(index.files)
    hits = [search(index, query) for query in ("alpha", "beta", "plain words")]
    return [index.digest, index.files, sorted(outlines.items()), sorted(definitions.items()), index.skipped, hits]


@pytest.fixture
def read_paths(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that are parsed from now on."""
    paths: list[str] = []

    def counted(path: str, raw: bytes, allowed: bool) -> object:
        paths.append(path)
        return read_content(path, raw, allowed)

    monkeypatch.setattr(refreshing, "read_content", counted)
    return paths


def test_only_the_changed_file_is_parsed(root: Path, tmp_path: Path, read_paths: list[str]) -> None:
    """After one edit one file is read; without an edit, none."""
    with Index(tmp_path / "index.db", root) as index:
        index.refresh(walk(root))
        assert read_paths == ["a.py", "b.py", "notes.txt"]
        read_paths.clear()
        index.refresh(walk(root))
        assert read_paths == []
        edit(root / "b.py", "def gamma():\n    return 1\n")
        seen: list[Progress] = []
        index.refresh(walk(root), seen.append)
        assert read_paths == ["b.py"]
        assert Progress("parse", 3, 3, "files", 2) == seen[-1]


def test_a_refreshed_index_says_what_a_new_one_says(root: Path, tmp_path: Path) -> None:
    """Edits, removals, additions and renames leave no trace of what was."""
    with Index(tmp_path / "index.db", root) as index, Index(tmp_path / "fresh.db", root) as fresh:
        index.refresh(walk(root))
        edit(root / "a.py", "def alpha_two():\n    return plain\n")
        (root / "b.py").rename(root / "c.py")
        (root / "notes.txt").unlink()
        write(root, {"sub/d.py": "class Delta:\n    pass\n", "copy.py": "def beta():\n    return 1\n"})
        index.refresh(walk(root))
        fresh.refresh(walk(root))
        assert saying(fresh) == saying(index)


def test_going_back_to_a_branch_parses_nothing(root: Path, tmp_path: Path, read_paths: list[str]) -> None:
    """Contents that were seen before are known by their bytes."""
    with Index(tmp_path / "index.db", root) as index:
        index.refresh(walk(root))
        edit(root / "a.py", "def other():\n    pass\n")
        index.refresh(walk(root))
        read_paths.clear()
        edit(root / "a.py", TREE["a.py"])
        index.refresh(walk(root))
        assert read_paths == []
        assert search(index, "alpha")[0].symbol == "alpha"


def test_worktrees_share_contents_but_not_answers(root: Path, tmp_path: Path, read_paths: list[str]) -> None:
    """A second root with the same files parses nothing; a file only one has is found in that one only."""
    other = write(tmp_path / "other", TREE | {"only.py": "def only_here():\n    pass\n"})
    database = tmp_path / "index.db"
    with Index(database, root) as index, Index(database, other) as second:
        index.refresh(walk(root))
        before = saying(index)
        read_paths.clear()
        second.refresh(walk(other))
        assert read_paths == ["only.py"]
        assert search(second, "only here")[0].symbol == "only_here"
        assert before == saying(index)


def test_files_that_are_no_text_are_skipped_with_a_reason(root: Path, tmp_path: Path) -> None:
    """NUL bytes and bytes that are not UTF-8 are told; a byte order mark and CRLF are text."""
    (root / "blob").write_bytes(b"ab\0cd")
    (root / "latin.txt").write_bytes("größe".encode("latin-1"))
    (root / "dos.py").write_bytes(b"\xef\xbb\xbfdef dos():\r\n    return 1\r\n")
    with Index(tmp_path / "index.db", root) as index:
        index.refresh(walk(root))
        assert (Skipped("blob", "binary"), Skipped("latin.txt", "not UTF-8")) == index.skipped
        dos = next(file for file in index.files if file.path == "dos.py")
        assert index.text(dos) == "def dos():\r\n    return 1\r\n"
        assert (lambda d: (d.name, d.start_line, d.end_line))(index.definitions([dos])["dos.py"][0]) == ("dos", 1, 2)


def test_a_file_changed_behind_the_index_is_not_served(root: Path, tmp_path: Path) -> None:
    """Text that is not what was indexed is an error that says what to do."""
    with Index(tmp_path / "index.db", root) as index:
        index.refresh(walk(root))
        (root / "a.py").write_text("changed = 1\n")
        with pytest.raises(RepositoryError, match=r"a\.py changed .* run the command again"):
            index.text(index.files[0])


@pytest.mark.parametrize("damage", ["garbage", "truncated", "empty", "foreign", "old version", "flipped"])
def test_an_unusable_index_is_made_anew(root: Path, tmp_path: Path, damage: str) -> None:
    """Whatever happened to the file, the next refresh answers as a new index does."""
    database = tmp_path / "index.db"
    with Index(database, root) as index:
        index.refresh(walk(root))
        expected = saying(index)
    spoil(database, damage)
    with Index(database, root) as index:
        index.refresh(walk(root))
        assert expected == saying(index)


def spoil(database: Path, damage: str) -> None:
    """Do to a file what disks, crashes and other programs do."""
    if damage in ("foreign", "old version"):
        if damage == "foreign":
            database.unlink()
        connection = sqlite3.connect(database)
        connection.execute("CREATE TABLE mine (a)")
        connection.execute("PRAGMA user_version = 7")
        connection.commit()
        connection.close()
        return
    raw = database.read_bytes()
    if damage == "flipped":
        raw = bytes(raw[:2000]) + bytes(255 - byte for byte in raw[2000:])
    contents = {"garbage": b"not a database " * 500, "truncated": raw[: len(raw) // 2], "empty": b""}
    database.write_bytes(contents.get(damage, raw))


def test_token_counts_are_remembered_by_content_form_and_counter(root: Path, tmp_path: Path) -> None:
    """A count belongs to one content in one form under one vocabulary."""
    database = tmp_path / "index.db"
    with Index(database, root) as index:
        index.refresh(walk(root))
        keys = [file.key for file in index.files]
        index.keep_token_counts("v1", "full:py", {keys[0]: 7, keys[1]: 9})
    with Index(database, root) as index:
        assert {keys[0]: 7, keys[1]: 9} == index.token_counts("v1", "full:py", keys)
        assert index.token_counts("v2", "full:py", keys) == {}
        assert index.token_counts("v1", "outline:py", keys) == {}


REFRESH = """
import sys
from pathlib import Path
from copilot.repo.index import Index
from copilot.repo.walk import walk
index = Index(Path(sys.argv[1]), Path(sys.argv[2]))
print("open", flush=True)
index.refresh(walk(Path(sys.argv[2])))
print(index.digest.hex())
"""


def many(root: Path, files: int) -> Path:
    """A tree that takes a moment to index."""
    return write(
        root,
        {f"p{n % 7}/m{n}.py": f"def f{n}():\n    return f{n + 1}()\n" + "x = [1]\n" * 20 for n in range(files)},
    )


def started(database: Path, root: Path) -> subprocess.Popen[str]:
    """A process that refreshes."""
    return subprocess.Popen([sys.executable, "-c", REFRESH, database, root], stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("delay_s", [0.0, 0.1])
def test_a_killed_refresh_loses_nothing_but_its_batch(tmp_path: Path, delay_s: float) -> None:
    """After kill -9 the next refresh ends as if nothing had happened."""
    root = many(tmp_path / "tree", 500)
    database = tmp_path / "index.db"
    process = started(database, root)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(delay_s)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    with Index(database, root) as index, Index(tmp_path / "fresh.db", root) as fresh:
        index.refresh(walk(root))
        fresh.refresh(walk(root))
        assert fresh.digest == index.digest
        assert search(fresh, "f77") == search(index, "f77")
        assert index.select("PRAGMA integrity_check") == [("ok",)]


def test_two_processes_may_refresh_at_once(tmp_path: Path) -> None:
    """Both end well and agree."""
    root = many(tmp_path / "tree", 600)
    processes = [started(tmp_path / "index.db", root) for _ in range(2)]
    ends = [process.communicate()[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert ends[0] == ends[1]
    with Index(tmp_path / "index.db", root) as index:
        assert len(index.files) == 600
        assert search(index, "f77")[0].symbol == "f77"


def test_an_index_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    """A folder in the file's place is an error with advice."""
    (tmp_path / "index.db").mkdir()
    with pytest.raises(RepositoryError, match="check its folder"):
        Index(tmp_path / "index.db", tmp_path)
