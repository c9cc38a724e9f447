"""One changed file as rules see it: its lines, trees and structures on both sides, each made when first asked for.

Does not know: rules, git.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from functools import cached_property

from copilot.repo.changes import ChangedFile
from copilot.repo.content import marks_of
from copilot.repo.diff import NO_NEWLINE, Hunk, Line
from copilot.repo.fit import split_lines
from copilot.repo.languages import Language, language_of
from copilot.repo.roles import Role, role_of
from copilot.repo.syntax import Node, SyntaxTree
from copilot.repo.tags import Structure, structure
from copilot.review.called import Called, touched_calls
from copilot.review.rule import Hit, Rule

_ASIDE = frozenset({Role.TEST, Role.FIXTURE, Role.EXAMPLE, Role.DOCS, Role.VENDORED, Role.LOCALE})
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_WORD = re.compile(r"\w+")
_AROUND = 3
"""Lines of a suggestion on each side of what it changes."""
FEWEST_CHARS = 6
"""A line shorter than that may stand anywhere and is not known again."""


class FileView:
    """One file of a change."""

    def __init__(self, file: ChangedFile, moved: frozenset[str] = frozenset()) -> None:
        self.file = file
        self.path = file.path
        self.language: Language | None = language_of(file.path)
        self.added: dict[int, str] = {
            line.new: line.text.removesuffix("\r")
            for hunk in file.diff.hunks
            for line in hunk.lines
            if line.sign == "+" and line.new is not None
        }
        """Number in the new version -> text."""
        self.removed: tuple[Line, ...] = tuple(line for hunk in file.diff.hunks for line in hunk.removed)
        self._moved = moved

    @cached_property
    def moved_digest(self) -> str:
        """Identity of the added lines that stood elsewhere before."""
        moved = [line.strip() for line in self.added.values() if line.strip() in self._moved]
        return hashlib.blake2b("\0".join(moved).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()

    @property
    def code(self) -> str:
        """Name of the language, "" for none."""
        return self.language.name if self.language else ""

    @cached_property
    def role(self) -> Role:
        return role_of(self.path)

    @property
    def is_aside(self) -> bool:
        """Whether the file is no part of what runs in earnest: tests, examples, documents, others' code."""
        return self.role in _ASIDE

    @cached_property
    def is_generated(self) -> bool:
        return bool(marks_of(self.file.new_text or self.file.old_text or ""))

    @cached_property
    def new_lines(self) -> list[str]:
        return split_lines(self.file.new_text or "")

    @cached_property
    def old_lines(self) -> list[str]:
        return split_lines(self.file.old_text or "")

    @cached_property
    def new_words(self) -> frozenset[str]:
        return frozenset(_WORD.findall(self.file.new_text or ""))

    @cached_property
    def old_words(self) -> frozenset[str]:
        return frozenset(_WORD.findall(self.file.old_text or ""))

    @cached_property
    def new_tree(self) -> SyntaxTree | None:
        return SyntaxTree.of(self.file.new_text, self.language) if self.file.new_text else None

    @cached_property
    def old_tree(self) -> SyntaxTree | None:
        return SyntaxTree.of(self.file.old_text, self.language) if self.file.old_text else None

    @cached_property
    def new_structure(self) -> Structure:
        return structure(self.file.new_text or "", self.language)

    @cached_property
    def old_structure(self) -> Structure:
        return structure(self.file.old_text or "", self.language)

    def is_moved(self, first: int, last: int | None = None) -> bool:
        """Whether lines of the new version were only moved here: each stood among the removed lines of the change."""
        texts = [self.line(number).strip() for number in range(first, (last or first) + 1)]
        return all(text in self._moved for text in texts if text)

    def line(self, number: int) -> str:
        """A line of the new version, as far as it is known."""
        if number in self.added:
            return self.added[number]
        return self.new_lines[number - 1] if 0 < number <= len(self.new_lines) else ""

    def hit(
        self, rule: Rule, lines: tuple[int, int], message: str, suggestion: str | None = None, about: str = ""
    ) -> Hit:
        """A hit of a rule on lines of the new version; `about` identifies it where the lines do not."""
        first, last = lines
        anchor = about or "\n".join(self.line(number) for number in range(first, min(last, first + 5) + 1))
        return Hit(rule, self.path, first, last, message, anchor, suggestion)

    def near(self, old_line: int) -> int:
        """The line of the new version where a line of the old one stands, or stood."""
        shift = 0
        for hunk in self.file.diff.hunks:
            if old_line < hunk.old_start:
                break
            if old_line < hunk.old_start + hunk.old_count:
                return _beside(hunk, old_line)
            shift = hunk.new_start + hunk.new_count - hunk.old_start - hunk.old_count
        return max(1, old_line + shift)

    @cached_property
    def added_nodes(self) -> tuple[Node, ...]:
        """The named nodes of the new version that start on added lines, outer before inner."""
        return tuple(self.new_tree.nodes_on(self.added.keys())) if self.new_tree is not None and self.added else ()

    @cached_property
    def touched(self) -> tuple[Called, ...]:
        """The calls that the change added or gave other arguments, without those that were only moved."""
        if self.new_tree is None:
            return ()
        calls = touched_calls(self.new_tree, self.added_nodes)
        return tuple(call for call in calls if not self._is_old(call))

    def _is_old(self, call: Called) -> bool:
        lines = [number for number in range(call.line, min(call.end_line, call.line + 20) + 1) if number in self.added]
        return all(self.is_moved(number) for number in lines)

    def suggestion(self, first: int, last: int, instead: Sequence[str]) -> str | None:
        """A diff that puts `instead` in the place of lines of the new version."""
        old = _LINE.findall(self.file.new_text or "")
        if last > len(old):
            return None
        between = _end(old[first - 1]) or "\n"
        mended = between.join(line.removesuffix("\r") for line in instead) + (_end(old[last - 1]) if instead else "")
        gone, come = old[first - 1 : last], _LINE.findall(mended)
        if gone == come:
            return None
        head, tail = old[max(0, first - 1 - _AROUND) : first - 1], old[last : last + _AROUND]
        start = first - 1 - len(head)
        sizes = [len(head) + len(lines) + len(tail) for lines in (gone, come)]
        places = " ".join(f"{sign}{start + (size > 0)},{size}" for sign, size in zip("-+", sizes, strict=True))
        signed = [
            f"{sign}{line}" for sign, lines in zip(" -+ ", (head, gone, come, tail), strict=True) for line in lines
        ]
        lines = [f"--- a/{self.path}\n", f"+++ b/{self.path}\n", f"@@ {places} @@\n", *signed]
        return "".join(line if line.endswith("\n") else f"{line}\n{NO_NEWLINE}\n" for line in lines)


def _end(line: str) -> str:
    return line[len(line.rstrip("\r\n")) :]


def _beside(hunk: Hunk, old_line: int) -> int:
    """The line of the new version for one of a hunk: what stands in its place, or stood before it."""
    at = next(place for place, line in enumerate(hunk.lines) if line.old == old_line)
    for line in hunk.lines[at:]:
        if line.new is not None and (line.sign == "+" or line.old == old_line):
            return line.new
        if line.sign == " ":
            break
    before = (line.new for line in reversed(hunk.lines[:at]) if line.new is not None)
    return max(1, next(before, hunk.new_start))


def moved_lines(files: Iterable[ChangedFile]) -> frozenset[str]:
    """The removed lines of a change that are long enough to be known again."""
    return frozenset(
        text
        for file in files
        for hunk in file.diff.hunks
        for line in hunk.removed
        if len(text := line.text.strip()) >= FEWEST_CHARS
    )


_SILENCED = re.compile(r"\b(?:nosec|nosemgrep|NOSONAR|nolint:\s*gosec|noqa:\s*S\d+|eslint-disable)\b")


def is_silenced(line: str) -> bool:
    """Whether a line says that a security checker is known to complain about it."""
    return bool(_SILENCED.search(line))
