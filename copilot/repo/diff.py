"""Unified diffs as values: files, hunks and lines, read from what git, quilt or `diff -u` print, and written again.

Lines end at "\\n" and nowhere else, so a carriage return is part of its line. Bytes that are not UTF-8 survive as lone
surrogates. Does not know: git, trees, whether a diff fits any file.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from copilot.errors import DiffError
from copilot.repo.quoting import quoted, unquoted

Sign = Literal[" ", "+", "-"]
Status = Literal["added", "deleted", "modified", "renamed", "copied", "unmerged"]

SUBMODULE_MODE = "160000"
_NO_NEWLINE = "\\ No newline at end of file"
_HUNK = re.compile(r"@@ -(\d{1,10})(?:,(\d{1,10}))? \+(\d{1,10})(?:,(\d{1,10}))? @@ ?(.*)", re.DOTALL)
_COMBINED_HUNK = re.compile(
    r"(@{3,})((?: -\d{1,10}(?:,\d{1,10})?)+) \+(\d{1,10})(?:,(\d{1,10}))? @{3,} ?(.*)", re.DOTALL
)
_RANGE = re.compile(r"-(\d{1,10})(?:,(\d{1,10}))?")
_INDEX = re.compile(r"index ([0-9a-f,]{4,}?)\.\.([0-9a-f]{4,64})(?: (\d{6}))?$")
_PREFIXES = re.compile(r"[abciow12]/")
_PREFIX_PAIRS = frozenset({"ab", "ba", "ci", "iw", "cw", "ow", "ic", "wi", "wc", "wo", "12", "21", "aa", "bb"})
_TIMESTAMP = re.compile(r"\t[^\t]*$")


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


def parse(raw: bytes) -> tuple[FileDiff, ...]:
    """Read a diff; text around it, such as a mail or a commit message, is passed over.

    Raises DiffError, naming the line, where a hunk does not hold what its header says.
    """
    return tuple(_Parser(raw.decode("utf-8", "surrogateescape")).files())


class _Parser:
    """Goes through the lines of one diff."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        if self._lines[-1] == "":
            self._lines.pop()
        self._at = 0

    def files(self) -> Iterator[FileDiff]:
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if line.startswith("diff --git "):
                yield self._git_file()
            elif line.startswith(("diff --cc ", "diff --combined ")):
                yield self._combined_file()
            elif line.startswith("--- ") and self._peek(1).startswith("+++ ") and _HUNK.match(self._peek(2)):
                old, new = self._names()
                yield _with_status(FileDiff(*stripped(old, new), "modified", hunks=tuple(self._hunks())))
            elif _HUNK.match(line):
                raise self._error("a hunk before any file name")
            else:
                self._at += 1

    def _git_file(self) -> FileDiff:
        file = FileDiff(*_git_names(self._lines[self._at].removeprefix("diff --git ")), "modified")
        self._at += 1
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if line.startswith("--- ") and self._peek(1).startswith("+++ "):
                old, new = self._names()
                file = _named(file, *stripped(old, new))
                return replace(file, hunks=tuple(self._hunks()))
            extended = _extended(file, line.removesuffix("\r"))
            if extended is None:
                break
            file = extended
            self._at += 1
            if line.startswith("GIT binary patch"):
                self._skip_binary()
        if file.old_path is None and file.new_path is None:
            raise self._error("a file without a name")
        return file

    def _combined_file(self) -> FileDiff:
        path = unquoted(self._lines[self._at].partition(" --c")[2].partition(" ")[2])
        file = FileDiff(path, path, "unmerged")
        self._at += 1
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if line.startswith("Binary files "):
                file = replace(file, is_binary=True)
            elif line.startswith("deleted file mode"):
                file = replace(file, new_path=None, status="deleted")
            elif not line.startswith(("index ", "mode ", "new file mode", "--- ", "+++ ")):
                break
            self._at += 1
        return replace(file, hunks=tuple(self._combined_hunks()))

    def _names(self) -> tuple[str | None, str | None]:
        old, new = self._lines[self._at][4:], self._lines[self._at + 1][4:]
        self._at += 2
        return _file_name(old), _file_name(new)

    def _skip_binary(self) -> None:
        """Pass over the encoded halves; each ends with an empty line."""
        while self._peek(0).startswith(("literal ", "delta ")):
            while self._at < len(self._lines) and self._lines[self._at]:
                self._at += 1
            self._at += 1

    def _hunks(self) -> Iterator[Hunk]:
        while self._at < len(self._lines):
            header = _HUNK.match(self._lines[self._at])
            if header is None:
                return
            old_start, new_start = int(header[1]), int(header[3])
            old_count = 1 if header[2] is None else int(header[2])
            new_count = 1 if header[4] is None else int(header[4])
            self._at += 1
            lines = self._hunk_lines(old_start, old_count, new_start, new_count)
            yield Hunk(old_start, old_count, new_start, new_count, header[5], lines)

    def _hunk_lines(self, old: int, old_left: int, new: int, new_left: int) -> tuple[Line, ...]:
        lines: list[Line] = []
        while old_left or new_left or self._peek(0).startswith("\\ "):
            raw = self._next_of_hunk()
            sign, text = raw[:1] or " ", raw[1:]  # some mailers take the space off an empty context line
            if sign == "\\":
                if not lines:
                    raise self._error("a note about a missing line end before any line", back=1)
                lines[-1] = replace(lines[-1], has_newline=False)
                continue
            if raw == "\r":  # the same of a file with carriage returns
                sign, text = " ", "\r"
            if sign == "+" and new_left:
                lines.append(Line("+", text, None, new))
                new, new_left = new + 1, new_left - 1
            elif sign == "-" and old_left:
                lines.append(Line("-", text, old, None))
                old, old_left = old + 1, old_left - 1
            elif sign == " " and old_left and new_left:
                lines.append(Line(" ", text, old, new))
                old, new, old_left, new_left = old + 1, new + 1, old_left - 1, new_left - 1
            else:
                raise self._error("the hunk does not hold the lines its header counts", back=1)
        return tuple(lines)

    def _combined_hunks(self) -> Iterator[Hunk]:
        """Hunks of a merge, the first parent being the old side; a line new to any parent is added."""
        while self._at < len(self._lines):
            header = _COMBINED_HUNK.match(self._lines[self._at])
            if header is None:
                return
            parents = len(header[1]) - 1
            first = _RANGE.search(header[2])
            assert first is not None
            old, new = int(first[1]), int(header[3])
            old_count, new_count = int(first[2] or 1), 1 if header[4] is None else int(header[4])
            self._at += 1
            lines = self._combined_lines(parents, old, new)
            yield Hunk(old, old_count, new, new_count, header[5], lines)

    def _combined_lines(self, parents: int, old: int, new: int) -> tuple[Line, ...]:
        lines: list[Line] = []
        while self._at < len(self._lines):
            raw = self._lines[self._at]
            signs, text = raw[:parents], raw[parents:]
            if raw.startswith("\\ ") and lines:
                lines[-1] = replace(lines[-1], has_newline=False)
            elif len(signs) < parents or signs.strip(" +-"):
                break
            elif "-" in signs:
                if signs[0] == "-":
                    lines.append(Line("-", text, old, None))
                    old += 1
            elif "+" in signs:
                lines.append(Line("+", text, None, new))
                new += 1
                old += signs[0] == " "
            else:
                lines.append(Line(" ", text, old, new))
                old, new = old + 1, new + 1
            self._at += 1
        return tuple(lines)

    def _next_of_hunk(self) -> str:
        if self._at >= len(self._lines):
            raise self._error("the diff ends inside a hunk")
        self._at += 1
        return self._lines[self._at - 1]

    def _peek(self, ahead: int) -> str:
        return self._lines[self._at + ahead] if self._at + ahead < len(self._lines) else ""

    def _error(self, what: str, back: int = 0) -> DiffError:
        return DiffError(f"line {self._at + 1 - back} of the diff: {what}; make it anew with `git diff`")


