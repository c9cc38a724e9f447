"""The project root: which folder a path belongs to, and what made it one.

Does not know: git commands, ignore rules, settings; it only looks whether names exist.
"""

from dataclasses import dataclass
from pathlib import Path

from copilot.errors import RepositoryError

CONFIG_NAME = ".copilot.toml"


@dataclass(frozen=True, slots=True)
class Root:
    """A project root and what it was recognised by."""

    path: Path
    """Absolute, symlinks resolved."""
    found_by: str
    """".git", ".copilot.toml" or "path"."""


def find_root(path: Path) -> Root:
    """Return the nearest folder at or above `path` that holds `.git` or `.copilot.toml`, else `path` itself.

    A file stands for the folder it is in. Raises RepositoryError if `path` does not exist.
    """
    try:
        start = path.resolve(strict=True)
    except (OSError, RuntimeError) as exc:
        raise RepositoryError(f"{path} cannot be opened; name an existing folder with -C PATH") from exc
    if not start.is_dir():
        start = start.parent
    for folder in (start, *start.parents):
        if is_git_entry(folder / ".git"):
            return Root(folder, ".git")
        if (folder / CONFIG_NAME).is_file():
            return Root(folder, CONFIG_NAME)
    return Root(start, "path")


def is_git_entry(path: Path) -> bool:
    """Tell whether `path` is a `.git` that means something: a folder with HEAD, or a worktree's or submodule's file."""
    try:
        return path.is_file() or (path / "HEAD").is_file() or (path / "HEAD").is_symlink()
    except OSError:
        return False
