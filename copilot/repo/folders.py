"""The folders of a repository walked without git: ignore files as git reads them, links never followed.

Does not know: which ignored files git tracks anyway (its index is not read), our own rules about what to skip.
"""

import configparser
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from copilot.repo.ignore import IgnoreTree, Rule, read_rules
from copilot.repo.root import is_git_entry

_GIT = b".git"


class Found(NamedTuple):
    """A path relative to the root, with "/" between components; `reason` if it is not to be read whatever it is."""

    path: bytes
    reason: str | None


def walk_folders(root: Path) -> Iterator[Found]:
    """Yield all that lies below `root` and is not ignored, folders excepted, in the order of folder names."""
    top = _top(root)
    folds_case = bool(top) and folds_case_at(root)
    ignored = IgnoreTree(top or root, ".gitignore", _shared_rules(top, folds_case) if top else (), folds_case)
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


def folds_case_at(root: Path) -> bool:
    """Whether ignore patterns match letters of any case in the work tree around `root`: git's `core.ignoreCase`."""
    top = _top(root)
    values = [_setting(path, "ignorecase") for path in _config_files(top)] if top else []
    last = next((value for value in values if value is not None), "false")
    return last.lower() in ("", "true", "yes", "on", "1")


def _top(root: Path) -> Path | None:
    """The folder of the work tree that `root` is in."""
    return next((folder for folder in (root, *root.parents) if is_git_entry(folder / ".git")), None)


def _shared_rules(top: Path, folds_case: bool) -> list[tuple[Rule, ...]]:
    """The patterns that hold for a whole work tree, by falling precedence: the clone's own, then the user's."""
    own, users = _git_folder(top / ".git") / "info" / "exclude", _user_excludes(top)
    return [read_rules(os.fsencode(path), folds_case) for path in (own, users)]


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


def _config_files(top: Path) -> list[Path]:
    """The files that configure git for a work tree, by falling precedence; no others are read."""
    return [_git_folder(top / ".git") / "config", _home() / ".gitconfig", _config_home() / "git" / "config"]


def _home() -> Path:
    return Path(os.environ.get("HOME") or Path.home())


def _config_home() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or _home() / ".config")


def _user_excludes(top: Path) -> Path:
    """The user's own ignore file: `core.excludesFile` of git's configuration, else git's default place."""
    for path in _config_files(top):
        value = _setting(path, "excludesfile")
        if value:
            return _home() / value.strip('"').removeprefix("~/")
    return _config_home() / "git" / "ignore"


def _setting(path: Path, name: str) -> str | None:
    """A setting of git's section core in one file, "" if it has no value, None if it is not there."""
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True, delimiters=("=",))
    try:
        parser.read_string("\n".join(line.strip() for line in path.read_text("utf-8").splitlines()))
        return (parser.get("core", name) or "") if parser.has_option("core", name) else None
    except (OSError, UnicodeDecodeError, configparser.Error):
        return None
