"""Reading one file: whatever stands at its path by now, reading ends, and says what it met."""

import os
import socket
from pathlib import Path

import pytest

from copilot.errors import RepositoryError
from copilot.repo.index import FileChangedError, Index
from copilot.repo.raw import read_raw
from copilot.repo.walk import MAX_BYTES, Skipped, walk


def test_a_file_is_read_as_it_is(tmp_path: Path) -> None:
    """Bytes and no reason, up to the limit and not a byte beyond."""
    (tmp_path / "a").write_bytes(b"\0\xff text")
    (tmp_path / "full").write_bytes(b"x" * MAX_BYTES)
    (tmp_path / "grown").write_bytes(b"x" * (MAX_BYTES + 1))
    assert read_raw(tmp_path / "a") == (b"\0\xff text", "")
    assert read_raw(tmp_path / "full") == (b"x" * MAX_BYTES, "")
    assert read_raw(tmp_path / "grown") == (b"", "larger than 1 MiB")


def test_what_is_no_file_any_more_is_not_waited_for(tmp_path: Path) -> None:
    """A pipe, a socket, a folder, a link and nothing at all are told apart from a file."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        for name in ("pipe", "folder", "link", "s"):
            assert read_raw(tmp_path / name) == (b"", "not a regular file"), name
    assert read_raw(tmp_path / "gone") == (b"", "gone while it was read")
    assert read_raw(tmp_path / "folder" / "gone" / "too") == (b"", "gone while it was read")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_files_without_end_are_not_begun() -> None:
    """What says of itself that it is empty is taken at its word."""
    assert read_raw("/proc/self/status") == (b"", "")


def test_what_happens_between_walk_and_reading_is_reported(tmp_path: Path) -> None:
    """Files that vanish, grow or turn into pipes are left out, each with its reason."""
    root = tmp_path / "tree"
    root.mkdir()
    for name in ("gone.py", "grown.py", "kept.py", "pipe.py"):
        (root / name).write_text("x = 1\n")
    walked = walk(root)
    (root / "gone.py").unlink()
    (root / "grown.py").write_bytes(b"#" * (MAX_BYTES + 1))
    (root / "pipe.py").unlink()
    os.mkfifo(root / "pipe.py")
    with Index(tmp_path / "index.db", root) as index:
        index.refresh(walked)
        assert [file.path for file in index.files] == ["kept.py"]
        assert index.skipped == (
            Skipped("gone.py", "gone while it was read"),
            Skipped("grown.py", "larger than 1 MiB"),
            Skipped("pipe.py", "not a regular file"),
        )


def test_a_change_that_size_and_time_hide_is_healed(tmp_path: Path) -> None:
    """Once met, a file that was replaced by one of the same size and time is read anew by the next refresh."""
    root = tmp_path / "tree"
    root.mkdir()
    (root / "a.py").write_text("old = 1\n")
    os.utime(root / "a.py", ns=(10**18, 10**18))
    with Index(tmp_path / "index.db", root) as index:
        index.refresh(walk(root))
        (root / "a.py").write_text("new = 2\n")
        os.utime(root / "a.py", ns=(10**18, 10**18))
        index.refresh(walk(root))
        with pytest.raises(FileChangedError, match=r"a\.py changed .* run the command again") as raised:
            index.text(index.files[0])
        assert isinstance(raised.value, RepositoryError)
        index.refresh(walk(root))
        assert index.text(index.files[0]) == "new = 2\n"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_utf_16_with_a_byte_order_mark_is_text(tmp_path: Path, encoding: str) -> None:
    """As editors of another system write it; without the mark it is binary, and UTF-32 always is."""
    root = tmp_path / "tree"
    root.mkdir()
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    (root / "a.cs").write_bytes(f"{mark}class Größe {{ void Run() {{}} }}\r\n".encode(encoding))
    (root / "bare.cs").write_bytes("class B {}\n".encode("utf-16-le"))
    (root / "wide.cs").write_bytes("class W {}\n".encode("utf-32"))
    with Index(tmp_path / "index.db", root) as index:
        index.refresh(walk(root))
        (file,) = index.files
        assert index.text(file) == "class Größe { void Run() {} }\r\n"
        assert [definition.qualified for definition in index.definitions([file])["a.cs"]] == ["Größe", "Größe.Run"]
        assert index.skipped == (Skipped("bare.cs", "binary"), Skipped("wide.cs", "binary"))
