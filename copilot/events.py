"""What a long operation reports while it runs: plain values, produced below and rendered above."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of a countable stage; `total` is None while it is not known."""

    stage: Literal["walk", "parse", "load", "restore", "read", "fetch", "verify", "review"]
    done: int
    total: int | None
    unit: Literal["files", "tokens", "bytes", "steps"]
    reused: int = 0
    """How many of `done` were not read again, in the same unit."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One line the user should see that is not part of the answer."""

    text: str
    level: Literal["hint", "warning"] = "hint"


@dataclass(frozen=True, slots=True)
class Text:
    """The next piece of an answer."""

    text: str
    logprobs: tuple[float, ...] = ()
    """Natural logarithms of the probabilities of its tokens, where the request asked for them."""
    tokens: tuple[int, ...] = ()
    """Ids of the tokens written since the piece before, as far as they are known."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What one request cost. `prompt = reused + evaluated`, in tokens."""

    prompt_tokens: int = 0
    reused_tokens: int = 0
    evaluated_tokens: int = 0
    generated_tokens: int = 0
    prefill_ms: float = 0.0
    decode_ms: float = 0.0


Reason = Literal["stop", "length", "cancelled"]


@dataclass(frozen=True, slots=True)
class Done:
    """The end of a generation and why it ended."""

    reason: Reason
    usage: Usage


Report = Callable[[Progress], None]
"""Where an operation sends its progress; `ignore` when nobody looks."""


def ignore(progress: Progress) -> None:
    """Drop a progress report."""
