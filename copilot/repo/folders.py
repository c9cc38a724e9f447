"""The folders of a repository walked without git: ignore files as git reads them, links never followed.

Does not know: which ignored files git tracks anyway (its index is not read), our own rules about what to skip.
"""

import configparser
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from copilot.repo.ignore import IgnoreTree, Rule, read_rules
from copilot.repo.root import is_git_entry

_GIT = b".git"


@dataclass(frozen=True, slots=True)
class Found:
    """A path relative to the root, with "/" between components; `reason` if it is not to be read whatever it is."""

    path: bytes
    reason: str | None


def walk_folders(root: Path) -> Iterator[Found]:
    """Yield all that lies below `root` and is not ignored, folders excepted, in the order of folder names."""
    top = next((folder for folder in (root, *root.parents) if is_git_entry(folder / ".git")), None)
    ignored = IgnoreTree(top or root, ".gitignore", _shared_rules(top) if top else ())
    prefix = os.fsencode(root.relative_to(top).as_posix()) if top and top != root else b""
    if prefix and ignored.leaves_out(prefix, is_folder=True):
        return
    base = os.fsencode(root)
    waiting = [b""]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(base + b"/" + folder if folder else base) as entries:
                present = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
        except OSError:
            yield Found(folder or b".", "unreadable")
            continue
        below = []
        for name, is_folder in present:
            path = folder + b"/" + name if folder else name
            if name == _GIT or ignored.leaves_out(prefix + b"/" + path if prefix else path, is_folder):
                continue
            if not is_folder:
                yield Found(path, None)
            elif is_git_entry(Path(os.fsdecode(base + b"/" + path)) / ".git"):
                yield Found(path, "nested repository")
            else:
                below.append(path)
        waiting.extend(reversed(below))


def _shared_rules(top: Path) -> list[tuple[Rule, ...]]:
    """The patterns that hold for a whole work tree, by falling precedence: the clone's own, then the user's."""
    git_folder = _git_folder(top / ".git")
    return [read_rules(os.fsencode(path)) for path in (git_folder / "info" / "exclude", _user_excludes())]


def _git_folder(entry: Path) -> Path:
    """Follow the file that stands for `.git` in worktrees and submodules; `info/` lies in the main repository."""
    if entry.is_dir():
        return entry
    try:
        line = entry.read_text("utf-8", "surrogateescape").strip()
        folder = entry.parent / line.removeprefix("gitdir:").strip()
        common = folder / "commondir"
        return folder / common.read_text("utf-8", "surrogateescape").strip() if common.is_file() else folder
    except OSError:
        return entry


def _user_excludes() -> Path:
    """The user's own ignore file: `core.excludesFile` of the user's git configuration, else git's default place."""
    home = Path(os.environ.get("HOME") or Path.home())
    config_home = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    for path in (home / ".gitconfig", config_home / "git" / "config"):
        parser = configparser.RawConfigParser(strict=False, allow_no_value=True, delimiters=("=",))
        try:
            parser.read_string("\n".join(line.strip() for line in path.read_text("utf-8").splitlines()))
            value = parser.get("core", "excludesfile", fallback=None)
        except (OSError, UnicodeDecodeError, configparser.Error):
            continue
        if value:
            return home / value.strip('"').removeprefix("~/")
    return config_home / "git" / "ignore"
