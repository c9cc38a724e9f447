"""What changed, as git tells it: every state of a repository, and nothing that a repository configures is run."""

from collections.abc import Callable
from pathlib import Path

import pytest

from copilot.errors import DiffError
from copilot.repo.changes import Changes, between, from_diff, staged, uncommitted, unstaged
from copilot.testing import make_repo, run_git

OLD = "one\ntwo\nthree\n"
NEW = "one\nTWO\nthree\n"


def write(root: Path, path: str, content: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(content.encode())


def commit(root: Path, message: str = "more") -> None:
    run_git(root, "add", "--all")
    run_git(root, "commit", "--quiet", "--allow-empty", f"--message={message}")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_repo(tmp_path / "project", {"a.txt": OLD, "b.txt": OLD})


def texts(changes: object) -> dict[str, tuple[str | None, str | None]]:
    return {file.path: (file.old_text, file.new_text) for file in changes.files}  # type: ignore[attr-defined]


def test_staged_and_unstaged_changes_are_kept_apart(root: Path) -> None:
    """The index is what the next commit holds; the work tree is what differs from it."""
    write(root, "a.txt", NEW)
    run_git(root, "add", "a.txt")
    write(root, "a.txt", "other\n")
    assert texts(staged(root)) == {"a.txt": (OLD, NEW)}
    assert texts(unstaged(root)) == {"a.txt": (NEW, "other\n")}
    assert staged(root).after.text("a.txt") == NEW
    assert unstaged(root).after.text("a.txt") == "other\n"
    assert staged(root).after.text("b.txt") == OLD


def test_uncommitted_changes_are_both_as_the_work_tree_has_them(root: Path) -> None:
    """What is staged and what is not are one change from HEAD to the files; before a first commit, from nothing."""
    write(root, "a.txt", NEW)
    run_git(root, "add", "a.txt")
    write(root, "a.txt", "other\n")
    write(root, "b.txt", NEW)
    assert texts(uncommitted(root)) == {"a.txt": (OLD, "other\n"), "b.txt": (OLD, NEW)}
    assert uncommitted(root).after.text("b.txt") == NEW
    fresh = root.parent / "fresh"
    fresh.mkdir()
    run_git(fresh, "init", "--quiet")
    write(fresh, "new.txt", OLD)
    run_git(fresh, "add", "new.txt")
    assert texts(uncommitted(fresh)) == {"new.txt": (None, OLD)}


@pytest.mark.parametrize("change", [unstaged, uncommitted])
def test_new_files_that_git_does_not_know_are_named(root: Path, change: Callable[[Path], Changes]) -> None:
    """None is left out silently: a folder of them is one line, and what is ignored is none of them."""
    for name in ("new.py", "made/one.py", "made/two.py", "kept.log"):
        write(root, name, NEW)
    write(root, ".gitignore", "*.log\n")
    skipped = change(root).skipped
    assert [path for path, _ in skipped] == [".gitignore", "made/", "new.py"]
    assert all("git add" in reason for _, reason in skipped)
    assert staged(root).skipped == ()


def test_ranges_and_single_commits_are_compared(root: Path) -> None:
    """Two dots compare two commits, three dots look back to where they parted, one commit to its parent."""
    run_git(root, "checkout", "--quiet", "-b", "side")
    write(root, "a.txt", NEW)
    commit(root)
    run_git(root, "checkout", "--quiet", "main")
    write(root, "b.txt", NEW)
    commit(root)
    assert texts(between(root, "main..side")) == {"a.txt": (OLD, NEW), "b.txt": (NEW, OLD)}
    assert texts(between(root, "main...side")) == {"a.txt": (OLD, NEW)}
    assert texts(between(root, "side")) == {"a.txt": (OLD, NEW)}
    assert texts(between(root, "side..")) == {"a.txt": (NEW, OLD), "b.txt": (OLD, NEW)}
    assert texts(between(root, "HEAD~1")) == {"a.txt": (None, OLD), "b.txt": (None, OLD)}


@pytest.mark.parametrize(
    "revisions", ["nowhere", "a.txt", "--output=x", "main..nowhere", "..-x", "^main", "HEAD:a.txt"]
)
def test_what_is_no_commit_is_refused(root: Path, revisions: str) -> None:
    """A name that is no commit, or looks like an option, is an error and nothing else."""
    with pytest.raises(DiffError, match="names no commit"):
        between(root, revisions)
    assert not (root / "x").exists()


def test_a_repository_without_commits_has_staged_changes(tmp_path: Path) -> None:
    """Before the first commit everything staged is new."""
    run_git(tmp_path, "init", "--quiet")
    write(tmp_path, "a.txt", NEW)
    run_git(tmp_path, "add", "a.txt")
    assert texts(staged(tmp_path)) == {"a.txt": (None, NEW)}
    assert texts(unstaged(tmp_path)) == {}


def test_no_repository_is_an_error_that_names_the_way_out(tmp_path: Path) -> None:
    """Without git there is nothing staged."""
    with pytest.raises(DiffError, match="--diff FILE"):
        staged(tmp_path)


def test_renames_modes_binaries_and_submodules_are_told(root: Path) -> None:
    """What has no text says why."""
    (root / "a.txt").rename(root / "c.txt")
    (root / "b.txt").chmod(0o755)
    (root / "p.bin").write_bytes(b"\0\1")
    make_repo(root / "sub", {"x": "1"})
    commit(root / "sub")
    run_git(root, "-c", "advice.addEmbeddedRepo=false", "add", "--all")
    found = {file.path: file for file in staged(root).files}
    assert (found["c.txt"].diff.status, found["c.txt"].diff.old_path) == ("renamed", "a.txt")
    assert (found["b.txt"].diff.old_mode, found["b.txt"].diff.new_mode) == ("100644", "100755")
    assert {path: file.note for path, file in found.items() if file.note} == {"p.bin": "binary", "sub": "submodule"}


def test_carriage_returns_and_missing_newlines_are_kept(root: Path) -> None:
    """Both texts are those of the files, byte for byte."""
    write(root, "a.txt", "one\r\ntwo")
    run_git(root, "add", "a.txt")
    assert texts(staged(root)) == {"a.txt": (OLD, "one\r\ntwo")}


def test_a_conflict_is_unstaged_and_said_to_be_skipped_when_staged(root: Path) -> None:
    """A file in conflict is no part of the next commit, and its markers are part of the work tree."""
    run_git(root, "checkout", "--quiet", "-b", "side")
    write(root, "a.txt", "side\n")
    commit(root)
    run_git(root, "checkout", "--quiet", "main")
    write(root, "a.txt", "main\n")
    commit(root)
    with pytest.raises(Exception, match="merge"):
        run_git(root, "merge", "--quiet", "side")
    assert [path for path, _ in staged(root).skipped] == ["a.txt"]
    (file,) = unstaged(root).files
    assert file.diff.status == "unmerged"
    assert "<<<<<<< HEAD" in [line.text for line in file.diff.hunks[0].added]


def test_a_foreign_diff_is_fitted_whether_applied_or_not(root: Path) -> None:
    """A diff file says which side the work tree is on."""
    raw = b"--- project.orig/a.txt\n+++ project/a.txt\n@@ -1,3 +1,3 @@\n one\n-two\n+TWO\n three\n"
    assert texts(from_diff(root, raw)) == {"a.txt": (OLD, NEW)}
    assert from_diff(root, raw).after.text("a.txt") == NEW
    write(root, "a.txt", NEW)
    assert texts(from_diff(root, raw)) == {"a.txt": (OLD, NEW)}
    write(root, "a.txt", "nothing of it\n")
    (file,) = from_diff(root, raw).files
    assert file.note.startswith("does not match the files here")


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "a/../../secret", ".git/config"])
def test_a_foreign_diff_reads_nothing_outside_the_repository(root: Path, path: str) -> None:
    """A path that leaves the repository is skipped and said."""
    (root.parent / "secret").write_text("one\n")
    raw = f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-one\n+two\n".encode()
    (file,) = from_diff(root, raw).files
    assert file.old_text is None
    assert "secret" not in (file.new_text or "")


