"""What one needs to know to judge a hunk: where it is, who calls it, what it calls, its types, fields and tests.

Made for a reader with little room: lines of the new version carry their numbers, deleted lines stand apart, and places
are given by path and line, best first. Knows the index, no wording and no budget.
"""

import re
import struct
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from copilot.repo.content import name_hash
from copilot.repo.diff import Hunk
from copilot.repo.imports import leads_to, resolves
from copilot.repo.index import Index, IndexedFile
from copilot.repo.languages import family
from copilot.repo.roles import Role, role_of, subject_stem
from copilot.repo.tags import Definition, Structure
from copilot.review.view import FileView

MOST_PLACES = 6
_MOST_FILES = 12
"""A name that more files define or use says little about any of them."""
_TYPES = frozenset({"class", "interface", "struct", "enum", "trait", "type"})
_CODE = frozenset({"function", "method", "macro"})
_MOST_OWNERS = 2
"""A field that more types have may be anyone's."""
_MOST_MEANINGS = 3
"""A name with more definitions, none of them in the file itself, may mean anything; a declaration counts too."""
_WORD = re.compile(r"[^\W\d]\w*")
_FIELD = re.compile(r"(?:\.|->|::)([^\W\d]\w*)\b(?!\s*\()")
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
    """Those that its lines name, then those of the fields and of the signatures around it."""
    fields: tuple[Place, ...]
    """Those that its lines use, with the type they are in."""
    tests: tuple[Place, ...]
    """Those that name what encloses it, the innermost first, then files that are named after its file."""


