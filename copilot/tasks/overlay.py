"""Edits since a prefix was read: shown after it, so that what was read stays as it is.

A pack that was read is remembered with the identities of its files. When files change, the old pack goes on serving
and an overlay tells what is different now; a new pack is read only when the overlay would grow too large.
"""

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from copilot.files import keep_file
from copilot.repo.forms import fenced, heading, tag_of
from copilot.repo.pack import Pack
from copilot.tasks.repository import Repository

TITLE = "# Changes since the files above were read; where they differ, this is how it is now\n"
CONTEXT_LINES = 3
_VERSION = 1


@dataclass(frozen=True, slots=True)
class ReadPack:
    """The pack of a prefix that was read: its sections, and what its files were."""

    sections: tuple[str, ...]
    forms: Mapping[str, str]
    """The form each file has in the pack, by path."""
    keys: Mapping[str, str]
    """Content identity (hex) of every file of the repository at that time, by path."""

    @classmethod
    def of(cls, pack: Pack, repository: Repository) -> Self:
        forms = {file.path: file.form for file in pack.files}
        return cls(pack.sections, forms, {file.path: file.key.hex() for file in repository.index.files})

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """What was kept; None if there is nothing or it cannot be understood."""
        try:
            document = json.loads(path.read_bytes())
            if document["version"] != _VERSION:
                return None
            return cls(tuple(map(str, document["sections"])), dict(document["forms"]), dict(document["keys"]))
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def keep(self, path: Path) -> None:
        document = {"version": _VERSION, "sections": self.sections, "forms": self.forms, "keys": self.keys}
        keep_file(path, json.dumps(document).encode())

    @property
    def text(self) -> str:
        return "".join(self.sections)


def section_of(sections: Sequence[str], path: str) -> str | None:
    """The section whose heading names `path`."""
    return next((section for section in sections if section.startswith(heading(path))), None)


def changed_paths(read: ReadPack, repository: Repository) -> tuple[str, ...]:
    """Files that are new, gone or different now, by path."""
    now = {file.path: file.key.hex() for file in repository.index.files}
    return tuple(sorted(path for path in now.keys() | read.keys.keys() if now.get(path) != read.keys.get(path)))


def overlay(read: ReadPack, fresh: Pack, repository: Repository) -> str:
    """What a reader of `read` must know to see the repository as it is; "" where nothing shown has changed."""
    parts = [_change(path, read, fresh, repository) for path in changed_paths(read, repository)]
    shown = "".join(parts)
    return TITLE + shown if shown else ""


def _change(path: str, read: ReadPack, fresh: Pack, repository: Repository) -> str:
    before, lines = section_of(read.sections, path), repository.lines(path)
    if lines is None:
        return heading(path, " (deleted)")
    now = section_of(fresh.sections, path)
    if before is None:
        return now.replace(heading(path), heading(path, " (new)"), 1) if now else heading(path, " (changed)")
    if read.forms.get(path) == "full":
        return heading(path, " (changed)") + _hunks(_body(before), lines, tag_of(path))
    if now is None or all(file.form != "outline" for file in fresh.files if file.path == path):
        return heading(path, " (changed)")
    if now == before:
        return ""  # the outline says nothing that has changed
    return heading(path, " (changed)") + _hunks(_body(before), _body(now), tag_of(path))


def _body(section: str) -> list[str]:
    """The lines between the fences of a section."""
    return section.split("\n")[2:-2]


def _hunks(before: Sequence[str], now: Sequence[str], tag: str) -> str:
    """The changed passages as they read now, with a few lines around them."""
    matcher = difflib.SequenceMatcher(None, before, now, autojunk=False)
    hunks = []
    for group in matcher.get_grouped_opcodes(CONTEXT_LINES):
        start, end = group[0][3], group[-1][4]
        hunks.append("\n".join(now[start:end]) + "\n")
    return fenced("…\n".join(hunks), tag)
