"""Citations in an answer, checked against the repository while it streams.

A right one passes; one with wrong lines keeps only its path; one whose file does not exist is dropped. Right means: the
lines exist and hold a name that the sentence speaks of or, where it names nothing, were shown to the model.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from copilot.repo.languages import language_of

_TO = r"\s*(?:[-–]|to|through)\s*"
_UNIT = re.compile(
    rf"\s*[(\[]?[Ll]ines?\s+\d+{_TO}\d+\S*(?=\s)"
    rf"|\s*[(\[]?[Ll]ines?\s+\S+(?=\s+\S+\s)(?!{_TO}(?:\d|$))"
    r"|\s*(?![(\[]?[Ll]ines?(?:\s|$))\S+(?=\s)"
)
"""White space and what must be judged together: one word, or "lines 3 to 9"; complete, because more text follows."""
_LINES = re.compile(rf"\b[Ll]ines?\s+(?P<start>\d+)(?:{_TO}(?P<end>\d+))?")
_CITATION = re.compile(r"(?P<path>[^\s`\"'*<>|,;]+?)(?::L?|#L)(?P<start>\d+)(?P<range>[-–]L?(?P<end>\d+))?(?![\w:])")
_PLAIN_PATH = re.compile(r"[\w@+./-]*[A-Za-z][\w@+./-]*")
_OPENING = "([{"
_WRAPPED = re.compile(r"^(?P<space>\s*)[(\[`*]*(?P<hole>\0+)[)\]`*]*(?P<mark>[.,;:]?)$")
_FILE_NAME = re.compile(r"\S*/\S*|[\w.-]*[\w-]+\.[a-z]{1,4}\b")
_NAME = re.compile(r"[A-Za-z_]\w{2,}")
_SENTENCE_END = re.compile(r"[.!?]\s|\n\s*\n")
_LEADS_TO_LINES = re.compile(r"[`*)\s,]*(?:\b(?:file|at|on|in|from|between|around|see)\b[\s,(]*){0,3}[\s,(]*")
"""What may stand between a file's name and "lines 3 to 9" that belong to it."""
SENTENCE_CHARS = 400
"""How far back a sentence is searched for the names a citation may stand for."""


@dataclass(frozen=True, slots=True)
class Citation:
    path: str
    start_line: int
    end_line: int


class Files(Protocol):
    """The files of a repository."""

    @property
    def paths(self) -> Collection[str]: ...

    def lines(self, path: str, /) -> Sequence[str] | None:
        """The lines of a file, None where there is no such file."""


class CitationCheck:
    """A `decode(text) -> str` / `flush() -> str` stage; `found` lists the citations that passed, in order."""

    def __init__(self, files: Files, shown: Sequence[Citation]) -> None:
        self._files = files
        self._endings = {PurePosixPath(path).suffix for path in files.paths} - {""}
        self._spaced = [path for path in files.paths if " " in path]
        self._shown = shown
        self._held = ""
        self._sentence = ""
        self._fence = ""
        self.found: list[Citation] = []

    def decode(self, text: str) -> str:
        self._held += text
        out = []
        while unit := _UNIT.match(self._held):
            out.append(self._checked(unit.group()))
            self._held = self._held[unit.end() :]
        return "".join(out)

    def flush(self) -> str:
        out, self._held = self._checked(self._held), ""
        return out

    def _checked(self, unit: str) -> str:
        if self._in_fence(unit):
            return unit  # code is not touched
        checked = _LINES.sub(self._lines_replacement, _CITATION.sub(self._replacement, unit))
        wrapped = _WRAPPED.match(checked)
        if wrapped:
            checked = wrapped["mark"]
        checked = checked.replace("\0", "")
        self._sentence = _SENTENCE_END.split(self._sentence + checked)[-1][-SENTENCE_CHARS:]
        return checked

    def _in_fence(self, unit: str) -> bool:
        """Whether the unit belongs to a fenced block, its two fences included."""
        mark = unit.strip()[:3]
        inside = bool(self._fence)
        if mark in ("```", "~~~") and (not inside or mark == self._fence):
            self._fence = "" if inside else mark
            return True
        return inside

    def _replacement(self, match: re.Match[str]) -> str:
        path = self._known(match["path"])
        if path is not None:
            return match.group() if self._passes(path, match) else match["path"]
        ours = match["path"].lstrip(_OPENING)
        return match["path"].removesuffix(ours) + "\0" if self._names_a_file(ours, match) else match.group()

    def _known(self, written: str) -> str | None:
        """The file of the repository that the text before the colon ends with."""
        for path in (written, written.lstrip(_OPENING), written.lstrip(_OPENING).removeprefix("./")):
            if path in self._files.paths:
                return path
        before = (self._sentence + " " + written).replace("`", "")
        return next((path for path in self._spaced if before.endswith(path)), None)

    def _lines_replacement(self, match: re.Match[str]) -> str:
        """A range in words belongs to the file named just before; elsewhere it is no citation."""
        text = self._sentence + match.string[: match.start()]
        named = [name for name in _FILE_NAME.finditer(text) if _bare(name.group()) in self._files.paths]
        if not named or not _LEADS_TO_LINES.fullmatch(text[named[-1].end() :]):
            return match.group()
        if self._passes(_bare(named[-1].group()), match):
            return match.group()
        return "\0" if match.string[: match.start()].strip() == "(" else match.group()

    def _passes(self, path: str, match: re.Match[str]) -> bool:
        """Judge the lines that `match` names of an existing file; a right citation is added to `found`."""
        start = int(match["start"])
        citation = Citation(path, start, int(match["end"] or start))
        right = self._right(citation, self._files.lines(path) or ())
        if right and citation not in self.found:
            self.found.append(citation)
        return right

    def _right(self, citation: Citation, lines: Sequence[str]) -> bool:
        if not 1 <= citation.start_line <= citation.end_line <= len(lines):
            return False
        spoken = _FILE_NAME.sub("", self._sentence)
        said = {name for name in _NAME.findall(spoken) if _is_code(name, spoken)}
        if said:
            return not said.isdisjoint(_NAME.findall("\n".join(lines[citation.start_line - 1 : citation.end_line])))
        return any(
            place.path == citation.path
            and place.start_line <= citation.end_line
            and citation.start_line <= place.end_line
            for place in self._shown
        )

    def _names_a_file(self, path: str, match: re.Match[str]) -> bool:
        """Tell a citation of a file that does not exist from a clock time, an address, a slice of code."""
        if not _PLAIN_PATH.fullmatch(path) or path.startswith("/"):
            return False
        ending = PurePosixPath(path).suffix
        quoted = "`" in match.string or "/" in path
        return ending in self._endings or (match["range"] is not None and quoted)


def _bare(path: str) -> str:
    return path.strip("`'\"*()[],;:").removeprefix("./")


def _is_code(name: str, text: str) -> bool:
    """Tell an identifier from a word of prose."""
    spelled_like_one = "_" in name or not (name.islower() or name.istitle())
    return spelled_like_one or f"`{name}" in text or f"{name}`" in text


def code_names(text: str) -> list[str]:
    """Names the text sets in backticks, in order of appearance, without their calls and owners."""
    names = []
    for span in re.findall(r"`([^`\n]+)`", text):
        words = _NAME.findall(span.split("(")[0])
        is_file = "/" in span or language_of(span) is not None
        if words and not is_file and words[-1] not in names:
            names.append(words[-1])
    return names
