"""A repository as one text a model reads: the files that matter in full, outlines of more, the names of the rest.

The same files, settings and history give the same bytes, whatever the machine, the clock or the question. Knows token
counts only through a `Counter`; knows no model, no prompt and no question.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Literal, NamedTuple

from copilot.errors import BudgetError
from copilot.repo.choose import WHOLE_SHARE, Candidate, Choice, everything, improve
from copilot.repo.excerpt import Excerpt
from copilot.repo.fill import ENOUGH, Filling
from copilot.repo.forms import CHARS_PER_TOKEN, Counter, Forms
from copilot.repo.git import History
from copilot.repo.index import Index, Redaction
from copilot.repo.rank import RankedFile, rank
from copilot.repo.roles import Role, role_of
from copilot.repo.tree import Tree, tree
from copilot.repo.volatility import volatility
from copilot.repo.walk import Skipped

Form = Literal["full", "outline", "path"]

TITLE = "# Repository\n"
FULL_TITLE = "# Files\n"
OUTLINE_TITLE = "# Outlines\n"
TREE_TITLE = "# Names of other files\n"

_TITLES = (TITLE, FULL_TITLE, OUTLINE_TITLE, TREE_TITLE)

LEAST_BUDGET_TOKENS = 64

_TREE_SHARE = {"full": 0.10, "map": 0.20}
_OUTLINE_SHARE = {"full": 0.10, "map": 0.20}
"""An outline that would take more of the budget than this is shortened."""

_LOUD = 0.1
"""A file too large to be shown whole, but of this share of the best rank, is outlined before the others are chosen."""
_LOUD_SHARE = 0.20
"""That takes no more of the budget than this."""

_ROUNDS = 2


@dataclass(frozen=True, slots=True)
class PackRequest:
    """What to pack into how much."""

    budget_tokens: int
    history: History | None = None
    """How often files changed; None where there is no git."""
    kind: Literal["full", "map"] = "full"
    """"map" is outlines and names only, for a repository that has not been read yet."""


class PackedFile(NamedTuple):
    """One file's place in the pack."""

    path: str
    form: Form
    tokens: int
    rank: float
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pack:
    """The text, section by section, and the account of it. Section tokens add up to `tokens`."""

    root: str
    """Name of the repository's folder; not part of the text."""
    tokenizer: str
    budget_tokens: int
    tokens: int
    digest: str
    """sha256 of the text, in hex."""
    files: tuple[PackedFile, ...]
    """By path."""
    skipped: tuple[Skipped, ...]
    sections: tuple[str, ...]
    redactions: tuple[Redaction, ...] = ()
    """The secrets of the repository that are not in the text, by path and line."""

    @property
    def text(self) -> str:
        """What the model reads."""
        return "".join(self.sections)

    def to_json(self) -> dict[str, object]:
        """The document of `copilot pack --format json`."""
        return {
            "version": 1,
            "root": self.root,
            "tokenizer": self.tokenizer,
            "budget_tokens": self.budget_tokens,
            "tokens": self.tokens,
            "digest": self.digest,
            "files": [
                {
                    "path": file.path,
                    "form": file.form,
                    "tokens": file.tokens,
                    "rank": file.rank,
                    "reasons": list(file.reasons),
                }
                for file in self.files
            ],
            "skipped": [{"path": skipped.path, "reason": skipped.reason} for skipped in self.skipped],
            "redactions": [asdict(redaction) for redaction in self.redactions],
            "text": self.text,
        }

    def explain(self) -> list[tuple[str, str, int, float, str]]:
        """Rows (path, form, tokens, rank, reasons), the highest rank first."""
        rows = [(file.path, file.form, file.tokens, file.rank, "; ".join(file.reasons)) for file in self.files]
        return sorted(rows, key=lambda row: (-row[3], row[0]))


def in_full(pack: Pack, path: str) -> bool:
    """Tell whether the whole text of a file is in the pack."""
    return any(file.path == path and file.form == "full" for file in pack.files)


