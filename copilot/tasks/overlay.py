"""Edits since a prefix was read: shown after it, so that what was read stays as it is.

A pack that was read is remembered with the identities of its files. When files change, the old pack goes on serving
and an overlay tells what is different now, the latest last. Does not know what reading costs (see fold and prefix).
"""

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from copilot.files import keep_file
from copilot.repo.forms import fenced, heading, shown, tag_of
from copilot.repo.pack import Pack
from copilot.tasks.repository import Repository

TITLE = "# Changes since the files above were read; where they differ, this is how it is now\n"
CONTEXT_LINES = 3
_VERSION = 2
_BEGINNING = re.compile(r" \(lines 1-\d+ of \d+\)$")
"""What the heading of an excerpt says after the path."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a reader of the pack must know about one file: a heading, and its changed passages."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class ReadPack:
    """The pack of a prefix that was read: its sections, what its files were, and what was told after it."""

    sections: tuple[str, ...]
    forms: Mapping[str, str]
    """The form each file has in the pack, by path."""
    keys: Mapping[str, str]
    """Content identity (hex) that every file of the repository had when its section was made, by path."""
    told: tuple[str, ...] = ()
    """The texts of the changes that were read after the pack, in their order."""

    @classmethod
    def of(cls, pack: Pack, repository: Repository) -> Self:
        return cls(pack.sections, {file.path: file.form for file in pack.files}, keys_of(repository))

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """What was kept; None if there is nothing or it cannot be understood."""
        try:
            document = json.loads(path.read_bytes())
            if document["version"] != _VERSION:
                return None
            sections, told = tuple(map(str, document["sections"])), tuple(map(str, document["told"]))
            return cls(sections, dict(document["forms"]), dict(document["keys"]), told)
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def keep(self, path: Path) -> None:
        document = {
            "version": _VERSION,
            "sections": self.sections,
            "forms": self.forms,
            "keys": self.keys,
            "told": self.told,
        }
        keep_file(path, json.dumps(document).encode())

    def telling(self, changes: Sequence[Change]) -> Self:
        """The same pack with these changes read after it."""
        return replace(self, told=tuple(change.text for change in changes))

    @property
    def text(self) -> str:
        return "".join(self.sections)


def keys_of(repository: Repository) -> dict[str, str]:
    """The content identity (hex) of every file as it is now, by path."""
    return {file.path: file.key.hex() for file in repository.index.files}


def path_shown(section: str) -> str | None:
    """The path that the heading of a file's section shows; None for titles and names."""
    if not section.startswith("## "):
        return None
    return _BEGINNING.sub("", section[3 : section.index("\n")])


def sections_by_path(sections: Sequence[str]) -> dict[str, str]:
    """The first section of each file, by its path as it is shown."""
    found: dict[str, str] = {}
    for section in sections:
        if (path := path_shown(section)) is not None:
            found.setdefault(path, section)
    return found


def changed_paths(read: ReadPack, repository: Repository) -> tuple[str, ...]:
    """Files that are new, gone or different now, by path."""
    now = keys_of(repository)
    return tuple(sorted(path for path in now.keys() | read.keys.keys() if now.get(path) != read.keys.get(path)))


def changes(read: ReadPack, fresh: Pack, repository: Repository) -> list[Change]:
    """What a reader of `read` must know to see the repository as it is; nothing where nothing shown has changed.

    Changes that were told before stay where they were; what has changed again, or is new, comes last.
    """
    then_and_now = _Comparison(read, fresh, repository)
    found = [Change(path, text) for path in changed_paths(read, repository) if (text := then_and_now.told(path))]
    place = {text: number for number, text in enumerate(read.told)}
    return sorted(found, key=lambda change: (place.get(change.text, len(place)), change.path))


def overlay(changes: Sequence[Change]) -> str:
    """The changes as they follow the pack; "" without any."""
    return TITLE + "".join(change.text for change in changes) if changes else ""


class _Comparison:
    """A pack that was read beside the one of today."""

    def __init__(self, read: ReadPack, fresh: Pack, repository: Repository) -> None:
        self._read = read
        self._repository = repository
        self._before = sections_by_path(read.sections)
        self._now = sections_by_path(fresh.sections)
        self._outlined = {file.path for file in fresh.files if file.form == "outline"}

    def told(self, path: str) -> str:
        """What to say of one changed file; "" where nothing of it is shown."""
        before, now, lines = self._before.get(shown(path)), self._now.get(shown(path)), self._repository.lines(path)
        if lines is None:
            return heading(path, " (deleted)")
        if path not in self._read.keys:
            return heading(path, " (new)") + (now.partition("\n")[2] if now else "")
        if before is None:
            return ""  # the pack has its name only, and that is still so
        if self._read.forms.get(path) == "full":
            return _hunks(path, _body(before), lines)
        if not before.startswith(heading(path)):
            beginning = _body(before)
            if beginning and beginning[-1].endswith("…"):
                del beginning[-1]  # it was cut, and differs from the line it stands for
            return _hunks(path, beginning, lines[: len(beginning)])
        if now is None or path not in self._outlined or not now.startswith(heading(path)):
            return heading(path, " (changed)")  # there is no outline of today to compare with
        return _hunks(path, _body(before), _body(now))


def _body(section: str) -> list[str]:
    """The lines between the fences of a section."""
    return section.split("\n")[2:-2]


def _hunks(path: str, before: Sequence[str], now: Sequence[str]) -> str:
    """Heading and changed passages as they read now, with a few lines around them; "" where nothing differs."""
    if list(before) == list(now):
        return ""
    matcher = difflib.SequenceMatcher(None, before, now, autojunk=False)
    hunks = []
    for group in matcher.get_grouped_opcodes(CONTEXT_LINES):
        start, end = group[0][3], group[-1][4]
        hunks.append("\n".join(now[start:end]) + "\n")
    return heading(path, " (changed)") + fenced("…\n".join(hunks), tag_of(path))
