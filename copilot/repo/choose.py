"""Which form each file takes under a token budget: the most value per token first.

Knows ranks and costs; no text, no order, no layout.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from copilot.repo.forms import Forms
from copilot.repo.index import IndexedFile

OUTLINE_VALUE = 0.3
"""What an outline is worth, as a share of the whole file."""

WHOLE_SHARE = 0.25
"""A file that would take more of the budget than this is not taken whole."""

_GROWTH = 0.3
_GROUP = 16
_PATIENCE = 4
"""Groups of steps that may pass without one fitting before the rest is given up."""


class Candidate(NamedTuple):
    """A file that could be shown."""

    file: IndexedFile
    rank: float


class _Step(NamedTuple):
    """Raising one file to a form."""

    density: float
    path: str
    form: str
    guess: float


@dataclass(slots=True)
class Choice:
    """The forms chosen so far, by path, and the tokens they cost together."""

    forms: dict[str, str]
    tokens: int = 0


def everything(candidates: Sequence[Candidate], room: int, forms: Forms) -> Choice | None:
    """All files in full, or None if they do not fit."""
    if sum(forms.guess(candidate.file, "full") for candidate in candidates) > 1.6 * room:
        return None
    forms.prepare([(candidate.file, "full") for candidate in candidates])
    tokens = sum(forms.cost(candidate.file, "full") for candidate in candidates)
    if tokens > room:
        return None
    return Choice({candidate.file.path: "full" for candidate in candidates}, tokens)


def improve(choice: Choice, candidates: Sequence[Candidate], room: int, forms: Forms, whole_limit: float) -> None:
    """Spend up to `room` more tokens on `choice`; files over `whole_limit` tokens are outlined at most."""
    files = {candidate.file.path: candidate.file for candidate in candidates}
    steps = [
        step
        for candidate in candidates
        for step in _steps(candidate, forms, whole_limit)
        if choice.forms.get(step.path) not in (step.form, "full")
    ]
    steps.sort(key=lambda step: (-step.density, step.path, step.form))
    fruitless = 0
    for group in _groups(steps, room):
        group = [step for step in group if step.guess <= 1.4 * room + 40]
        forms.prepare([(files[step.path], step.form) for step in group])
        spent = _take(choice, group, files, room, forms)
        room -= spent
        fruitless = 0 if spent else fruitless + bool(group)
        if fruitless >= _PATIENCE or room <= 0:
            return


def _take(choice: Choice, steps: Sequence[_Step], files: Mapping[str, IndexedFile], room: int, forms: Forms) -> int:
    spent = 0
    for step in steps:
        file = files[step.path]
        held = choice.forms.get(step.path)
        if held in (step.form, "full"):
            continue
        more = forms.cost(file, step.form) - (forms.cost(file, held) if held else 0)
        if more <= room - spent:
            choice.forms[step.path] = step.form
            spent += more
    choice.tokens += spent
    return spent


def _steps(candidate: Candidate, forms: Forms, whole_limit: float) -> Iterator[_Step]:
    """The ways up for one file. Value grows slower than size: the first lines say most."""
    file = candidate.file
    full = forms.guess(file, "full")
    value = candidate.rank * full**_GROWTH
    takes_whole = full <= whole_limit
    if file.outline_chars:
        outline = forms.guess(file, "outline")
        low = OUTLINE_VALUE * value / outline
        high = (1 - OUTLINE_VALUE) * value / max(full - outline, 1.0)
        if not takes_whole or (high < low and outline < 0.7 * full):
            yield _Step(low, file.path, "outline", outline)
            if takes_whole:
                yield _Step(high, file.path, "full", full)
            return
    if takes_whole:
        yield _Step(value / full, file.path, "full", full)


def _groups(steps: Sequence[_Step], room: int) -> Iterator[list[_Step]]:
    """Steps in order, as many at a time as could fill the room."""
    group: list[_Step] = []
    size = 0.0
    for step in steps:
        group.append(step)
        size += step.guess
        if size > room and len(group) >= _GROUP:
            yield group
            group, size = [], 0.0
    if group:
        yield group
