"""Citations in an answer, checked against the repository while it streams.

A right one passes; one with wrong lines keeps only its path; one whose file does not exist is dropped. Right means: the
lines exist and hold a name that the sentence speaks of or, where it names nothing, were shown to the model.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from copilot.repo.languages import language_of

_TO = r"\s*(?:[-–]|to|through)\s*"
_UNIT = re.compile(
    rf"\s*[(\[]?[Ll]ines?\s+\d+{_TO}\d+\S*(?=\s)"
    rf"|\s*[(\[]?[Ll]ines?\s+\S+(?=\s+\S+\s)(?!{_TO}(?:\d|$))"
    r"|\s*(?![(\[]?[Ll]ines?(?:\s|$))\S+(?=\s)"
)
"""White space and what must be judged together: one word, or "lines 3 to 9"; complete, because more text follows."""
_LINES = re.compile(rf"\b[Ll]ines?\s+(?P<start>\d+)(?:{_TO}(?P<end>\d+))?")
_CITATION = re.compile(r"(?P<path>[\w@+./-]*[\w/])(?::L?|#L)(?P<start>\d+)(?:[-–]L?(?P<end>\d+))?")
_WRAPPED = re.compile(r"^(?P<space>\s*)[(\[`*]*(?P<hole>\0+)[)\]`*]*(?P<mark>[.,;:]?)$")
_FILE_NAME = re.compile(r"\S*/\S*|[\w.-]*[\w-]+\.[a-z]{1,4}\b")
_NAME = re.compile(r"[A-Za-z_]\w{2,}")
_SENTENCE_END = re.compile(r"[.!?]\s|\n\s*\n")
SENTENCE_CHARS = 400
"""How far back a sentence is searched for the names a citation may stand for."""


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
        self._sentence = ""
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
        checked = _LINES.sub(self._lines_replacement, _CITATION.sub(self._replacement, unit))
        wrapped = _WRAPPED.match(checked)
        if wrapped:
            checked = wrapped["mark"]
        checked = checked.replace("\0", "")
        self._sentence = _SENTENCE_END.split(self._sentence + checked)[-1][-SENTENCE_CHARS:]
        return checked

    def _replacement(self, match: re.Match[str]) -> str:
        path = match["path"].removeprefix("./")
        if self._lines_of(path) is None:
            return "\0" if self._names_a_file(path) else match.group()
        return match.group() if self._passes(path, match) else path

    def _lines_replacement(self, match: re.Match[str]) -> str:
        """A range in words belongs to the file the sentence named last; without one it is no citation."""
        named = [path for path in map(_bare, _FILE_NAME.findall(self._sentence)) if self._lines_of(path) is not None]
        if not named:
            return match.group()
        return match.group() if self._passes(named[-1], match) else "\0"

    def _passes(self, path: str, match: re.Match[str]) -> bool:
        """Judge the lines that `match` names of an existing file; a right citation is added to `found`."""
        start = int(match["start"])
        citation = Citation(path, start, int(match["end"] or start))
        right = self._right(citation, self._lines_of(path) or ())
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

    def _names_a_file(self, path: str) -> bool:
        """Tell a wrong file name from a clock time, an address or a port."""
        suffix = PurePosixPath(path).suffix
        return len(suffix) > 1 and not suffix[1:].isdigit() and not path.startswith("/")


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
