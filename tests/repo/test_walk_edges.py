"""The walk at its edges: folded case, sparse checkouts, what cannot be looked at, and very many files."""

import errno
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copilot.repo.walk import Walk, walk

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="needs the git executable")


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No git configuration but the test's own."""
    home = tmp_path_factory.mktemp("home")
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return home


def git(root: Path, *arguments: str) -> bytes:
    identity = ("-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false")
    return subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True).stdout


def write(root: Path, **files: str) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


def paths(walked: Walk) -> list[str]:
    return [file.path for file in walked.files]


def reasons(walked: Walk) -> dict[str, str]:
    return {skipped.path: skipped.reason for skipped in walked.skipped}


def folding(root: Path, ignored: str) -> Path:
    """A work tree of a clone that folds case."""
    write(root, **{".git/HEAD": "ref: refs/heads/main\n", ".git/config": "[core]\n\tignoreCase = true\n"})
    (root / ".git" / "objects").mkdir()
    (root / ".git" / "refs").mkdir()
    return write(root, **{".gitignore": ignored})


ATOMS = st.sampled_from(
    ["a", "B", "é", "*", "?", "**", "[a-c]", "[A-C]", "[B]", "[!b]", "[[:upper:]]", "\\B", "/", "c"]
)
NAMES = ["a", "A", "b", "B", "ab", "AB", "Bc", "É", "é"]


@needs_git
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(patterns=st.lists(st.lists(ATOMS, min_size=1, max_size=4).map("".join), min_size=1, max_size=4))
def test_folded_case_is_folded_as_git_does(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, patterns: list[str]
) -> None:
    """With `core.ignoreCase` git's list and the folders' walk agree, quirks of its classes included."""
    root = folding(tmp_path_factory.mktemp("tree"), "\n".join(patterns))
    for folder in NAMES[:4]:
        write(root, **{f"{folder}.d/{name}": "" for name in NAMES})
    out = git(root, "ls-files", "-co", "--exclude-standard", "-z")
    expected = sorted(os.fsdecode(path) for path in out.split(b"\0") if path)
    with monkeypatch.context() as context:
        context.setenv("PATH", "")
        assert expected == paths(walk(root))
    shutil.rmtree(root)


def test_our_own_ignore_file_folds_case_where_git_does(tmp_path: Path) -> None:
    """One rule for both files; without the setting, letters mean themselves."""
    root = write(folding(tmp_path, ""), **{".copilotignore": "Notes.*\n", "notes.txt": "", "a.py": ""})
    assert reasons(walk(root)) == {"notes.txt": "matches .copilotignore"}
    (root / ".git" / "config").write_text("[core]\n\tignorecase = false\n")
    assert reasons(walk(root)) == {}


@needs_git
def test_what_a_sparse_checkout_leaves_out_is_told(tmp_path: Path) -> None:
    """Tracked files that are not there for that reason are reported; in a linked worktree too."""
    root = write(tmp_path / "r", **{"kept/a.py": "", "left/b.py": "", "top.py": ""})
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "one")
    git(root, "worktree", "add", "-q", str(tmp_path / "linked"))
    for tree in (root, tmp_path / "linked"):
        git(tree, "sparse-checkout", "set", "--cone", "kept")
        assert paths(walk(tree)) == ["kept/a.py", "top.py"]
        assert reasons(walk(tree)) == {"left/b.py": "not checked out (sparse checkout)"}


@needs_git
@pytest.mark.parametrize(("number", "reason"), [(errno.EACCES, "unreadable"), (errno.ENAMETOOLONG, "path too long")])
def test_what_cannot_be_looked_at_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, reason: str
) -> None:
    """A tracked file behind a closed door is not taken for one that is gone."""
    root = write(tmp_path / "r", **{"a.py": "", "locked/b.py": ""})
    git(root, "init", "-q")
    git(root, "add", ".")
    look = os.lstat

    def refuse(path: bytes) -> os.stat_result:
        if os.fsencode(path).endswith(b"locked/b.py"):
            raise OSError(number, os.strerror(number))
        return look(path)

    monkeypatch.setattr("copilot.repo.walk.os.lstat", refuse)
    walked = walk(root)
    assert (paths(walked), reasons(walked)) == (["a.py"], {"locked/b.py": reason})


@needs_git
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root can read everything")
def test_a_closed_folder_is_reported_through_git_too(tmp_path: Path) -> None:
    """Git leaves it out without a word on stdout."""
    root = write(tmp_path / "r", **{"a.py": "", "locked/b.py": ""})
    git(root, "init", "-q")
    (root / "locked").chmod(0)
    try:
        assert reasons(walk(root)) == {"locked": "unreadable"}
    finally:
        (root / "locked").chmod(0o700)


def test_links_in_a_circle_end_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No link is followed, so none can lead around."""
    write(tmp_path, **{"a.py": "", "folder/b.py": ""})
    (tmp_path / "folder" / "up").symlink_to("..")
    (tmp_path / "self").symlink_to("self")
    monkeypatch.setenv("PATH", "")
    walked = walk(tmp_path)
    assert paths(walked) == ["a.py", "folder/b.py"]
    assert reasons(walked) == {"folder/up": "symlink", "self": "symlink"}


def test_very_many_files_are_walked_in_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve thousand files cost less than a hundred microseconds each."""
    for folder in range(60):
        (tmp_path / f"d{folder}").mkdir()
        for number in range(200):
            (tmp_path / f"d{folder}" / f"f{number}.py").touch()
    monkeypatch.setenv("PATH", "")
    start = time.process_time()
    assert len(walk(tmp_path).files) == 12_000
    assert time.process_time() - start < 4.0
