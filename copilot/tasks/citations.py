"""Citations in an answer, checked against the repository while it streams.

A right one passes; one with wrong lines keeps only its path; one whose file does not exist is dropped. Right means: the
lines exist, and they were shown to the model or contain a name that the answer has just used.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

_UNIT = re.compile(r"\s*\S+(?=\s)")
"""White space and one word that is complete, because more white space follows."""
_CITATION = re.compile(r"(?P<path>[\w@+./-]*[\w/])(?::L?|#L)(?P<start>\d+)(?:[-–]L?(?P<end>\d+))?")
_WRAPPED = re.compile(r"^(?P<space>\s*)[(\[`*]*(?P<hole>\0+)[)\]`*]*(?P<mark>[.,;:]?)$")
_NAME = re.compile(r"[A-Za-z_]\w{2,}")
RECENT_CHARS = 400
"""How far back a citation looks for the names it may stand for."""


@dataclass(frozen=True, slots=True)
class Citation:
    path: str
    start_line: int
    end_line: int


class CitationCheck:
    """A `decode(text) -> str` / `flush() -> str` stage; `found` lists the citations that passed, in order."""

    def __init__(self, lines_of: Callable[[str], Sequence[str] | None], shown: Sequence[Citation]) -> None:
        """`lines_of` gives the lines of a repository file, None where there is no such file."""
        self._lines_of = lines_of
        self._shown = shown
        self._held = ""
        self._recent = ""
        self.found: list[Citation] = []

    def decode(self, text: str) -> str:
        self._held += text
        out = []
        end = 0
        for unit in _UNIT.finditer(self._held):
            out.append(self._checked(unit.group()))
            end = unit.end()
        self._held = self._held[end:]
        return "".join(out)

    def flush(self) -> str:
        out, self._held = self._checked(self._held), ""
        return out

    def _checked(self, unit: str) -> str:
        checked = _CITATION.sub(self._replacement, unit)
        wrapped = _WRAPPED.match(checked)
        if wrapped:
            checked = wrapped["mark"]
        checked = checked.replace("\0", "")
        self._recent = (self._recent + checked)[-RECENT_CHARS:]
        return checked

    def _replacement(self, match: re.Match[str]) -> str:
        path = match["path"].removeprefix("./")
        lines = self._lines_of(path)
        if lines is None:
            return "\0" if self._names_a_file(path) else match.group()
        start = int(match["start"])
        citation = Citation(path, start, int(match["end"] or start))
        if not self._right(citation, lines):
            return path
        if citation not in self.found:
            self.found.append(citation)
        return match.group()

    def _right(self, citation: Citation, lines: Sequence[str]) -> bool:
        if not 1 <= citation.start_line <= citation.end_line <= len(lines):
            return False
        if any(
            place.path == citation.path
            and place.start_line <= citation.end_line
            and citation.start_line <= place.end_line
            for place in self._shown
        ):
            return True
        cited = set(_NAME.findall("\n".join(lines[citation.start_line - 1 : citation.end_line])))
        return any(name in cited for name in _NAME.findall(self._recent) if _is_code(name, self._recent))

    def _names_a_file(self, path: str) -> bool:
        """Tell a wrong file name from a clock time, an address or a port."""
        suffix = PurePosixPath(path).suffix
        return len(suffix) > 1 and not suffix[1:].isdigit() and not path.startswith("/")


def _is_code(name: str, text: str) -> bool:
    return "_" in name or not (name.islower() or name.istitle()) or f"`{name}" in text or f"{name}`" in text


def code_names(text: str) -> list[str]:
    """Names the text sets in backticks, in order of appearance, without their calls and owners."""
    names = []
    for span in re.findall(r"`([^`\n]+)`", text):
        words = _NAME.findall(span.split("(")[0])
        if words and words[-1] not in names:
            names.append(words[-1])
    return names