def test_a_link_out_of_the_repository_is_not_followed(root: Path) -> None:
    """A symlink is its target's name, not its target's content."""
    (root.parent / "secret").write_text("one\n")
    (root / "link").symlink_to("../secret")
    assert unstaged(root).after.text("link") == "../secret"


@pytest.mark.parametrize("raw", [b"hello\n", b"\0\1\2", b"commit 1234\n"])
def test_what_is_no_diff_is_refused(root: Path, raw: bytes) -> None:
    """Text without any file is an error, an empty diff is not."""
    with pytest.raises(DiffError, match="no unified diff"):
        from_diff(root, raw)
    assert from_diff(root, b"").files == ()


def test_nothing_a_repository_configures_is_run(root: Path) -> None:
    """External diffs, text conversions, filters, monitors and hooks of a hostile repository stay quiet."""
    trap = root.parent / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {root.parent}/sprung\ncat\n")
    trap.chmod(0o755)
    for name in ("diff.external", "diff.x.textconv", "diff.x.command", "filter.x.clean", "filter.x.smudge",
                 "filter.y.process", "core.fsmonitor", "core.pager", "pager.diff", "core.sshCommand"):  # fmt: skip
        run_git(root, "config", name, str(trap))
    run_git(root, "config", "diff.noprefix", "true")
    run_git(root, "config", "color.ui", "always")
    write(root, ".gitattributes", "*.txt diff=x filter=x\n*.md filter=y\n")
    write(root, "a.txt", NEW)
    write(root, "n.md", NEW)
    (root / ".git" / "hooks" / "post-index-change").write_bytes(trap.read_bytes())
    changes = unstaged(root)
    assert texts(changes) == {"a.txt": (OLD, NEW)}
    assert changes.after.mentioning(["TWO"]) == ["a.txt"]
    staged(root)
    between(root, "HEAD")
    assert not (root.parent / "sprung").exists()


def test_words_are_found_in_the_state_a_change_leads_to(root: Path) -> None:
    """Whole words only, in the right tree, patches not applied yet included."""
    write(root, "a.txt", "needle\nneedles\n")
    commit(root)
    write(root, "a.txt", OLD)
    assert between(root, "HEAD").after.mentioning(["needle", "two"]) == ["a.txt", "b.txt"]
    assert unstaged(root).after.mentioning(["needle"]) == []
    raw = b"--- a/b.txt\n+++ b/b.txt\n@@ -1,3 +1,4 @@\n one\n two\n three\n+needle\n"
    assert from_diff(root, raw).after.mentioning(["needle"]) == ["b.txt"]
