"""Questions to git: safe on a hostile repository, deterministic, and None where git cannot answer."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from copilot.repo.git import Change, ListedPath, change_history, head, list_paths, run

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs the git executable")


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No git configuration but the test's own."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


def git(root: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)


def commit(root: Path, **files: str) -> None:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "more")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "-b", "main")
    return tmp_path


def test_history_counts_commits_and_ages_in_commits(root: Path) -> None:
    """A path's age is the number of commits after the last one that touched it: no clock is involved."""
    commit(root, **{"a.py": "1", "b c/é.py": "1"})
    commit(root, **{"a.py": "2"})
    commit(root, **{"a.py": "3"})
    history = change_history(root)
    assert history is not None
    assert history.commits == 3
    assert {"a.py": Change(3, 0), "b c/é.py": Change(1, 2)} == dict(history.changes)
    assert head(root) == history.head


def test_history_looks_at_a_limited_number_of_commits(root: Path) -> None:
    """A long history costs no more than the limit."""
    for content in "1234":
        commit(root, **{f"{content}.py": content})
    history = change_history(root, limit=2)
    assert history is not None
    assert sorted(history.changes) == ["3.py", "4.py"]


def test_history_of_a_folder_is_its_own(root: Path) -> None:
    """Paths are relative to the folder, and commits elsewhere do not age it."""
    commit(root, **{"sub/a.py": "1", "b.py": "1"})
    commit(root, **{"b.py": "2"})
    history = change_history(root / "sub")
    assert history is not None
    assert {"a.py": Change(1, 0)} == dict(history.changes)


def test_paths_are_listed_once_and_marked(root: Path) -> None:
    """Tracked and untracked, with the bytes of their names, ignored ones left out."""
    commit(root, **{"a\nb.py": "", ".gitignore": "*.log\n"})
    (root / "new.py").write_text("")
    (root / "x.log").write_text("")
    expected = [
        ListedPath(b".gitignore", is_tracked=True, is_submodule=False),
        ListedPath(b"a\nb.py", is_tracked=True, is_submodule=False),
        ListedPath(b"new.py", is_tracked=False, is_submodule=False),
    ]
    assert expected == list_paths(root)


def test_a_conflicted_file_is_listed_once(root: Path) -> None:
    """Its three stages are one path."""
    commit(root, **{"a.py": "1"})
    git(root, "checkout", "-q", "-b", "other")
    commit(root, **{"a.py": "2"})
    git(root, "checkout", "-q", "main")
    commit(root, **{"a.py": "3"})
    with pytest.raises(subprocess.CalledProcessError):
        git(root, "merge", "other")
    assert [ListedPath(b"a.py", is_tracked=True, is_submodule=False)] == list_paths(root)


def _sign_head(root: Path) -> None:
    """Give HEAD a signature nobody can check, which makes git start the program configured for that."""
    shown = subprocess.run(["git", "cat-file", "commit", "HEAD"], cwd=root, check=True, capture_output=True).stdout
    headers, _, message = shown.partition(b"\n\n")
    signature = b"gpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----"
    signed = headers + b"\n" + signature + b"\n\n" + message
    write = ["git", "hash-object", "-t", "commit", "-w", "--stdin"]
    made = subprocess.run(write, cwd=root, check=True, capture_output=True, input=signed).stdout.decode().strip()
    git(root, "reset", "--soft", made)


def test_nothing_a_repository_configures_is_run(root: Path) -> None:
    """A hostile clone may name programs everywhere git looks for them; none of them is started."""
    commit(root, **{"a.py": "1"})
    _sign_head(root)
    trap = root / "trap"
    trap.write_text(f"#!/bin/sh\necho $0 >> '{root}/sprung'\n")
    trap.chmod(0o755)
    for setting in (
        "core.fsmonitor", "core.pager", "pager.log", "core.editor", "core.sshCommand", "core.askPass", "diff.external",
        "gpg.program", "credential.helper", "filter.x.clean", "filter.x.process", "diff.x.textconv", "diff.x.command",
    ):  # fmt: skip
        git(root, "config", setting, str(trap))
    git(root, "config", "log.showSignature", "true")
    git(root, "config", "core.hooksPath", str(root / "hooks"))
    (root / "hooks").mkdir()
    for hook in ("post-index-change", "fsmonitor-watchman", "pre-auto-gc", "reference-transaction"):
        shutil.copy(trap, root / "hooks" / hook)
    (root / ".gitattributes").write_text("* filter=x diff=x\n")
    (root / "a.py").write_text("2")
    assert list_paths(root) is not None
    assert change_history(root) is not None
    assert not (root / "sprung").exists()


def test_variables_that_point_git_elsewhere_are_not_passed_on(
    root: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Inside a hook git sets them for its own repository, which need not be the one asked about."""
    commit(root, **{"a.py": "1"})
    other = tmp_path_factory.mktemp("other")
    git(other, "init", "-q")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    assert [ListedPath(b"a.py", is_tracked=True, is_submodule=False)] == list_paths(root)


def test_no_answer_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No repository, no commit, no executable: None, never an exception."""
    assert [list_paths(tmp_path), head(tmp_path), change_history(tmp_path)] == [None, None, None]
    git(tmp_path, "init", "-q")
    assert [list_paths(tmp_path), head(tmp_path), change_history(tmp_path)] == [[], None, None]
    monkeypatch.setenv("PATH", "")
    assert run(tmp_path, "status") is None
