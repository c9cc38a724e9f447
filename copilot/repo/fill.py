"""What the rest of a budget is spent on: the beginning of one more file, so that next to nothing stays unused.

Knows which forms were chosen, not why; knows no layout and no history.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from copilot.repo.choose import Candidate, Choice
from copilot.repo.excerpt import Excerpt, excerpt
from copilot.repo.forms import Forms
from copilot.repo.index import Index, IndexedFile

ENOUGH = 0.985
"""A budget used to this share is left alone."""

_COMPARED_LINES = 3
_TRIED = 6
"""So many files are looked at."""


@dataclass(frozen=True, slots=True)
class Filling:
    """The files that may be begun, and what a budget leaves room for."""

    index: Index
    forms: Forms
    candidates: Sequence[Candidate]
    budget: int
    """Tokens for files and names together."""
    is_map: bool
    """Of a map, whose files are never shown whole, outlines are begun instead of texts."""

    def fill(self, choice: Choice, room: int) -> Excerpt | None:
        """An excerpt that uses up to `room` tokens; an outline it stands for is taken out of `choice`."""
        if room < (1 - ENOUGH) * self.budget:
            return None
        before = choice.tokens
        extra = self._beginning(choice, room)
        left = room + before - choice.tokens - (extra.tokens if extra else 0)
        if left > (1 - ENOUGH) * self.budget and choice.tokens == before:
            extra = self._instead(choice, left + (extra.tokens if extra else 0)) or extra
        return extra

    def _beginning(self, choice: Choice, room: int) -> Excerpt | None:
        """The beginning of the weightiest file that uses up what is left; never of what only machines read."""
        waiting = [c for c in self.candidates if choice.forms.get(c.file.path) != "full" and c.file.marks != "minified"]
        waiting.sort(key=lambda candidate: (-candidate.rank, candidate.file.path))
        best: Excerpt | None = None
        gained = held = 0
        for candidate in waiting[:_TRIED]:
            replaceable = self._replaceable(candidate.file, choice)
            made = excerpt(candidate.file.path, self._source(candidate.file), room + replaceable, self.forms.count)
            if made and made.tokens - replaceable > gained:
                best, gained, held = made, made.tokens - replaceable, replaceable
            if gained > 0.97 * room:
                break
        if best and held:
            del choice.forms[best.path]
            choice.tokens -= held
        return best

    def _replaceable(self, file: IndexedFile, choice: Choice) -> int:
        """Tokens of an outline that is a beginning itself, so that a longer one takes its place; else 0."""
        if choice.forms.get(file.path) != "outline":
            return 0
        outline = self.index.outlines([file])[file.path]
        return self.forms.cost(file, "outline") if _begins(outline, self.index.text(file)) else 0

    def _instead(self, choice: Choice, room: int) -> Excerpt | None:
        """Where too little is left for a section: the least of the outlines makes way for a longer excerpt."""
        outlined = [c for c in self.candidates if choice.forms.get(c.file.path) == "outline"]
        outlined.sort(key=lambda candidate: (candidate.rank, candidate.file.path))
        for candidate in outlined[:_TRIED]:
            path, cost = candidate.file.path, self.forms.cost(candidate.file, "outline")
            made = excerpt(path, self._source(candidate.file), room + cost, self.forms.count)
            if made and made.tokens > cost + room // 2:
                del choice.forms[path]
                choice.tokens -= cost
                return made
        return None

    def _source(self, file: IndexedFile) -> str:
        """What an excerpt is taken of."""
        if self.is_map and file.outline_chars:
            return self.index.outlines([file])[file.path]
        return self.index.text(file)


def _begins(outline: str, text: str) -> bool:
    """Whether an outline is the first lines of its text, which may be cut."""
    firsts = zip(outline.split("\n")[:_COMPARED_LINES], text.lstrip().split("\n"), strict=False)
    return all(line.startswith(shown.removesuffix("…")) and (shown != "" or not line.strip()) for shown, line in firsts)
