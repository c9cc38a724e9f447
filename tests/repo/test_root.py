"""The project root of a path."""

from pathlib import Path

import pytest

from copilot.errors import RepositoryError
from copilot.repo.root import Root, find_root


def test_the_nearest_mark_wins(tmp_path: Path) -> None:
    """A settings file makes a folder of a work tree a project of its own."""
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    inner = tmp_path / "packages" / "one"
    (inner / "src").mkdir(parents=True)
    (inner / ".copilot.toml").write_text("")
    assert Root(inner, ".copilot.toml") == find_root(inner / "src")
    assert Root(tmp_path, ".git") == find_root(tmp_path / "packages")


def test_git_comes_before_settings_in_one_folder(tmp_path: Path) -> None:
    """`.git` may be a file, as in worktrees and submodules."""
    (tmp_path / ".git").write_text("gitdir: elsewhere\n")
    (tmp_path / ".copilot.toml").write_text("")
    assert Root(tmp_path, ".git") == find_root(tmp_path)


def test_a_file_stands_for_its_folder(tmp_path: Path) -> None:
    """Editors name files."""
    (tmp_path / ".copilot.toml").write_text("")
    (tmp_path / "a.py").write_text("")
    assert Root(tmp_path, ".copilot.toml") == find_root(tmp_path / "a.py")


def test_an_empty_git_folder_is_no_mark(tmp_path: Path) -> None:
    """Only a folder with HEAD is a repository."""
    (tmp_path / "a" / ".git").mkdir(parents=True)
    (tmp_path / ".copilot.toml").write_text("")
    assert Root(tmp_path, ".copilot.toml") == find_root(tmp_path / "a")


def test_links_are_resolved(tmp_path: Path) -> None:
    """The same project has one root, however it is reached."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / ".copilot.toml").write_text("")
    (tmp_path / "link").symlink_to("real")
    assert Root(tmp_path / "real", ".copilot.toml") == find_root(tmp_path / "link")


def test_a_missing_path_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    """One line, with the option to use."""
    with pytest.raises(RepositoryError, match=r"nowhere cannot be opened; name an existing folder with -C PATH$"):
        find_root(tmp_path / "nowhere")
