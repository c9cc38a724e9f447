"""What one needs to know to judge a hunk: where it is, who calls it, what it calls, which tests and types belong to it.

Made for a reader with little room: lines of the new version carry their numbers, deleted lines stand apart, and places
are given by path and line, best first. Knows the index, no wording and no budget.
"""

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from copilot.repo.content import name_hash
from copilot.repo.diff import Hunk
from copilot.repo.index import Index, IndexedFile
from copilot.repo.roles import Role, role_of, subject_stem
from copilot.repo.tags import Definition
from copilot.review.view import FileView

MOST_PLACES = 6
_MOST_FILES = 12
"""A name that more files define or use says little about any of them."""
_TYPES = frozenset({"class", "interface", "struct", "enum", "trait", "type"})
_CODE = frozenset({"function", "method", "macro"})
_DEFINE_BYTES = 12
_REFER_BYTES = 10


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere in the repository. Lines are 1-based and inclusive."""

    path: str
    start_line: int
    end_line: int
    symbol: str
    """Qualified name, "" for a whole file."""
    signature: str


@dataclass(frozen=True, slots=True)
class HunkContext:
    """One hunk and its surroundings."""

    path: str
    hunk: Hunk
    new_text: str
    """Lines of the new version as "<number> <sign> <text>", the sign being "+" or a blank."""
    old_text: str
    """Deleted lines as "- <text>"; "" if there are none."""
    enclosing: tuple[Place, ...]
    """Definitions of the new version that hold the hunk, outer before inner."""
    callers: tuple[Place, ...]
    callees: tuple[Place, ...]
    types: tuple[Place, ...]
    tests: tuple[Place, ...]


class Surroundings:
    """Finds places in an index by the names that stand there."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._files: Sequence[IndexedFile] = index.files
        keys = [file.key for file in self._files]
        self._defines: dict[bytes, bytes] = index.stored("defines", keys)
        self._refers: dict[bytes, bytes] = index.stored("refers", keys)

    def of(self, view: FileView, hunk: Hunk) -> HunkContext:
        """The context of one hunk of a changed file."""
        new_text, old_text = numbered(hunk)
        enclosing = enclosing_definitions(view, hunk)
        names = sorted(_names_used(view, hunk))
        defined = [place for name in names for place in self.definitions(name, view.path)]
        own = {definition.name for definition in enclosing if definition.kind in _CODE | _TYPES}
        users = [place for name in sorted(own) for place in self.users(name, view.path)]
        return HunkContext(
            view.path, hunk, new_text, old_text,
            tuple(_place(view.path, definition) for definition in enclosing),
            _best(users, view.path, lambda place: role_of(place.path) is not Role.TEST),
            _best([place for place, kind in defined if kind in _CODE], view.path),
            _best([place for place, kind in defined if kind in _TYPES], view.path),
            _best([*users, *self.tests(view.path)], view.path, lambda place: role_of(place.path) is Role.TEST),
        )  # fmt: skip

    def definitions(self, name: str, path: str) -> Iterator[tuple[Place, str]]:
        """Where a name is defined, and as what; nothing for a name that many files define."""
        files = self._with(name, self._defines, _DEFINE_BYTES, _DEFINE_BYTES)
        for file_path, found in sorted(self._index.definitions(files).items()):
            for definition in found:
                if definition.name == name:
                    yield _place(file_path, definition), definition.kind

    def users(self, name: str, path: str) -> Iterator[Place]:
        """The innermost definitions that use a name; nothing for a name that many files use."""
        files = self._with(name, self._refers, _REFER_BYTES, 8)
        definitions = self._index.definitions(files)
        for file in files:
            for reference in self._index.structure(file).references:
                if reference.name == name:
                    for line in reference.lines:
                        around = innermost(definitions[file.path], line)
                        if around is not None and (file.path != path or around.name != name):
                            yield _place(file.path, around)

    def tests(self, path: str) -> Iterator[Place]:
        """The test files that are named after a file."""
        stem = path.rpartition("/")[2].split(".")[0]
        for file in self._files:
            if role_of(file.path) is Role.TEST and subject_stem(file.path) == stem and file.path != path:
                yield Place(file.path, 1, file.lines, "", "")

    def _with(self, name: str, blobs: dict[bytes, bytes], stride: int, step: int) -> list[IndexedFile]:
        """The files whose blob holds the hash of a name; none if they are many. Hashes stand at multiples of `step`."""
        wanted = struct.pack("<Q", name_hash(name))
        found = []
        for file in self._files:
            blob = blobs.get(file.key, b"")
            end = len(blob) // stride * step
            at = blob.find(wanted, 0, end)
            while at >= 0 and at % step:
                at = blob.find(wanted, at + 1, end)
            if at >= 0:
                found.append(file)
        return found if len(found) <= _MOST_FILES else []


def numbered(hunk: Hunk) -> tuple[str, str]:
    """(new lines with their numbers, deleted lines) of a hunk."""
    new = [f"{line.new} {line.sign} {line.text}" for line in hunk.lines if line.new is not None]
    old = [f"- {line.text}" for line in hunk.removed]
    return "".join(f"{line}\n" for line in new), "".join(f"{line}\n" for line in old)


def enclosing_definitions(view: FileView, hunk: Hunk) -> list[Definition]:
    """The definitions of the new version in which a hunk changes lines, outer before inner."""
    if view.file.new_text is None:
        return []
    changed = sorted({line.new for line in hunk.added if line.new is not None}
                     | {view.near(line.old) for line in hunk.removed if line.old is not None})  # fmt: skip
    return [
        definition
        for definition in view.new_structure.definitions
        if any(definition.start_line <= line <= definition.end_line for line in changed)
    ]


def innermost(definitions: Iterable[Definition], line: int) -> Definition | None:
    """The smallest definition around a line."""
    around = [definition for definition in definitions if definition.start_line <= line <= definition.end_line]
    return min(around, key=lambda each: (each.end_line - each.start_line, each.start_line), default=None)


def _names_used(view: FileView, hunk: Hunk) -> set[str]:
    """The names that the added lines of a hunk use."""
    lines = {line.new for line in hunk.added}
    references = view.new_structure.references if view.file.new_text is not None else ()
    return {reference.name for reference in references if lines & set(reference.lines)}


def _place(path: str, definition: Definition) -> Place:
    return Place(path, definition.start_line, definition.end_line, definition.qualified, definition.signature)


def _best(places: Iterable[Place], path: str, wanted: Callable[[Place], bool] = bool) -> tuple[Place, ...]:
    """The nearest places, each once: those of the file itself, of its folder, then by path."""
    folder = path.rpartition("/")[0]
    unique = {place: None for place in places if wanted(place)}
    ordered = sorted(
        unique, key=lambda each: (each.path != path, each.path.rpartition("/")[0] != folder, each.path, each.start_line)
    )
    return tuple(ordered[:MOST_PLACES])