def _extended(file: FileDiff, line: str) -> FileDiff | None:
    """`file` with what one of git's extended header lines says; None if the line is not one."""
    changes: tuple[tuple[str, Callable[[str], FileDiff]], ...] = (
        ("old mode ", lambda rest: replace(file, old_mode=rest)),
        ("new mode ", lambda rest: replace(file, new_mode=rest)),
        ("deleted file mode ", lambda rest: replace(file, old_mode=rest, new_path=None, status="deleted")),
        ("new file mode ", lambda rest: replace(file, new_mode=rest, old_path=None, status="added")),
        ("rename from ", lambda rest: replace(file, old_path=unquoted(rest), status="renamed")),
        ("rename to ", lambda rest: replace(file, new_path=unquoted(rest), status="renamed")),
        ("copy from ", lambda rest: replace(file, old_path=unquoted(rest), status="copied")),
        ("copy to ", lambda rest: replace(file, new_path=unquoted(rest), status="copied")),
        ("similarity index ", lambda rest: replace(file, similarity=_percent(rest))),
        ("dissimilarity index ", lambda rest: file),
        ("Binary files ", lambda rest: replace(file, is_binary=True)),
        ("GIT binary patch", lambda rest: replace(file, is_binary=True)),
    )
    for start, change in changes:
        if line.startswith(start):
            return change(line.removeprefix(start))
    if index := _INDEX.match(line):
        mode = index[3] or ""
        file = replace(file, old_id=index[1], new_id=index[2])
        return replace(file, old_mode=mode, new_mode=mode) if mode else file
    return None


