"""Read-only questions to the git executable: which files there are, and how often they changed.

Nothing a repository configures is run: no fsmonitor, hook, pager, signature check, prompt or lazy fetch. Callers that
compare contents must add `--no-ext-diff --no-textconv` themselves. Does not know: ignore rules, packs, contents.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

TIMEOUT_S = 60.0

_CONFIG = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.quotePath": "off",
    "log.showRoot": "true",
    "log.showSignature": "false",
    "safe.bareRepository": "explicit",
}
_ENVIRONMENT = {
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_PAGER": "cat",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
_KEPT_VARIABLES = ("GIT_CONFIG", "GIT_EXEC_PATH", "GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS_FILESYSTEM")
_SUBMODULE_MODE = b"160000"
_COMMIT_MARK = b"\x01"
_UNREADABLE = re.compile(rb"^warning: could not open directory '(.+?)/': ", re.MULTILINE)


class ListedPath(NamedTuple):
    """One line of `git ls-files`. `path` is relative to the folder asked about; a nested repository ends in "/"."""

    path: bytes
    is_tracked: bool
    is_submodule: bool
    is_sparse: bool = False
    """Tracked, but left out of the work tree by a sparse checkout."""
    is_unreadable: bool = False
    """A folder whose untracked files git could not list."""


@dataclass(frozen=True, slots=True)
class Change:
    """How a path moved in the commits looked at."""

    commits: int
    """How many of them touched it."""
    age: int
    """How many commits came after the last one that touched it; 0 is HEAD."""


@dataclass(frozen=True, slots=True)
class History:
    """The latest commits under a folder, merges left out."""

    head: str
    """Id of HEAD."""
    commits: int
    """How many commits were looked at."""
    changes: Mapping[str, Change]
    """By path, POSIX and relative to the folder; files no longer there are included."""


def run(
    root: Path, *arguments: str, timeout_s: float = TIMEOUT_S, stdin: bytes = b"", index: Path | None = None
) -> bytes | None:
    """Return what `git ARGUMENTS` prints in `root`; None if git is missing, refuses or takes too long.

    `index` is a file to use instead of the repository's own index, as git has one while it commits.
    """
    done = _run(root, arguments, timeout_s, stdin, index)
    return done.stdout if done else None


def _run(
    root: Path, arguments: Sequence[str], timeout_s: float, stdin: bytes = b"", index: Path | None = None
) -> subprocess.CompletedProcess[bytes] | None:
    executable = shutil.which("git")
    if executable is None:
        return None
    settings = [part for name, value in _CONFIG.items() for part in ("-c", f"{name}={value}")]
    try:
        done = subprocess.run(
            [executable, "--no-pager", *settings, *arguments],
            cwd=root,
            env=environment() | ({} if index is None else {"GIT_INDEX_FILE": str(index)}),
            input=stdin,
            capture_output=True,
            timeout=timeout_s,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done if done.returncode == 0 else None


def environment() -> dict[str, str]:
    """The caller's variables without those that point git at another repository, index or program."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith(_KEPT_VARIABLES)
    }
    return kept | _ENVIRONMENT


def list_paths(root: Path) -> list[ListedPath] | None:
    """Return tracked and untracked, not ignored paths below `root`, each once; None if `root` is in no work tree."""
    done = _run(root, ("ls-files", "-t", "-s", "-c", "-o", "--exclude-standard", "-z"), TIMEOUT_S)
    if done is None:
        return None
    listed: dict[bytes, ListedPath] = {}
    for path in _UNREADABLE.findall(done.stderr):
        listed[path] = ListedPath(path, is_tracked=False, is_submodule=False, is_unreadable=True)
    for entry in done.stdout.split(b"\0"):
        if entry.startswith(b"? "):
            path = entry[2:]
            listed.setdefault(path, ListedPath(path, is_tracked=False, is_submodule=False))
        elif entry:
            described, _, path = entry.partition(b"\t")
            tag, mode = described.split(b" ")[:2]
            is_submodule, is_sparse = mode == _SUBMODULE_MODE, tag == b"S"
            listed.setdefault(path, ListedPath(path, True, is_submodule, is_sparse))
    return [listed[path] for path in sorted(listed)]


def without_filters(root: Path) -> list[str]:
    """Arguments that keep git from running the filters which a repository configures for its files."""
    out = run(root, "config", "--name-only", "-z", "--get-regexp", r"^filter\..*\.(clean|smudge|process|required)$")
    names = sorted({name.decode("utf-8", "surrogateescape") for name in (out or b"").split(b"\0") if name})
    return [part for name in names for part in ("-c", f"{name}={'false' if name.endswith('.required') else ''}")]


def head(root: Path) -> str | None:
    """Return the id of HEAD; None without git, repository or commit."""
    out = run(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    return out.decode("ascii").strip() if out else None


def change_history(root: Path, limit: int = 1000) -> History | None:
    """Return how often and how lately paths under `root` changed in its last `limit` commits; None without any."""
    commit = head(root)
    if commit is None:
        return None
    out = run(
        root, "log", f"--max-count={limit}", "--no-merges", "--format=%x01%H", "--name-only", "-z", "--no-renames",
        "--no-color", "--no-show-signature", "--no-notes", "--relative", commit, "--", ".",
    )  # fmt: skip
    return History(commit, *_count(out)) if out is not None else None


def _count(out: bytes) -> tuple[int, dict[str, Change]]:
    """Number of commits, and by path what they did; `out` is marked ids, each followed by a newline and its names."""
    commits = 0
    changes: dict[str, Change] = {}
    for entry in out.split(b"\0"):
        if entry.startswith(_COMMIT_MARK):
            commits += 1
        elif entry:
            path = os.fsdecode(entry.removeprefix(b"\n"))
            known = changes.get(path)
            changes[path] = Change(known.commits + 1, known.age) if known else Change(1, commits - 1)
    return commits, changes
