"""`copilot hook`: it stops bad commits, lets all others pass, and leaves no trace."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from copilot.testing import make_repo, run_git

BAD = "def area(width):\n    breakpoint()\n    return width\n"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repo(tmp_path / "project", {"area.py": "def area(width):\n    return width\n"})


def commit(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """`git commit` as a user runs it, hooks and all."""
    identity = {f"GIT_{who}_{what}": "x@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    command = ["git", "-C", str(root), "commit", "--quiet", "--message=more", *options]
    return subprocess.run(command, env=environment | identity, capture_output=True, text=True, check=False)


def test_a_bad_commit_is_stopped_and_a_good_one_is_not(repo: Path, run: Any) -> None:
    """The findings are shown; --no-verify goes past them."""
    assert run("hook", "install", "-C", repo).code == 0
    (repo / "area.py").write_text(BAD)
    run_git(repo, "add", "--all")
    stopped = commit(repo)
    assert stopped.returncode == 1
    assert "debugger-left" in stopped.stderr
    assert commit(repo, "--no-verify").returncode == 0
    (repo / "b.py").write_text("x = 1\n")
    run_git(repo, "add", "--all")
    assert commit(repo).returncode == 0


def test_commit_all_is_reviewed_as_it_will_be(repo: Path, run: Any) -> None:
    """`git commit -a` commits more than the index held; that is what is reviewed."""
    run("hook", "install", "-C", repo)
    (repo / "area.py").write_text(BAD)
    assert commit(repo, "--all").returncode == 1
    (repo / "area.py").write_text("def area(width):\n    return width + 1\n")
    assert commit(repo, "area.py").returncode == 0


def test_a_hook_that_was_there_runs_first_and_comes_back(repo: Path, run: Any) -> None:
    """Installing twice and uninstalling leaves the hook as it was, byte for byte."""
    hook = repo / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho ran before >&2\ntest ! -e stop\n")
    hook.chmod(0o755)
    before = hook.read_bytes(), hook.stat().st_mode
    run("hook", "install", "-C", repo)
    run("hook", "install", "-C", repo, "--fail-on", "never")
    (repo / "b.py").write_text(BAD)
    run_git(repo, "add", "--all")
    (repo / "stop").touch()
    assert commit(repo).returncode == 1
    (repo / "stop").unlink()
    done = commit(repo)
    assert (done.returncode, "ran before" in done.stderr) == (0, True)
    assert run("hook", "uninstall", "-C", repo).code == 0
    assert (hook.read_bytes(), hook.stat().st_mode) == before
    assert sorted(path.name for path in hook.parent.iterdir() if "copilot" in path.name) == []


def test_a_configured_hooks_folder_is_used(repo: Path, run: Any) -> None:
    """core.hooksPath is where git looks, so it is where the hook goes."""
    run_git(repo, "config", "core.hooksPath", "hooks")
    assert run("hook", "install", "-C", repo, "--json").json["path"] == str(repo / "hooks" / "pre-commit")
    assert (repo / "hooks" / "pre-commit").stat().st_mode & 0o111
    run("hook", "uninstall", "-C", repo)
    assert not (repo / "hooks" / "pre-commit").exists()


def test_a_hook_that_is_part_of_the_repository_is_left_alone(repo: Path, run: Any) -> None:
    """A tracked hook is the project's; the error says which line to add."""
    run_git(repo, "config", "core.hooksPath", "hooks")
    (repo / "hooks").mkdir()
    (repo / "hooks" / "pre-commit").write_text("#!/bin/sh\n")
    run_git(repo, "add", "--all")
    refused = run("hook", "install", "-C", repo)
    assert refused.code == 2
    assert "by hand" in refused.err


def test_uninstalling_what_is_not_ours_is_refused(repo: Path, run: Any) -> None:
    """A hook of someone else is never removed."""
    hook = repo / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\n")
    assert run("hook", "uninstall", "-C", repo).code == 2
    assert hook.read_text() == "#!/bin/sh\n"


def test_a_review_that_cannot_run_stops_no_commit(repo: Path, run: Any) -> None:
    """Only findings do: a missing interpreter or a broken setting lets the commit go on."""
    run("hook", "install", "-C", repo)
    (repo / ".copilot.toml").write_text("nonsense = 1\n")
    (repo / "area.py").write_text(BAD)
    run_git(repo, "add", "--all")
    assert commit(repo).returncode == 0
