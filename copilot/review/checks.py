"""A project's own checks: what `.copilot/checks/*.md` asks to be looked for, as it was before the change.

A change cannot alter how it is judged: the files are read from the version it starts from. Does not know: who looks.

    ---
    name: no-raw-sql
    description: Statements go through the query builder
    files: "src/**/*.py"
    severity: medium
    ---
    Added code must not put SQL together by hand ...
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

from copilot.errors import UsageError
from copilot.repo.versions import Version
from copilot.repo.wildmatch import translate
from copilot.review.finding import Severity

FOLDER = ".copilot/checks"
MOST_CHECKS = 20
MOST_CHARS = 4000
_FRONT = re.compile(r"\A---[ \t]*\n(.*?\n)---[ \t]*(?:\n|\Z)(.*)\Z", re.DOTALL)
_FIELD = re.compile(r"^(\w+):[ \t]*(.*?)[ \t]*$")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_KNOWN = frozenset({"name", "description", "files", "severity"})


@dataclass(frozen=True, slots=True)
class Check:
    """One check."""

    name: str
    description: str
    files: tuple[str, ...]
    """Globs of the paths it is about; () for all."""
    severity: Severity
    instruction: str
    path: str

    def applies(self, path: str) -> bool:
        """Whether a file is one it is about; `**` stands for any number of folders."""
        name = path.encode("utf-8", "surrogatepass")
        globs = map(_glob, self.files)
        return not self.files or any(glob.fullmatch(name) for glob in globs if glob is not None)


def checks(before: Version) -> Iterator[Check | str]:
    """The checks of a version by path; a message for each file that is none."""
    paths = [path for path in before.listed(FOLDER) if PurePosixPath(path).suffix == ".md"]
    if len(paths) > MOST_CHECKS:
        yield f"{FOLDER} holds {len(paths)} checks; only the first {MOST_CHECKS} are looked at"
    texts = before.texts(paths[:MOST_CHECKS])
    for path in paths[:MOST_CHECKS]:
        text = texts[path]
        if text is None:
            continue
        try:
            yield parsed(text, path)
        except UsageError as error:
            yield str(error)


def parsed(text: str, path: str) -> Check:
    """The check that a file holds; UsageError says what is wrong with it."""
    front = _FRONT.match(text.replace("\r\n", "\n"))
    if front is None:
        raise UsageError(
            f"{path} does not begin with a front matter between two lines of ---; add name and description"
        )
    fields: dict[str, str] = {}
    for line in front[1].splitlines():
        found = _FIELD.match(line)
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if found is None or found[1] not in _KNOWN:
            raise UsageError(
                f"{path}: {line.strip()[:60]!r} is no field of a check; there are {', '.join(sorted(_KNOWN))}"
            )
        fields[found[1]] = found[2].strip("\"'")
    instruction = front[2].strip()
    if not instruction or len(instruction) > MOST_CHARS:
        raise UsageError(f"{path}: the text after the front matter must have 1 to {MOST_CHARS} characters")
    name = fields.get("name", "")
    if not _NAME.fullmatch(name):
        raise UsageError(f"{path}: a name is made of small letters, digits, dots and dashes, not {name!r}")
    level = fields.get("severity", "medium")
    if level not in set(Severity):
        raise UsageError(f"{path}: severity is one of {', '.join(Severity)}, not {level!r}")
    globs = tuple(part.strip(" \"'") for part in fields.get("files", "").strip("[]").split(",") if part.strip(" \"'"))
    return Check(name, fields.get("description", name), globs, Severity(level), instruction, path)


@lru_cache(maxsize=256)
def _glob(pattern: str) -> re.Pattern[bytes] | None:
    """A glob as git reads it; one without / fits in any folder, one that is malformed nowhere."""
    anchored = pattern.removeprefix("/") if "/" in pattern else f"**/{pattern}"
    return translate(anchored.encode("utf-8", "surrogatepass"))
