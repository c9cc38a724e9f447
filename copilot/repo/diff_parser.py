"""Reading unified diffs: what git, quilt or `diff -u` print, with mails and commit messages around it.

A damaged diff is refused by its line. Does not know: git, trees, whether a diff fits any file.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from copilot.errors import DiffError
from copilot.repo.diff import FileDiff, Hunk, Line
from copilot.repo.quoting import unquoted

_HUNK = re.compile(r"@@ -(\d{1,10})(?:,(\d{1,10}))? \+(\d{1,10})(?:,(\d{1,10}))? @@ ?(.*)", re.DOTALL)
_COMBINED_HUNK = re.compile(
    r"(@{3,})((?: -\d{1,10}(?:,\d{1,10})?)+) \+(\d{1,10})(?:,(\d{1,10}))? @{3,} ?(.*)", re.DOTALL
)
_RANGE = re.compile(r"-(\d{1,10})(?:,(\d{1,10}))?")
_INDEX = re.compile(r"index ([0-9a-f,]{4,}?)\.\.([0-9a-f]{4,64})(?: (\d{6}))?$")
_PREFIXES = re.compile(r"[abciow12]/")
_PREFIX_PAIRS = frozenset({"ab", "ba", "ci", "iw", "cw", "ow", "ic", "wi", "wc", "wo", "12", "21", "aa", "bb"})
_TIMESTAMP = re.compile(r"\t[^\t]*$")


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
        names = _file_name(old), _file_name(new)
        if names == (None, None):
            raise self._error("a file that is neither there before nor after", back=2)
        return names

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
