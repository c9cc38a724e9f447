"""The places of a change that can be judged one by one: small runs of changed lines with what stands around them.

Does not know: who judges, or how.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from copilot.repo.diff import Hunk, Line
from copilot.repo.redact import redact
from copilot.review.view import FileView

WINDOW = 4
"""Lines shown on each side."""
MOST_LINES = 10
"""Changed lines of an edit; more have no single place that could be pointed at."""
MOST_GONE = 20
"""Lines of an edit that only takes lines away, which is a single place."""
MOST_PER_FILE = 3
"""The most findings about the edits of one file."""
MOST_PER_CHANGE = 30
"""The most edits of a change that are judged; among more, none could stand out."""
_MOST_CHARS = 200
COMMENT = re.compile(r"^\s*(?:#(?!\w)|//|/\*|\*(?:[\s/]|$)|--(?!\w)).*|\s(?:#|//) .*$")
_IMPORT = re.compile(
    r"""\s*(?:#include|import\b|from \S+ import|use [\w:]+;|(?:[_.]\s+)?["'][\w./-]+["']$|require\b"""
    r"""|(?!return|case|yield|throw)\w+\s+"[\w-]+(?:\.[\w-]+)+/[\w./-]+"$)"""
)


@dataclass(frozen=True, slots=True)
class Edit:
    """One run of changed lines. Line numbers are of the new version; lines are without their ends."""

    path: str
    start_line: int
    end_line: int
    """For lines that are gone, both are the line that follows them."""
    old: tuple[str, ...]
    new: tuple[str, ...]
    head: tuple[str, ...]
    """Lines of the new version before the edit."""
    tail: tuple[str, ...]

    @property
    def evidence(self) -> str:
        """A line of the edit that shows what it is about: the first that is not in the other version."""
        [*own] = [line for line in self.new if line not in self.old] or [
            line for line in self.old if line not in self.new
        ]
        return next((line.strip() for line in own if line.strip()), "")


def edits(view: FileView) -> tuple[Edit, ...]:
    """The edits of a file's code that may change what it did, in the order of the file.

    Lines that are only added are not among them: there is nothing they could be compared with.
    """
    if view.language is None or not view.language.is_code or view.is_aside or view.is_generated:
        return ()
    if view.file.diff.status in ("added", "deleted"):
        return ()
    found = [
        edit
        for hunk in view.file.diff.hunks
        for first, run in _runs(hunk)
        if (edit := _edit(view, first, run)) is not None
    ]
    return tuple(edit for edit in found if not (edit.new and view.is_moved(edit.start_line, edit.end_line)))


def _runs(hunk: Hunk) -> Iterator[tuple[int, tuple[Line, ...]]]:
    """Changed lines that stand together, and where; a single unchanged line does not part them."""
    run: list[Line] = []
    kept: list[Line] = []
    following = hunk.new_start + (hunk.new_count == 0)
    first = following
    for line in hunk.lines:
        if line.sign == " ":
            kept.append(line)
        else:
            if len(kept) > 1 and run:
                yield first, tuple(run)
                run = []
            if not run:
                first, kept = following, []
            run += [*kept, line]
            kept = []
        following = following if line.new is None else line.new + 1
    if run:
        yield first, tuple(run)


def _edit(view: FileView, first: int, run: Sequence[Line]) -> Edit | None:
    old = tuple(line.text for line in run if line.sign != "+")
    new = tuple(line.text for line in run if line.sign != "-")
    changed = [line.text for line in run if line.sign != " "]
    most = MOST_LINES if any(line.sign == "+" for line in run) else MOST_GONE
    if len(changed) > most or any(len(text) > _MOST_CHARS for text in changed):
        return None
    if not _meaning(old) or _meaning(old) == _meaning(new):
        return None
    if all(_IMPORT.match(text) for text in changed if COMMENT.sub("", text).strip()):
        return None
    if redact("\n".join(changed), view.path).found:  # what is asked and found quotes these lines
        return None
    head, tail = _around(view, first, first + len(new))
    if not new and view.new_lines:
        first = min(first, len(view.new_lines))
    return Edit(view.path, first, max(first, first + len(new) - 1), old, new, head, tail)


def _around(view: FileView, first: int, after: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The lines before `first` and those from `after` on, as far as the new version is known."""
    head = [view.line(number) for number in range(max(1, first - WINDOW), first)]
    tail = [view.line(number) for number in range(after, min(after + WINDOW, len(view.new_lines) + 1))]
    return tuple(head), tuple(tail)


def _meaning(lines: Sequence[str]) -> str:
    """What is left of lines without blanks and comments."""
    return "".join("".join(COMMENT.sub("", line).split()) for line in lines)