def _percent(text: str) -> int | None:
    number = text.removesuffix("%")
    return int(number) if number.isascii() and number.isdecimal() and len(number) <= 3 else None


def _with_status(file: FileDiff) -> FileDiff:
    """The status of a diff without git's headers: a side without lines may be a file that is not there."""
    if file.old_path is None:
        return replace(file, status="added")
    return replace(file, status="deleted") if file.new_path is None else file


def _named(file: FileDiff, old: str | None, new: str | None) -> FileDiff:
    """`file` with the names of its `---` and `+++` lines, unless a rename said them without a prefix."""
    if file.status in ("renamed", "copied"):
        return file
    return _with_status(replace(file, old_path=old, new_path=new))


def _file_name(text: str) -> str | None:
    """The name behind `---` or `+++`, None for /dev/null."""
    name = unquoted(_TIMESTAMP.sub("", text.removesuffix("\r")))
    return None if name == "/dev/null" else name


def stripped(old: str | None, new: str | None) -> tuple[str | None, str | None]:
    """Both names without the prefixes that git puts before them; names without such a pair stay."""
    marks = "".join(name[0] if _PREFIXES.match(name) else "?" for name in (old, new) if name is not None)
    if marks in _PREFIX_PAIRS or (len(marks) == 1 and marks != "?"):
        return (None if old is None else old[2:]), (None if new is None else new[2:])
    return old, new


def _git_names(text: str) -> tuple[str | None, str | None]:
    """Both names of a `diff --git` line. Unquoted names may hold spaces: then both are the same but for the prefix."""
    text = text.removesuffix("\r")
    if text.startswith('"'):
        end = re.match(r'"(?:[^"\\]|\\.)*"', text)
        if end is None:
            return None, None
        return stripped(unquoted(end[0]), unquoted(text[end.end() + 1 :]))
    for match in re.finditer(r" ", text):
        old, new = stripped(text[: match.start()], unquoted(text[match.end() :]))
        if old == new:
            return old, new
    old_name, _, new_name = text.partition(" ")
    return stripped(old_name, new_name) if new_name else (None, None)


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
    """Write files as git would: `parse(render(files)) == files` for all but merges."""
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
        f"{line.sign}{line.text}\n" + ("" if line.has_newline else f"{_NO_NEWLINE}\n") for line in hunk.lines
    )
    heading = f" {hunk.heading}" if hunk.heading else ""
    old = f"{hunk.old_start}" + ("" if hunk.old_count == 1 else f",{hunk.old_count}")
    new = f"{hunk.new_start}" + ("" if hunk.new_count == 1 else f",{hunk.new_count}")
    return f"@@ -{old} +{new} @@{heading}\n{lines}"
