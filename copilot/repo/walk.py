"""Which files of a repository are read, and why the others are not.

The files are those of `git ls-files -co --exclude-standard` minus what the rules below skip, each with its reason.
Where git cannot answer, the folders are walked by the same ignore rules. Does not know: content, beyond `lstat`.
"""

import errno
import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from copilot.repo.folders import Found, folds_case_at, walk_folders
from copilot.repo.git import ListedPath, list_paths
from copilot.repo.ignore import IgnoreTree, unknown
from copilot.repo.names import reason_by_name

IGNORE_NAME = ".copilotignore"
MAX_BYTES = 1 << 20
TOO_LARGE = "larger than 1 MiB"
_USER = os.geteuid() if hasattr(os, "geteuid") else None
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class WalkedFile(NamedTuple):
    """A regular file to read."""

    path: str
    """POSIX, relative to the root."""
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """A path that is left out, and the reason in words."""

    path: str
    """As in `WalkedFile`, but bytes that are not UTF-8 and control characters are written as escapes."""
    reason: str


@dataclass(frozen=True, slots=True)
class Walk:
    """What was found under a root; both lists are sorted by path."""

    root: Path
    files: tuple[WalkedFile, ...]
    skipped: tuple[Skipped, ...]


def walk(root: Path) -> Walk:
    """Return the files to read below `root`, an existing folder. Tracked files that are gone are left out silently."""
    root = root.resolve()
    top = os.fsencode(root)
    own = IgnoreTree(root, IGNORE_NAME, folds_case=folds_case_at(root))
    judged = [_judge(top, found, own) for found in _found(root)]
    files = [entry for entry in judged if isinstance(entry, WalkedFile)]
    skipped = [entry for entry in judged if isinstance(entry, Skipped)]
    return Walk(
        root,
        tuple(sorted(files, key=lambda file: file.path)),
        tuple(sorted(skipped, key=lambda entry: (entry.path, entry.reason))),
    )


def _found(root: Path) -> Iterable[Found]:
    listed = list_paths(root)
    if listed is None:
        return walk_folders(root)
    return _from_git(os.fsencode(root), listed)


def _from_git(top: bytes, listed: Iterable[ListedPath]) -> Iterator[Found]:
    """What git lists, without paths that now lead through a link: for git these are deleted."""
    real: dict[bytes, bool] = {b"": True}

    def is_real(folder: bytes) -> bool:
        for part, above in unknown(folder, real):
            status = _lstat(top, part) if real[above] else None
            real[part] = isinstance(status, str) or (status is not None and stat.S_ISDIR(status.st_mode))
        return real[folder]

    for entry in listed:
        path = entry.path
        if entry.is_submodule:
            yield Found(path, "submodule")
        elif entry.is_unreadable:
            if not os.access(top + b"/" + path, os.R_OK | os.X_OK):
                yield Found(path, "unreadable")
        elif path.endswith(b"/"):
            yield Found(path[:-1], "nested repository")
        elif is_real(path.rpartition(b"/")[0]):
            is_left_out = entry.is_sparse and _lstat(top, path) is None
            yield Found(path, "not checked out (sparse checkout)" if is_left_out else None)
        elif entry.is_sparse:
            yield Found(path, "not checked out (sparse checkout)")


def _judge(top: bytes, found: Found, own: IgnoreTree) -> WalkedFile | Skipped | None:
    """Decide about one path; None if there is nothing at it any more."""
    if found.reason:
        return Skipped(_printable(found.path), found.reason)
    status = _lstat(top, found.path)
    if status is None:
        return None
    if isinstance(status, str):
        return Skipped(_printable(found.path), status)
    reason = _reason_by_kind(top, found.path, status) or _reason_by_rule(top, found.path, status, own)
    if reason:
        return Skipped(_printable(found.path), reason)
    return WalkedFile(os.fsdecode(found.path), status.st_size, status.st_mtime_ns)


def _lstat(top: bytes, path: bytes) -> os.stat_result | str | None:
    """What is at a path; None if nothing is, or in words why that cannot be told."""
    try:
        return os.lstat(top + b"/" + path)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    except OSError as error:
        return "path too long" if error.errno == errno.ENAMETOOLONG else "unreadable"


def _reason_by_kind(top: bytes, path: bytes, status: os.stat_result) -> str | None:
    """Why this is nothing to read, by its kind and the bytes of its name."""
    if stat.S_ISLNK(status.st_mode):
        target = os.path.realpath(top + b"/" + path)
        inside = target == top or target.startswith(top.rstrip(b"/") + b"/")
        return "symlink" if inside else "symlink out of the repository"
    if not stat.S_ISREG(status.st_mode):
        return "not a regular file"
    try:
        name = path.decode("utf-8")
    except UnicodeDecodeError:
        return "name is not UTF-8"
    return "control character in the name" if _CONTROLS.search(name) else None


def _reason_by_rule(top: bytes, path: bytes, status: os.stat_result, own: IgnoreTree) -> str | None:
    """Why a regular file is left out by our own rules."""
    if own.leaves_out(path, is_folder=False):
        return f"matches {IGNORE_NAME}"
    reason = reason_by_name(path.decode("utf-8"))
    if reason is None and status.st_size > MAX_BYTES:
        reason = TOO_LARGE
    if reason is None and not (_is_own(status) or os.access(top + b"/" + path, os.R_OK)):
        reason = "unreadable"
    return reason


def _is_own(status: os.stat_result) -> bool:
    """Whether the file is the user's, for him to read; others are asked for, which takes longer."""
    return bool(status.st_mode & stat.S_IRUSR) and status.st_uid == _USER


def _printable(path: bytes) -> str:
    text = path.decode("utf-8", "backslashreplace")
    return _CONTROLS.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)
