"""Places in real projects where a line needs a name that is defined in another file and stands nowhere else in its own.

Where only an import says the name, that line is taken away as well: it is written when the name is needed.
Knows no model. Deterministic: places are drawn by their hashes.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from copilot.repo.languages import language_of
from copilot.repo.syntax import SyntaxTree, line_of
from copilot.repo.words import is_compound
from copilot.tasks.repository import Repository
from tests.bench.trees import Archive

PROJECTS = (
    Archive("agent-client-protocol", "0.12.1"),
    Archive("a2a-sdk", "1.3.0"),
    Archive("strands-agents", "1.62.0"),
    Archive("openai-agents", "0.24.0"),
    Archive("google-adk", "2.13.0"),
)
"""First released in 2025, after the model's training."""

MOST_DEFINERS = 3
MIN_NAME_CHARS = 5
LONGEST_LINE = 110
_NAME = re.compile(r"[A-Za-z_]\w*")
_IMPORTING = re.compile(r"^\s*(?:from|import|export)\b|^\s+(?:type\s+)?\w+(?:\s+as\s+\w+)?,?\s*(?:#.*)?$")
"""An import, or a line of one that takes several."""
_NOT_CODE = re.compile(r"^\s*(?:#|//|\*|\"\"\"|'''|from\b|import\b|export\b|@)|\bimport\b")


@dataclass(frozen=True, slots=True)
class CutPoint:
    """A document without the rest of a line."""

    path: str
    before: str
    after: str
    answer: str
    """The rest of the line."""
    names: tuple[str, ...]
    """The names in it that only other files know."""

    @property
    def digest(self) -> str:
        return sha256(f"{self.path}\0{len(self.before)}".encode()).hexdigest()


def cut_points(repository: Repository, most: int) -> list[CutPoint]:
    """So many places, one per file, of the files whose paths have the smallest hashes."""
    files = [file for file in repository.index.files if not file.marks and is_source(file.path)]
    definers: dict[str, set[str]] = defaultdict(set)
    for path, definitions in repository.index.definitions(files).items():
        for definition in definitions:
            definers[definition.name].add(path)
    found: list[CutPoint] = []
    for file in sorted(files, key=lambda file: sha256(file.path.encode()).digest()):
        if len(found) == most:
            break
        text = "\n".join(repository.lines(file.path) or ())
        places = sorted(_places(file.path, text, definers), key=lambda place: place.digest)
        found += places[:1]
    return found


def is_source(path: str) -> bool:
    language = language_of(path)
    return language is not None and language.is_code and "test" not in path and not path.startswith("docs")


def _places(path: str, text: str, definers: dict[str, set[str]]) -> Iterator[CutPoint]:
    tree = SyntaxTree.of(text, language_of(path))
    if tree is None:
        return
    lines = text.split("\n")
    standing = _standing(lines)
    for number, line in enumerate(lines):
        if len(line) > LONGEST_LINE or _NOT_CODE.search(line):
            continue
        wanted = {
            found.start(): found.group()
            for found in _NAME.finditer(line)
            if _is_telling(found.group())
            and 0 < len(definers.get(found.group(), set())) <= MOST_DEFINERS
            and path not in definers[found.group()]
            and all(other == number or _IMPORTING.match(lines[other]) for other in standing[found.group()])
        }
        named = {at: name for at, name in wanted.items() if _is_named(tree, name, number + 1)}
        if named:
            yield _cut(path, lines, number, named, standing)


def _cut(path: str, lines: list[str], number: int, named: dict[int, str], standing: dict[str, list[int]]) -> CutPoint:
    """The document without the rest of a line and without the lines that import its names."""
    line = lines[number]
    cuts = [found.start() for found in _NAME.finditer(line) if found.start() <= min(named)]
    cut = cuts[int(sha256(f"{path}{number}".encode()).hexdigest(), 16) % len(cuts)]
    gone = {other for name in named.values() for other in standing[name]} - {number}
    before = [other for at, other in enumerate(lines[:number]) if at not in gone]
    after = [other for at, other in enumerate(lines[number + 1 :], number + 1) if at not in gone]
    names = tuple(sorted(set(named.values())))
    return CutPoint(path, "\n".join([*before, line[:cut]]), "\n".join(["", *after]), line[cut:], names)


def _standing(lines: list[str]) -> dict[str, list[int]]:
    """On which lines each name stands."""
    found: dict[str, list[int]] = defaultdict(list)
    for number, line in enumerate(lines):
        for name in set(_NAME.findall(line)):
            found[name].append(number)
    return found


def _is_telling(name: str) -> bool:
    return len(name) >= MIN_NAME_CHARS and is_compound(name.strip("_")) and not name.startswith("__")


def _is_named(tree: SyntaxTree, name: str, line: int) -> bool:
    return any("identifier" in node.type and line_of(node) == line for node in tree.occurrences(name))
