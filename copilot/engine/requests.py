"""What a session is asked: to answer, to fill a gap, to score; token ids and how the next one is chosen.

Knows no engine, no text and no wording.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

Tokens = Sequence[int]


class Priority(IntEnum):
    """Who goes first; between equals the engine alternates."""

    COMPLETION = 0
    CHAT = 1
    REVIEW = 2
    WARM = 3


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen; temperature 0 is greedy and deterministic."""

    max_tokens: int = 1024
    temperature: float = 0.0
    top_k: int = 40
    top_p: float = 0.95
    seed: int = 0
    stop: tuple[str, ...] = ()
    """Texts that end the answer; they are not part of it."""
    hidden: tuple[int, int] | None = None
    """Token ids that open and close a span left out of the answer (a thought)."""
    begins_hidden: bool = False
    """The turn has already opened such a span."""
    grammar: str = ""
    """GBNF that the answer keeps to; see `grammar.from_schema`."""
    logprobs: bool = False
    """Whether each Text tells the natural logarithms of its tokens' probabilities."""
    speculate: bool = True
    """Whether to guess tokens ahead from what was said before; changes the speed only."""
    begun: tuple[int, ...] = ()
    """Tokens that the answer begins with, whatever the model would choose: an interrupted one goes on from them."""


@dataclass(frozen=True, slots=True)
class Request:
    """`prefix` is shared and kept; `turn` is read for this request only. Both are token ids."""

    prefix: Tokens
    turn: Tokens
    sampling: Sampling = field(default_factory=Sampling)
    priority: Priority = Priority.CHAT


@dataclass(frozen=True, slots=True)
class InfillRequest:
    """Asks for what stands between two texts; the sequence that holds them stays, so that typing costs what was typed.

    The model reads `before`, `hole`, `after`, `gap` in this order: for Qwen2.5-Coder `hole` is <|fim_suffix|> and `gap`
    <|fim_middle|>, while what opens the first text belongs to `before`. All are token ids.
    """

    before: Tokens
    after: Tokens
    hole: Tokens
    gap: Tokens
    sampling: Sampling = field(default_factory=Sampling)
    exact: bool = False
    """Read in full what follows the first token that differs, instead of moving cells of `after` that were read before
    for a slightly different `before`."""
    priority: Priority = Priority.COMPLETION
    least_lead: float = 0.0
    """Where cells were moved and the next token leads by less (see `Engine.lead`), they are read again in full before
    the answer goes on. 0 = never."""

    @property
    def n_tokens(self) -> int:
        return len(self.before) + len(self.hole) + len(self.after) + len(self.gap)


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """Asks how likely each continuation is after `prefix` and `turn`; nothing is generated."""

    prefix: Tokens
    turn: Tokens
    continuations: tuple[tuple[int, ...], ...]
    """Token ids, none of them empty."""
    priority: Priority = Priority.REVIEW