def pack(index: Index, request: PackRequest, counter: Counter) -> Pack:
    """Pack the indexed files. Raises BudgetError if the budget is too small for anything."""
    if request.budget_tokens < LEAST_BUDGET_TOKENS:
        raise BudgetError(
            f"a budget of {request.budget_tokens} tokens is too small; give {LEAST_BUDGET_TOKENS} or more"
        )
    packing = _Packing(index, request, counter)
    made = packing.packed()
    packing.forms.keep()
    return made


@dataclass(slots=True)
class _Packing:
    """One pack in the making."""

    index: Index
    request: PackRequest
    counter: Counter
    forms: Forms = field(init=False)
    ranks: dict[str, RankedFile] = field(init=False)
    candidates: list[Candidate] = field(init=False)
    titles: dict[str, int] = field(init=False)
    budget: int = field(init=False)
    """What is left for files and names once the titles are paid."""
    tree_room: int = field(init=False)

    def __post_init__(self) -> None:
        kind = self.request.kind
        whole = self.request.budget_tokens
        self.forms = Forms(self.index, self.counter, _chars(whole * _OUTLINE_SHARE[kind]))
        self.ranks = {ranked.path: ranked for ranked in rank(self.index)}
        self.candidates = [
            Candidate(file, 1.0 if kind == "map" and _is_front_page(file.path) else self.ranks[file.path].rank)
            for file in self.index.files
            if file.lines and file.size > 1
        ]
        self.titles = dict(zip(_TITLES, self.forms.count(_TITLES), strict=True))
        reserved = (TITLE, OUTLINE_TITLE) if kind == "map" else (TITLE, FULL_TITLE, OUTLINE_TITLE)
        self.budget = whole - sum(self.titles[title] for title in reserved)
        self.tree_room = int(whole * _TREE_SHARE[kind])

    def packed(self) -> Pack:
        """Choose, then lay out."""
        kind = self.request.kind
        whole = self._all()
        choice, names = (whole, self._tree(whole, self.tree_room)) if whole else self._chosen()
        room = self.budget - choice.tokens - names.tokens
        extra = Filling(self.index, self.forms, self.candidates, self.budget, kind == "map").fill(choice, room)
        left = self.budget - choice.tokens - (extra.tokens if extra else 0)
        return self._laid_out(choice, self._tree(choice, left, extra), extra)

    def _all(self) -> Choice | None:
        if self.request.kind == "map":
            return None
        empty = [file.path for file in self.index.files if not (file.lines and file.size > 1)]
        names = self._named(empty, self.budget)
        return None if names.unnamed else everything(self.candidates, self.budget - names.tokens, self.forms)

    def _chosen(self) -> tuple[Choice, Tree]:
        """The forms of the files, and the names of those without one."""
        choice = self._loud()
        self._improve(choice, self.tree_room)  # the names take no more than that
        names = self._tree(choice, self.tree_room)
        for _ in range(_ROUNDS):
            before = choice.tokens
            self._improve(choice, names.tokens)
            if choice.tokens == before:
                break
            names = self._tree(choice, self.tree_room)
        return choice, names

    def _improve(self, choice: Choice, names_tokens: int) -> None:
        """Spend what the choice and so many tokens of names leave, unless that is hardly anything."""
        room = self.budget - choice.tokens - names_tokens
        if room >= (1 - ENOUGH) * self.budget:
            improve(choice, self.candidates, room, self.forms, self._whole_limit)

    @property
    def _whole_limit(self) -> float:
        """A file of more tokens is not shown whole."""
        return self.budget * WHOLE_SHARE if self.request.kind == "full" else 0.0

    def _loud(self) -> Choice:
        """What must not end as a name alone: the README, and files that rank high but are too large."""
        choice, limit = Choice({}), self._whole_limit
        loud = _LOUD * max((candidate.rank for candidate in self.candidates), default=0.0)
        by_rank = sorted(self.candidates, key=lambda c: (not _is_front_page(c.file.path), -c.rank, c.file.path))
        for candidate in by_rank if limit else ():
            file = candidate.file
            is_large = candidate.rank >= loud and self.forms.guess(file, "full") > limit
            if file.outline_chars and (is_large or _is_front_page(file.path)):
                tokens = self.forms.cost(file, "outline")
                if choice.tokens + tokens <= _LOUD_SHARE * self.budget:
                    choice.forms[file.path] = "outline"
                    choice.tokens += tokens
        return choice

    def _tree(self, choice: Choice, room: int, extra: Excerpt | None = None) -> Tree:
        shown = choice.forms.keys() | ({extra.path} if extra else set())
        paths = [file.path for file in self.index.files if file.path not in shown]
        return self._named(paths, min(room, self.budget - choice.tokens))

    def _named(self, paths: Sequence[str], room: int) -> Tree:
        """The tree with its title counted in."""
        title = self.titles[TREE_TITLE]
        names = tree(paths, room - title, self.forms.count)
        return replace(names, tokens=names.tokens + title) if names.lines else names

    def _laid_out(self, choice: Choice, names: Tree, extra: Excerpt | None) -> Pack:
        ordered = sorted(
            (file for file in self.index.files if file.path in choice.forms),
            key=lambda file: (volatility(file.path, self.request.history), file.path),
        )
        full = [file for file in ordered if choice.forms[file.path] == "full"]
        outlined = [file for file in ordered if choice.forms[file.path] == "outline"]
        sections = [
            TITLE,
            *_titled(FULL_TITLE, [self.forms.section(file, "full") for file in full]),
            *_titled(
                OUTLINE_TITLE,
                [self.forms.section(file, "outline") for file in outlined] + ([extra.section] if extra else []),
            ),
            *_titled(TREE_TITLE, names.lines),
        ]
        titles = [title for title in _TITLES if title in sections and title != TREE_TITLE]
        tokens = sum(self.titles[title] for title in titles)
        tokens += choice.tokens + names.tokens + (extra.tokens if extra else 0)
        return Pack(
            root=self.index.root.name,
            tokenizer=self.counter.name,
            budget_tokens=self.request.budget_tokens,
            tokens=tokens,
            digest=hashlib.sha256("".join(sections).encode()).hexdigest(),
            files=self._account(choice, names, extra),
            skipped=self._left_out(names),
            sections=tuple(sections),
            redactions=self.index.redactions,
        )

    def _account(self, choice: Choice, names: Tree, extra: Excerpt | None) -> tuple[PackedFile, ...]:
        packed = []
        for file in self.index.files:
            path = file.path
            ranked = self.ranks[path]
            form: Form = "path"
            tokens = names.shares.get(path, 0)
            reasons = ranked.reasons
            if path in choice.forms:
                form = "full" if choice.forms[path] == "full" else "outline"
                tokens = self.forms.cost(file, form)
            if form != "full" and self.forms.guess(file, "full") > self._whole_limit > 0:
                reasons = (*reasons, "too large to be shown whole")
            if extra and extra.path == path:
                form = "outline"
                tokens += extra.tokens
                reasons = (*reasons, f"its first {extra.lines} lines fill the budget")
            elif form == "path" and path not in names.shares:
                continue
            packed.append(PackedFile(path, form, tokens, ranked.rank, reasons))
        return tuple(packed)

    def _left_out(self, names: Tree) -> tuple[Skipped, ...]:
        left_out = [Skipped(path, "no room for its name") for path in names.unnamed]
        return tuple(sorted([*self.index.skipped, *left_out], key=lambda skipped: skipped.path))


def _is_front_page(path: str) -> bool:
    return "/" not in path and role_of(path) is Role.README


def _titled(title: str, sections: Sequence[str]) -> list[str]:
    return [title, *sections] if sections else []


def _chars(tokens: float) -> int:
    """A number of characters, rounded down to a power of two so that near budgets share their counts."""
    return 1 << max(6, int(tokens * CHARS_PER_TOKEN).bit_length() - 1)
