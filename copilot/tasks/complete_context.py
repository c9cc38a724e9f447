"""What a completion sees of the rest of the repository: who is called like this, how that is used, what was edited.

It stays the same while one types near a place, since every change of it has to be read. Lengths are in characters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

from copilot.prompts.complete import Snippet
from copilot.repo.index import Index
from copilot.repo.languages import language_of
from copilot.repo.secrets import is_secret
from copilot.repo.tags import Definition
from copilot.repo.usages import names_in
from copilot.tasks.complete_corpus import Corpus
from copilot.tasks.complete_edits import Edits
from copilot.tasks.complete_window import AFTER_CHARS, BEFORE_CHARS
from copilot.tasks.repository import Repository


@dataclass(frozen=True, slots=True)
class Room:
    """How much of what is shown."""

    outlines: int = 700
    """Of classes and functions named near the cursor."""
    members: int = 500
    """Signatures of what may stand behind the dot."""
    edits: int = 400
    passages: int = 1400
    """Lines elsewhere that resemble those at the cursor."""


STAYS_LINES = 8
"""Within so many lines a place keeps its context."""
OUTLINE_CHARS = 450
ABOVE_LINES, BELOW_LINES = 16, 5
HERE, ABOVE, BELOW, FADES = 3.0, 1.4, 0.8, 0.85
"""What a name counts on the cursor's line, above and below it, and how that fades from line to line."""
FAR_LINES = 40
MOST_DEFINERS = 3
KNOWN_SHARE = 0.6
"""A passage with more of its lines in the window would only have them repeated."""


class RepositoryContext:
    """Thread-safe."""

    def __init__(self, repository: Repository, room: Room = Room()) -> None:
        self._repository = repository
        self._room = room
        self._edits = Edits()
        self._lock = Lock()
        # An index without a file of its own can be read on the thread that opened it only, which is this one.
        self._corpus = Corpus.of(repository.index) if repository.warning else None
        self._kept: dict[str, tuple[int, tuple[Snippet, ...]]] = {}

    @property
    def name(self) -> str:
        return self._repository.root.name

    def snippets(self, path: str, before: str, after: str) -> tuple[Snippet, ...]:
        """The same ones as long as the cursor stays near."""
        line = before.count("\n")
        with self._lock:
            kept = self._kept.get(path)
            if kept is None or abs(kept[0] - line) > STAYS_LINES:
                kept = self._kept[path] = line, self._chosen(path, before, after)
            return kept[1]

    def edited(self, path: str, before: str, after: str) -> None:
        if not is_secret(path):
            self._edits.add(path, before, after)

    def _chosen(self, path: str, before: str, after: str) -> tuple[Snippet, ...]:
        language = language_of(path)
        if language is None or not language.is_code:
            return self._recent(path)
        corpus = self._loaded()
        weights = {name: weight for name, weight in nearby(before, after).items() if name not in language.noise}
        known = {line.strip() for line in f"{before[-BEFORE_CHARS:]}{after[:AFTER_CHARS]}".split("\n")}
        outlined = self._outlines(corpus, path, before, weights)
        members = self._members(corpus, path, before, after)
        passages = corpus.usages.passages(weights, path, self._room.passages)
        shown = [
            Snippet(passage.path, passage.text)
            for passage in reversed(passages)
            if sum(line.strip() in known for line in passage.lines) <= KNOWN_SHARE * len(passage.lines)
        ]
        return (*outlined, *self._recent(path), *members, *shown)

    def _loaded(self) -> Corpus:
        if self._corpus is None:
            index = self._repository.index
            with Index(index.database, index.root, index.allowed) as own:  # of this thread
                self._corpus = Corpus.of(own)
        return self._corpus

    def _outlines(self, corpus: Corpus, path: str, before: str, weights: Mapping[str, float]) -> list[Snippet]:
        """What the names near the cursor are, where another file defines them; the nearest last."""
        far = {name: 0.01 for line in before.split("\n")[-FAR_LINES:] for name in names_in(line)}
        ranked = sorted((far | dict(weights)).items(), key=lambda item: (-item[1], item[0]))
        left, found = self._room.outlines, []
        for name, _ in ranked:
            definers = [entry for entry in corpus.members.named(name) if entry[0] != path and not entry[1].parent]
            if not 0 < len(definers) <= MOST_DEFINERS:
                continue
            text = _outline(definers[0][1], corpus.members.of_class(name))
            if len(text) <= left:
                left -= len(text)
                found.append(Snippet(definers[0][0], text))
        return found[::-1]

    def _members(self, corpus: Corpus, path: str, before: str, after: str) -> list[Snippet]:
        left = self._room.members
        by_path: dict[str, list[str]] = {}
        for where, definition in corpus.members.likely(before, after, corpus.usages, path):
            left -= len(definition.signature) + 1
            if left < 0:
                break
            by_path.setdefault(where, []).append(definition.signature)
        return [Snippet(where, "\n".join(signatures)) for where, signatures in reversed(by_path.items())]

    def _recent(self, path: str) -> tuple[Snippet, ...]:
        """Passages edited lately in other files, as far as there is room."""
        left, found = self._room.edits, []
        for edit in reversed(self._edits.latest()):
            if edit.path != path and len(edit.text) <= left:
                left -= len(edit.text)
                found.append(Snippet(edit.path, edit.text))
        return tuple(reversed(found))


def nearby(before: str, after: str) -> dict[str, float]:
    """The names around a cursor and what they count."""
    weights: dict[str, float] = {}
    above = before[-4000:].split("\n")[: -ABOVE_LINES - 1 : -1]
    for distance, line in enumerate(above):
        weight = ABOVE * FADES**distance if distance else HERE
        for name in names_in(line):
            weights[name] = max(weights.get(name, 0.0), weight)
    for distance, line in enumerate(after[:2000].split("\n")[1 : 1 + BELOW_LINES]):
        for name in names_in(line):
            weights[name] = max(weights.get(name, 0.0), BELOW * FADES**distance)
    return dict(sorted(weights.items()))


def _outline(definition: Definition, members: Sequence[Definition]) -> str:
    """A signature, and those of its public members."""
    text = definition.signature
    for member in members:
        line = f"\n    {member.signature}"
        if not member.name.startswith("_") and len(text) + len(line) <= OUTLINE_CHARS:
            text += line
    return text
