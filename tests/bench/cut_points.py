"""Places in real projects where a line needs a name that is defined in another file and stands nowhere else in its own.

Knows no model. Deterministic: places are drawn by their hashes.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from copilot.repo.languages import language_of
from copilot.repo.syntax import SyntaxTree
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
    """So many places, at most one per file, those with the smallest hashes."""
    files = [file for file in repository.index.files if not file.marks and _is_source(file.path)]
    definers: dict[str, set[str]] = defaultdict(set)
    for path, definitions in repository.index.definitions(files).items():
        for definition in definitions:
            definers[definition.name].add(path)
    found = []
    for file in files:
        text = "\n".join(repository.lines(file.path) or ())
        places = sorted(_places(file.path, text, definers), key=lambda place: place.digest)
        found += places[:1]
    return sorted(found, key=lambda place: place.digest)[:most]


def _is_source(path: str) -> bool:
    language = language_of(path)
    return language is not None and language.is_code and "test" not in path and not path.startswith("docs")


def _places(path: str, text: str, definers: dict[str, set[str]]) -> Iterator[CutPoint]:
    tree = SyntaxTree.of(text, language_of(path))
    if tree is None:
        return
    counts: dict[str, int] = defaultdict(int)
    for name in _NAME.findall(text):
        counts[name] += 1
    start = 0
    for line in text.split("\n"):
        wanted = {
            found.start(): found.group()
            for found in _NAME.finditer(line)
            if len(found.group()) >= MIN_NAME_CHARS
            and counts[found.group()] == 1
            and 0 < len(definers.get(found.group(), ())) <= MOST_DEFINERS
            and path not in definers[found.group()]
            and is_compound(found.group().strip("_"))
            and not found.group().startswith("__")
        }
        wanted = {at: name for at, name in wanted.items() if any(node.is_named for node in tree.occurrences(name))}
        if wanted and len(line) <= LONGEST_LINE and not _NOT_CODE.search(line):
            cuts = [found.start() for found in _NAME.finditer(line) if found.start() <= min(wanted)]
            cut = cuts[int(sha256(f"{path}{start}".encode()).hexdigest(), 16) % len(cuts)]
            yield CutPoint(
                path, text[: start + cut], text[start + len(line) :], line[cut:], tuple(sorted(set(wanted.values())))
            )
        start += len(line) + 1