class Surroundings:
    """Finds places in an index by the names that stand there."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._files: Sequence[IndexedFile] = index.files
        symbols = index.symbols()
        self._defines = {key: defines for key, (defines, _) in symbols.items()}
        self._refers = {key: refers for key, (_, refers) in symbols.items()}
        self._parsed: dict[bytes, Structure] = {}

    def of(self, view: FileView, hunk: Hunk) -> HunkContext:
        """The context of one hunk of a changed file."""
        new_text, old_text = numbered(hunk)
        enclosing = enclosing_definitions(view, hunk)
        defined = [each for name in sorted(_names_used(view, hunk)) for each in self.definitions(name, view.path)]
        own = [each.name for each in reversed(enclosing) if each.kind in _CODE | _TYPES and not _is_special(each.name)]
        users = [place for name in sorted(set(own)) for place in self.users(name, view.path)]
        around = {(view.path, each.qualified) for each in enclosing}
        fields = self.fields(view, hunk, around)
        signatures = [*(field.signature for field in fields), *(each.signature for each in enclosing)]
        said = sorted({word for text in signatures for word in _WORD.findall(text)} - {each.name for each in enclosing})
        told = [each for name in said for each in self.definitions(name, view.path)]
        types = [_best([place for place, kind in each if kind in _TYPES], view.path) for each in (defined, told)]
        return HunkContext(
            view.path, hunk, new_text, old_text,
            tuple(_place(view.path, definition) for definition in enclosing),
            _best(users, view.path, lambda place: role_of(place.path) is not Role.TEST),
            _best([place for place, kind in defined if kind in _CODE], view.path),
            _first(place for each in types for place in each if (place.path, place.symbol) not in around),
            _best(fields, view.path),
            _first([*self.naming_tests(own, view.path), *self.tests(view.path)]),
        )  # fmt: skip

    def definitions(self, name: str, path: str) -> Iterator[tuple[Place, str]]:
        """Where a name is defined in languages that go together, and as what; nothing for a name of many things."""
        files = self._with(name, self._defines, _DEFINE_BYTES, _DEFINE_BYTES)
        defined = self._index.definitions([file for file in files if family(file.path) == family(path)])
        found = [(at, each) for at, all_of in sorted(defined.items()) for each in all_of if each.name == name]
        if len(found) <= _MOST_MEANINGS or any(at == path for at, _ in found):
            yield from ((_place(at, each), each.kind) for at, each in found)

    def fields(self, view: FileView, hunk: Hunk, around: Collection[tuple[str, str]]) -> list[Place]:
        """The fields that the changed lines use: of the types around them, or of the only ones that have them."""
        found: list[Place] = []
        for name in sorted({name for line in (*hunk.added, *hunk.removed) for name in _FIELD.findall(line.text)}):
            places = [place for place, kind in self.definitions(name, view.path) if kind == "field"]
            inside = [place for place in places if (place.path, place.symbol.rpartition(".")[0]) in around]
            found += inside or (places if len(places) <= _MOST_OWNERS else [])
        return found

    def users(self, name: str, path: str) -> Iterator[Place]:
        """The innermost definitions that use a name; nothing for a name that many files use."""
        for file in self._with(name, self._refers, _REFER_BYTES, 8):
            for around in self._using(file, name) if family(file.path) == family(path) else ():
                if around is not None and (file.path != path or around.name != name):
                    yield _place(file.path, around)

    def naming_tests(self, names: Sequence[str], path: str) -> Iterator[Place]:
        """The tests that use one of the names, in this order; first in files that import the file at `path`."""
        seen: set[str] = set()
        for name in names:
            files = self._with(name, self._refers, _REFER_BYTES, 8)
            tests = [file for file in files if role_of(file.path) is Role.TEST and file.path != path]
            for file in sorted(tests, key=lambda file: (not self._imports(file, path), *_away(file.path, path))):
                around = [each for each in self._using(file, name) if each is not None]
                yield from (_place(file.path, each) for each in around)
                if not around and file.path not in seen:
                    yield Place(file.path, 1, file.lines, "", "")
                seen.add(file.path)

    def tests(self, path: str) -> Iterator[Place]:
        """The test files that are named after a file."""
        stem = path.rpartition("/")[2].split(".")[0]
        for file in self._files:
            if role_of(file.path) is Role.TEST and subject_stem(file.path) == stem and file.path != path:
                yield Place(file.path, 1, file.lines, "", "")

    def _using(self, file: IndexedFile, name: str) -> Iterator[Definition | None]:
        """What is innermost around each use of a name; None for a use outside of every definition."""
        parsed = self._structure(file)
        for reference in parsed.references:
            if reference.name == name:
                yield from (innermost(parsed.definitions, line) for line in reference.lines)

    def _imports(self, file: IndexedFile, path: str) -> bool:
        """Whether a file imports the one at `path`, as far as its imports tell."""
        imports = self._structure(file).imports
        return any(leads_to(file.path, each, path) or resolves(file.path, each, path) for each in imports)

    def _structure(self, file: IndexedFile) -> Structure:
        if file.key not in self._parsed:
            self._parsed[file.key] = self._index.structure(file)
        return self._parsed[file.key]

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
    """The names that the added lines of a hunk use, and those that the removed ones did."""
    sides = [
        (view.file.new_text, view.new_structure, {line.new for line in hunk.added}),
        (view.file.old_text, view.old_structure, {line.old for line in hunk.removed}),
    ]
    return {
        reference.name
        for text, parsed, lines in sides
        if text is not None
        for reference in parsed.references
        if lines & set(reference.lines)
    }


def _is_special(name: str) -> bool:
    """Whether a name is called by the language rather than by name."""
    return name.startswith("__") and name.endswith("__")


def _place(path: str, definition: Definition) -> Place:
    signature = definition.signature
    if definition.kind == "field" and definition.parent:
        signature = f"{signature} in {definition.parent}"
    return Place(path, definition.start_line, definition.end_line, definition.qualified, signature)


def _best(places: Iterable[Place], path: str, wanted: Callable[[Place], bool] = bool) -> tuple[Place, ...]:
    """The nearest places, each once: those of the file itself, of its folder, then by path."""
    unique = {place: None for place in places if wanted(place)}
    return tuple(sorted(unique, key=lambda each: (*_away(each.path, path), each.start_line))[:MOST_PLACES])


def _first(places: Iterable[Place]) -> tuple[Place, ...]:
    """Places in their order, each once; a whole file only where nothing of it is named."""
    unique = list(dict.fromkeys(places))
    named = {place.path for place in unique if place.symbol}
    return tuple(place for place in unique if place.symbol or place.path not in named)[:MOST_PLACES]


def _away(path: str, other: str) -> tuple[bool, bool, str]:
    """How far two files are from each other, to sort by."""
    return path != other, path.rpartition("/")[0] != other.rpartition("/")[0], path
