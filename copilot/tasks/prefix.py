"""The shared prefix of a repository: which pack, its exact tokens, and whether reading it is worth the wait."""

from dataclasses import dataclass
from typing import Literal

from copilot.engine.base import ReadState, Session
from copilot.errors import BudgetError
from copilot.prompts import ask as words
from copilot.repo.pack import Pack, PackRequest
from copilot.tasks.model import ChatModel
from copilot.tasks.repository import Repository

TURN_TOKENS = 3072
"""Kept free for a question with its excerpts, on contexts large enough."""
MAP_TOKENS = 1024
"""The pack a repository that was never read is answered from."""
READ_AT_ONCE_TOKENS = 2048
"""A question may wait for so many tokens; more is read by `copilot warm` only."""
MIN_CONTEXT_TOKENS = 2048


@dataclass(frozen=True, slots=True)
class Prefix:
    kind: Literal["full", "map"]
    pack: Pack
    tokens: tuple[int, ...]

    @property
    def shown_in_full(self) -> frozenset[str]:
        """Paths whose whole text is in the prefix."""
        return frozenset(file.path for file in self.pack.files if file.form == "full")


def prefix_budget(model: ChatModel, max_answer_tokens: int) -> int:
    """Tokens a prefix may have beside the largest turn and answer; BudgetError if the context is too small."""
    if model.n_ctx < MIN_CONTEXT_TOKENS:
        raise BudgetError(
            f"{model.card.name} can use a context of {model.n_ctx} tokens here, at least {MIN_CONTEXT_TOKENS} are "
            "needed; choose another model with --model or free some memory"
        )
    return model.n_ctx - min(TURN_TOKENS + max_answer_tokens, model.n_ctx // 2)


def build_prefix(repository: Repository, model: ChatModel, kind: Literal["full", "map"], budget_tokens: int) -> Prefix:
    """Pack the repository so that the whole prefix, instructions included, has at most `budget_tokens`."""
    frame = len(model.encode(model.chat.system(words.system(""))))
    if budget_tokens <= frame:
        raise BudgetError(f"a budget of {budget_tokens} tokens is too small; the instructions alone need {frame}")
    request = PackRequest(budget_tokens - frame, repository.history, kind)
    pack = repository.pack(request, model.tokenizer)
    return Prefix(kind, pack, tuple(model.encode(model.chat.system(words.system(pack.text)))))


def choose_prefix(full: Prefix, small: Prefix, session: Session) -> tuple[Prefix, ReadState]:
    """The whole pack if it was read before or is quickly read, else the map; and how much `full` still misses."""
    state = session.state(full.tokens)
    if state.missing <= READ_AT_ONCE_TOKENS or len(full.tokens) <= len(small.tokens):
        return full, state
    return small, state
