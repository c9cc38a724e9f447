"""The shared prefix of a repository: which pack, its exact tokens, and whether reading it is worth the wait."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Literal

from copilot.engine.base import ReadState, Session
from copilot.errors import BudgetError
from copilot.prompts import ask as words
from copilot.repo.pack import LEAST_BUDGET_TOKENS, Pack, PackRequest
from copilot.tasks.fold import Folding, fold
from copilot.tasks.model import ChatModel
from copilot.tasks.overlay import ReadPack, changes, overlay
from copilot.tasks.repository import Repository

TURN_TOKENS = 3072
"""Kept free for a question with its excerpts, on contexts large enough."""
MAP_TOKENS = 1024
"""The pack a repository that was never read is answered from."""
READ_AT_ONCE_TOKENS = 2048
"""A question may wait for so many tokens; more is read by `copilot warm` only."""
OVERLAY_TOKENS = 2048
"""Kept free after a full pack for what changes after it was read; at most a sixteenth of the budget."""
FRESH_FACTOR = 1.25
"""A new pack is read where it costs at most so many times what folding the changes into the old one does."""
STRAYED_SHARE = 0.25
"""A new pack is read, too, if so much of it are files that the old one does not show in full."""
MIN_CONTEXT_TOKENS = 2048


@dataclass(frozen=True, slots=True)
class Prefix:
    """What stands before every turn, ready to be read."""

    kind: Literal["full", "map"]
    tokens: tuple[int, ...]
    forms: Mapping[str, str]
    """The form each file has in it, by path."""
    changed: frozenset[str] = frozenset()
    """Files that an overlay after the pack speaks of."""
    overlay_tokens: int = 0
    news: str = ""
    """What the user should know about how it came to be; "" for nothing."""
    keep: Callable[[], None] = lambda: None
    """Remember the pack as read; to be called once the whole prefix was."""

    @property
    def shown_in_full(self) -> frozenset[str]:
        """Paths whose whole text, as it is now, is in the prefix."""
        return frozenset(path for path, form in self.forms.items() if form == "full") - self.changed


def prefix_budget(model: ChatModel, max_answer_tokens: int) -> int:
    """Tokens a prefix may have beside the largest turn and answer; BudgetError if the context is too small."""
    if model.n_ctx < MIN_CONTEXT_TOKENS:
        raise BudgetError(
            f"{model.card.name} can use a context of {model.n_ctx} tokens here, at least {MIN_CONTEXT_TOKENS} are "
            "needed; raise context_tokens if it is set, or choose another model with --model"
        )
    return model.n_ctx - min(TURN_TOKENS + max_answer_tokens, model.n_ctx // 2)


class Prefixes:
    """Builds the prefixes of one repository for one model."""

    def __init__(self, repository: Repository, model: ChatModel, folder: Path) -> None:
        """`folder` is where packs that were read are remembered."""
        self._repository = repository
        self._model = model
        self._folder = folder

    def map(self, budget_tokens: int) -> Prefix:
        """A small pack, for a repository that was never read."""
        pack = self._pack("map", budget_tokens)
        return Prefix("map", self._tokens(pack.text), _forms(pack))

    def full(self, budget_tokens: int, session: Session) -> Prefix:
        """The whole pack as it would be read now, or as it was read with what changed since behind it.

        Once that no longer fits, the changes are folded into the pack that was read, from as far back as pays.
        """
        fresh = self.pack(budget_tokens)
        kept = self._folder / f"{self._name(budget_tokens)}.json"
        whole = self._remembered(ReadPack.of(fresh, self._repository), fresh, kept)
        read = ReadPack.load(kept)
        if read is None or read.text == fresh.text:
            return whole
        edited = self._remembered(read, fresh, kept)
        missing = session.state(whole.tokens).missing
        if edited.overlay_tokens <= _overlay_room(budget_tokens):
            return edited if session.state(edited.tokens).missing < missing else whole
        folded = self._folded(read, fresh, budget_tokens)
        if folded is not None and not _strayed(read, fresh):
            prefix = self._remembered(folded, fresh, kept)
            to_read = session.state(prefix.tokens).missing
            if missing > FRESH_FACTOR * to_read and prefix.overlay_tokens <= _overlay_room(budget_tokens):
                return replace(prefix, news=f"{_SINCE}; its end is read again with them in it ({to_read:,} tokens)")
        return replace(whole, news=f"{_SINCE}; it is packed anew ({missing:,} tokens to read)")

    def _remembered(self, read: ReadPack, fresh: Pack, kept: Path) -> Prefix:
        """A pack and what has changed since; to be kept as such."""
        told = changes(read, fresh, self._repository)
        [overlay_tokens] = self._model.tokenizer.count([overlay(told)])
        files = "1 file has" if len(told) == 1 else f"{len(told)} files have"
        return Prefix(
            "full",
            self._tokens(read.text + overlay(told)),
            read.forms,
            frozenset(change.path for change in told),
            overlay_tokens,
            f"{files} changed since the repository was read; {overlay_tokens:,} tokens after it say how"
            if told
            else "",
            lambda: read.telling(told).keep(kept),
        )

    def _folded(self, read: ReadPack, fresh: Pack, budget_tokens: int) -> ReadPack | None:
        room = _overlay_room(budget_tokens)
        pack_tokens = budget_tokens - room - len(self._tokens(""))
        folding = Folding(read, fresh, self._repository, self._model.tokenizer.count, pack_tokens)
        return fold(folding, changes(read, fresh, self._repository), room // 2)

    def pack(self, budget_tokens: int) -> Pack:
        """The whole pack as it would be read now."""
        return self._pack("full", budget_tokens - _overlay_room(budget_tokens))

    def _pack(self, kind: Literal["full", "map"], budget_tokens: int) -> Pack:
        """Pack so that the whole prefix, instructions included, has at most `budget_tokens`."""
        frame = len(self._tokens(""))
        least = frame + LEAST_BUDGET_TOKENS
        if budget_tokens < least:
            raise BudgetError(f"a budget of {budget_tokens} tokens is too small; give {least} or more")
        request = PackRequest(budget_tokens - frame, self._repository.history, kind)
        return self._repository.pack(request, self._model.tokenizer)

    def _tokens(self, pack_text: str) -> tuple[int, ...]:
        return tuple(self._model.encode(self._model.chat.system(words.system(pack_text))))

    def _name(self, budget_tokens: int) -> str:
        root = str(self._repository.root).encode("utf-8", "surrogateescape")
        return blake2b(b"\0".join((root, self._model.tokenizer.name.encode(), b"%d" % budget_tokens))).hexdigest()[:32]


_SINCE = "what has changed since the repository was read no longer fits behind it"


def _overlay_room(budget_tokens: int) -> int:
    return min(OVERLAY_TOKENS, budget_tokens // 16)


def _forms(pack: Pack) -> dict[str, str]:
    return {file.path: file.form for file in pack.files}


def choose_prefix(full: Prefix, small: Prefix, session: Session) -> tuple[Prefix, ReadState]:
    """The whole pack if it was read before or is quickly read, else the map; and how much `full` still misses."""
    state = session.state(full.tokens)
    if state.missing <= READ_AT_ONCE_TOKENS or len(full.tokens) <= len(small.tokens):
        return full, state
    return small, state


def _strayed(read: ReadPack, fresh: Pack) -> bool:
    """Whether much of the fresh pack is files that `read` does not show in full."""
    missed = sum(file.tokens for file in fresh.files if file.form == "full" and read.forms.get(file.path) != "full")
    return missed > STRAYED_SHARE * fresh.tokens
