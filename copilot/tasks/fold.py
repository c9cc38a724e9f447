"""A pack that was read, read on from where its changed files stand: the beginning stays, the rest is written anew.

Files that changed move to the end, where they are cheap to change again; those early in the pack may stay as they were
read, with their changes still told after it. Does not know what is held in a cache.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from copilot.repo.forms import fenced, heading, shown, tag_of
from copilot.repo.pack import FULL_TITLE, OUTLINE_TITLE, TITLE, TREE_TITLE, Pack
from copilot.repo.tree import tree
from copilot.tasks.overlay import Change, ReadPack, keys_of, path_shown, sections_by_path
from copilot.tasks.repository import Repository

LIVELY_TITLE = "# Files that changed lately\n"
_TITLES = (TITLE, FULL_TITLE, OUTLINE_TITLE, TREE_TITLE, LIVELY_TITLE)
_READ_TOKENS = 256
"""Counted on top of every fold: what is read is read in whole segments."""

CountAll = Callable[[Sequence[str]], list[int]]


@dataclass(frozen=True, slots=True)
class Folding:
    """What a fold is made from and how large it may become."""

    read: ReadPack
    fresh: Pack
    repository: Repository
    count: CountAll
    budget_tokens: int
    """For the pack without what is told after it."""


def fold(folding: Folding, changes: Sequence[Change], left_tokens: int) -> ReadPack | None:
    """The pack with changes written into it, so that those left to tell take about `left_tokens` at most.

    Of all places to begin, the one that frees most per token read again. None if there is none, or the files of the
    pack outgrew its budget.
    """
    start = _best_start(folding, changes, left_tokens)
    return None if start is None else _folded(folding, start, [change.path for change in changes])


def _best_start(folding: Folding, changes: Sequence[Change], left_tokens: int) -> int | None:
    sections = folding.read.sections
    sizes = folding.count([*sections, *(change.text for change in changes)])
    behind = list(accumulate(reversed(sizes[: len(sections)]), initial=0))[::-1]
    costs = sizes[len(sections) :]
    end = len(sections)
    first = {path_shown(section): number for number, section in reversed(list(enumerate(sections)))}
    names = sections.index(TREE_TITLE) if TREE_TITLE in sections else end
    written = _written_anywhere(folding)
    places = [first.get(shown(c.path), end if c.path in written else names) for c in changes]
    best: tuple[float, int] | None = None
    for start in sorted(set(places)):
        freed = sum(cost for cost, place in zip(costs, places, strict=True) if place >= start)
        if sum(costs) - freed <= left_tokens:
            option = freed / (behind[start] + freed + _READ_TOKENS), start
            best = max(best or option, option)
    return best[1] if best else None


def _written_anywhere(folding: Folding) -> frozenset[str]:
    """New files that get a section: it can follow whatever was read."""
    now = sections_by_path(folding.fresh.sections)
    return frozenset(
        path for path in keys_of(folding.repository).keys() - folding.read.keys.keys() if shown(path) in now
    )


def _folded(folding: Folding, start: int, changed: Sequence[str]) -> ReadPack | None:
    """`read` up to section `start`, then its other sections as they were, then those that changed as they are."""
    read, draft = folding.read, _Draft(folding, start)
    anywhere = _written_anywhere(folding)
    written = [path for path in changed if draft.may_move(path) or path in anywhere]
    for path in written:
        draft.write_last(path)
    if not draft.make_fit():
        return None
    draft.name_the_rest()
    told = set(changed) - set(written)
    keys = {path: key for path, key in keys_of(folding.repository).items() if path not in told}
    keys |= {path: key for path, key in read.keys.items() if path in told}
    return ReadPack(draft.sections, draft.forms, keys)


class _Draft:
    """A pack being rewritten from some section on; what stands before stays as it is."""

    def __init__(self, folding: Folding, start: int) -> None:
        self._folding = folding
        self._staying = {path_shown(section) for section in folding.read.sections[:start]}
        self._names_stay = TREE_TITLE in folding.read.sections[:start]
        self._fresh = sections_by_path(folding.fresh.sections)
        self._parts: dict[str, list[str]] = {}
        self.forms = dict(folding.read.forms)
        title = TITLE
        for section in folding.read.sections:
            title = section if section in _TITLES else title
            self._parts.setdefault(title, []).extend([section] if section != title else [])
        if not self._names_stay:
            self._parts[TREE_TITLE] = []
        self._parts.setdefault(LIVELY_TITLE, [])

    @property
    def sections(self) -> tuple[str, ...]:
        return tuple(text for title, part in self._parts.items() for text in (title, *part) if part or title == TITLE)

    def may_move(self, path: str) -> bool:
        """Whether all that is shown of a file, or only its name, is written again."""
        name = shown(path)
        return name not in self._staying and (not self._names_stay or any(map(self._is_of(name), self.sections)))

    def write_last(self, path: str) -> None:
        """Show a file as it is now: as in the fresh pack, else in full if it was; by its name otherwise."""
        form = self.forms.get(path)
        self._take_out(path)
        lines, now = self._folding.repository.lines(path), self._fresh.get(shown(path))
        if lines is None:
            return
        if now is not None and now.startswith(heading(path)):
            self.forms[path] = next(file.form for file in self._folding.fresh.files if file.path == path)
            self._parts[LIVELY_TITLE].append(now)
        elif form == "full":
            self.forms[path] = form
            text = "".join(f"{line}\n" for line in lines)
            self._parts[LIVELY_TITLE].append(heading(path) + fenced(text, tag_of(path)))

    def make_fit(self) -> bool:
        """Take out sections, of the least files first, until the pack fits its budget; False if it never does."""
        texts = self.sections
        sizes = dict(zip(texts, self._folding.count(texts), strict=True))
        over = sum(sizes.values()) - self._folding.budget_tokens
        ranks = {file.path: file.rank for file in self._folding.fresh.files}
        for path in sorted(self.forms, key=lambda path: (ranks.get(path, 0.0), path)):
            if over <= 0:
                break
            if self.forms[path] != "path" and shown(path) not in self._staying:
                over -= sum(sizes[section] for section in self._take_out(path))
        return over <= 0

    def name_the_rest(self) -> None:
        """Write the names of files without a section, as far as the budget allows, unless they stay as they were."""
        if self._names_stay:
            return
        count, in_sections = self._folding.count, {path: form for path, form in self.forms.items() if form != "path"}
        room = self._folding.budget_tokens - sum(count([*self.sections, TREE_TITLE]))
        unnamed = sorted(keys_of(self._folding.repository).keys() - in_sections.keys())
        names = tree(unnamed, max(0, room), count)
        self._parts[TREE_TITLE] = list(names.lines)
        self.forms = in_sections | dict.fromkeys(names.shares, "path")

    def _take_out(self, path: str) -> list[str]:
        is_of = self._is_of(shown(path))
        gone: list[str] = []
        for part in self._parts.values():
            gone += filter(is_of, part)
            part[:] = [section for section in part if not is_of(section)]
        self.forms.pop(path, None)
        return gone

    @staticmethod
    def _is_of(name: str) -> Callable[[str], bool]:
        return lambda section: path_shown(section) == name
