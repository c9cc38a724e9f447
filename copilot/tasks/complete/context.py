"""What a completion sees of the rest of the repository: who is called like this, how that is used, what was edited.

It stays the same while one types near a place, since every change of it has to be read. Lengths are in characters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock, Thread

from copilot.errors import RepositoryError
from copilot.prompts.complete import Snippet
from copilot.repo.index import Index
from copilot.repo.languages import language_of
from copilot.repo.secrets import is_secret
from copilot.repo.tags import Definition
from copilot.repo.usages import names_in
from copilot.tasks.complete.corpus import Corpus
from copilot.tasks.complete.edits import Edits
from copilot.tasks.complete.names import imported_modules
from copilot.tasks.complete.window import Size
from copilot.tasks.repository import Repository


@dataclass(frozen=True, slots=True)
class Room:
    """How much of what is shown."""

    passages: int = 1200
    """Lines elsewhere that resemble those at the cursor."""
    edits: int = 300
    members: int = 300
    """Signatures of what may stand behind the dot."""
    names: int = 700
    """Signatures of what is called after the words near the cursor."""


STAYS_LINES = 8
"""Within so many lines a place keeps its context."""
ABOVE_LINES, BELOW_LINES = 16, 5
HERE, ABOVE, BELOW, FADES = 3.0, 1.4, 0.8, 0.85
"""What a name counts on the cursor's line, above and below it, and how that fades from line to line."""
KNOWN_SHARE = 0.6
"""A passage with more of its lines in the window would only have them repeated."""
_FAMILIES = {"typescript": "javascript", "tsx": "javascript", "cpp": "c", "kotlin": "java", "scala": "java"}
"""Languages whose code uses one another's names, besides itself."""
_SEEN = Size()


class RepositoryContext:
    """Thread-safe."""

    def __init__(
        self,
        repository: Repository,
        room: Room = Room(),
        *,
        corpus: Corpus | None = None,
        in_background: bool = False,
    ) -> None:
        """`in_background`: load the code on a thread of its own; until then completions do without it."""
        self._repository = repository
        self._room = room
        self._edits = Edits()
        self._lock = Lock()
        self._kept: dict[str, tuple[int, tuple[Snippet, ...]]] = {}
        # An index without a file of its own can be read on the thread that opened it only, which is this one.
        self._corpus = corpus or (Corpus.of(repository.index) if repository.warning else None)
        self._loading: Thread | None = None
        if in_background and self._corpus is None:
            self._loading = Thread(target=self._load, name="completion context", daemon=True)
            self._loading.start()

    @property
    def name(self) -> str:
        return self._repository.root.name

    def snippets(self, path: str, before: str, after: str) -> tuple[Snippet, ...]:
        """The same ones as long as the cursor stays near."""
        language = language_of(path)
        if language is None or not language.is_code:
            return self._recent(path)
        if self._loading is not None and self._loading.is_alive():
            return self._recent(path)
        line = before.count("\n")
        with self._lock:
            kept = self._kept.get(path)
            if kept is None or abs(kept[0] - line) > STAYS_LINES:
                corpus = self._corpus or self._load()
                chosen = self._chosen(corpus, path, before, after) if corpus else self._recent(path)
                kept = self._kept[path] = line, settled(kept[1] if kept else (), chosen)
            return kept[1]

    def edited(self, path: str, before: str, after: str) -> None:
        if not is_secret(path):
            self._edits.add(path, before, after)

    def _chosen(self, corpus: Corpus, path: str, before: str, after: str) -> tuple[Snippet, ...]:
        language = language_of(path)
        noise = language.noise if language else frozenset()
        weights = {name: weight for name, weight in nearby(before, after).items() if name not in noise}
        known = {line.strip() for line in f"{before[-_SEEN.before :]}{after[: _SEEN.after]}".split("\n")}
        members = corpus.members.likely(before, after, corpus.usages, path)
        names = corpus.names.of(weights, path, imported_modules(before))
        members, names = ([entry for entry in found if family(entry[0]) == family(path)] for found in (members, names))
        passages = corpus.usages.passages(weights, path, self._room.passages)
        shown = [
            Snippet(passage.path, passage.text)
            for passage in reversed(passages)
            if sum(line.strip() in known for line in passage.lines) <= KNOWN_SHARE * len(passage.lines)
        ]
        called = _signatures(members, self._room.members)
        return (*shown, *self._recent(path), *called, *_signatures(names, self._room.names))

    def _load(self) -> Corpus | None:
        """The code of the repository; None where its index cannot be read, which the next command mends."""
        index = self._repository.index
        try:
            with Index(index.database, index.root, index.allowed) as own:  # of this thread
                self._corpus = Corpus.of(own)
        except RepositoryError:
            return None
        return self._corpus

    def _recent(self, path: str) -> tuple[Snippet, ...]:
        """Passages edited lately in other files, as far as there is room."""
        left, found = self._room.edits, []
        for edit in reversed(self._edits.latest()):
            if edit.path != path and len(edit.text) <= left:
                left -= len(edit.text)
                found.append(Snippet(edit.path, edit.text))
        return tuple(reversed(found))


def settled(old: tuple[Snippet, ...], new: tuple[Snippet, ...]) -> tuple[Snippet, ...]:
    """The new snippets, those that were shown before in their old order first: what begins alike is not read again."""
    stay = [snippet for snippet in old if snippet in new]
    return (*stay, *(snippet for snippet in new if snippet not in stay))


def family(path: str) -> str:
    """What a file's language can be used together with."""
    language = language_of(path)
    return _FAMILIES.get(language.name, language.name) if language else ""


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


def _signatures(entries: Sequence[tuple[str, Definition]], most_chars: int) -> list[Snippet]:
    """Signatures by file, as far as there is room; the file of the first one last."""
    by_path: dict[str, list[str]] = {}
    left = most_chars
    for path, definition in entries:
        left -= len(definition.signature) + 1
        if left < 0:
            break
        by_path.setdefault(path, []).append(definition.signature)
    return [Snippet(path, "\n".join(signatures)) for path, signatures in reversed(by_path.items())]
