"""Unified diffs as values: files, hunks and lines, and their text as git writes it.

Lines end at "\\n" and nowhere else, so a carriage return is part of its line. Bytes that are not UTF-8 are lone
surrogates. Does not know: how a diff is read, git, trees, whether a diff fits any file.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from copilot.repo.quoting import quoted

Sign = Literal[" ", "+", "-"]
Status = Literal["added", "deleted", "modified", "renamed", "copied", "unmerged"]

SUBMODULE_MODE = "160000"
NO_NEWLINE = "\\ No newline at end of file"
"""Stands below the last line of a file that does not end with a newline."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a hunk, without its line end. Numbers are 1-based, None on the side that lacks the line."""

    sign: Sign
    text: str
    old: int | None
    new: int | None
    has_newline: bool = True
    """False for the last line of a file that does not end with one."""


@dataclass(frozen=True, slots=True)
class Hunk:
    """One run of changed lines with its context."""

    old_start: int
    """1-based; with a count of 0, the line after which the hunk applies."""
    old_count: int
    new_start: int
    new_count: int
    heading: str
    """What stands behind the second @@."""
    lines: tuple[Line, ...]

    @property
    def added(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.sign == "+")

    @property
    def removed(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.sign == "-")


@dataclass(frozen=True, slots=True)
class FileDiff:
    """What happens to one file. Paths are POSIX, without `a/` and `b/`."""

    old_path: str | None
    """None for an added file."""
    new_path: str | None
    """None for a deleted file."""
    status: Status
    old_mode: str = ""
    new_mode: str = ""
    """Six octal digits, "" where the diff does not tell."""
    old_id: str = ""
    new_id: str = ""
    """Blob ids as written, "" where the diff does not tell."""
    is_binary: bool = False
    similarity: int | None = None
    """Percent, of a rename or copy."""
    hunks: tuple[Hunk, ...] = ()

    @property
    def path(self) -> str:
        """The name the file goes by after the change, or went by before it was deleted."""
        path = self.new_path if self.new_path is not None else self.old_path
        assert path is not None
        return path

    @property
    def is_submodule(self) -> bool:
        return SUBMODULE_MODE in (self.old_mode, self.new_mode)


_SIGNS: dict[Sign, Sign] = {" ": " ", "+": "-", "-": "+"}
_STATUSES: dict[Status, Status] = {"added": "deleted", "deleted": "added"}


def inverted(file: FileDiff) -> FileDiff:
    """The diff that takes a file's change back."""
    hunks = tuple(
        Hunk(
            hunk.new_start, hunk.new_count, hunk.old_start, hunk.old_count, hunk.heading,
            tuple(Line(_SIGNS[line.sign], line.text, line.new, line.old, line.has_newline) for line in hunk.lines),
        )
        for hunk in file.hunks
    )  # fmt: skip
    return FileDiff(
        file.new_path, file.old_path, _STATUSES.get(file.status, file.status), file.new_mode, file.old_mode,
        file.new_id, file.old_id, file.is_binary, file.similarity, hunks,
    )  # fmt: skip


def render(files: tuple[FileDiff, ...]) -> bytes:
    """Write files as git would: reading it gives the same files for all but merges."""
    return "".join(part for file in files for part in _rendered(file)).encode("utf-8", "surrogateescape")


def _rendered(file: FileDiff) -> Iterator[str]:
    old, new = file.old_path or file.path, file.path
    yield f"diff --git {quoted('a/' + old)} {quoted('b/' + new)}\n"
    if file.status == "added":
        yield f"new file mode {file.new_mode or '100644'}\n"
    elif file.status == "deleted":
        yield f"deleted file mode {file.old_mode or '100644'}\n"
    elif file.old_mode != file.new_mode:
        yield f"old mode {file.old_mode}\nnew mode {file.new_mode}\n"
    if file.similarity is not None:
        yield f"similarity index {file.similarity}%\n"
    if file.status in ("renamed", "copied"):
        verb = {"renamed": "rename", "copied": "copy"}[file.status]
        yield f"{verb} from {quoted(old)}\n{verb} to {quoted(new)}\n"
    if file.old_id:
        mode = f" {file.new_mode}" if file.old_mode == file.new_mode and file.new_mode else ""
        yield f"index {file.old_id}..{file.new_id}{mode}\n"
    if file.is_binary:
        yield f"Binary files {_side('a', file.old_path)} and {_side('b', file.new_path)} differ\n"
    elif file.hunks:
        yield f"--- {_side('a', file.old_path, tab=True)}\n+++ {_side('b', file.new_path, tab=True)}\n"
        yield from map(render_hunk, file.hunks)


def _side(prefix: str, path: str | None, tab: bool = False) -> str:
    if path is None:
        return "/dev/null"
    name = quoted(f"{prefix}/{path}")
    return f"{name}\t" if tab and " " in name else name


def render_hunk(hunk: Hunk) -> str:
    """One hunk as text."""
    lines = "".join(
        f"{line.sign}{line.text}\n" + ("" if line.has_newline else f"{NO_NEWLINE}\n") for line in hunk.lines
    )
    heading = f" {hunk.heading}" if hunk.heading else ""
    old = f"{hunk.old_start}" + ("" if hunk.old_count == 1 else f",{hunk.old_count}")
    new = f"{hunk.new_start}" + ("" if hunk.new_count == 1 else f",{hunk.new_count}")
    return f"@@ -{old} +{new} @@{heading}\n{lines}"
