"""The first lines of a file, as many as a number of tokens allows: what fills a budget to the brim.

Knows no ranks and no budget but the one given.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from copilot.repo.forms import fenced, heading, tag_of

CountAll = Callable[[Sequence[str]], list[int]]

_TRIES = 12
_GOOD_ENOUGH = 0.985
_WHOLE_LINES = 0.99
"""The last line is cut only if ending before it would lose more than this leaves."""
_LEAST_TOKENS = 16


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A section that shows the beginning of a file."""

    path: str
    section: str
    tokens: int
    lines: int
    """How many lines are shown, the last one perhaps cut."""


def excerpt(path: str, text: str, room: int, count: CountAll) -> Excerpt | None:
    """The longest beginning of `text` that fits in `room` tokens, or None if hardly anything does."""
    lines = text.split("\n")
    if room < _LEAST_TOKENS or len(text) < 2:
        return None
    low, high = 0, len(text)
    best: Excerpt | None = None
    guess = min(high, room * 3)
    for _ in range(_TRIES):
        made = _made(path, text, lines, guess, count)
        if made.tokens <= room:
            low = guess
            best = made if best is None or made.tokens > best.tokens else best
        else:
            high = guess
        if high - low < 2 or (best and best.tokens >= _GOOD_ENOUGH * room):
            break
        guess = _next(low, high, made.tokens, guess, room)
    return best


def _next(low: int, high: int, tokens: int, chars: int, room: int) -> int:
    """Where the room should end at this density, kept inside what is known."""
    aimed = chars * room * 99 // (max(tokens, 1) * 100)
    margin = max(1, (high - low) // 8)
    return min(max(aimed, low + margin), high - margin) if high - low > 2 * margin else (low + high) // 2


def _made(path: str, text: str, lines: Sequence[str], chars: int, count: CountAll) -> Excerpt:
    shown = text[:chars]
    whole = shown.rpartition("\n")[0]
    cut = shown + "…" if len(whole) < _WHOLE_LINES * len(shown) else whole + "\n"
    number = cut.count("\n") + (not cut.endswith("\n"))
    section = heading(path, f" (lines 1-{number} of {len(lines)})") + fenced(cut, tag_of(path))
    return Excerpt(path, section, count([section])[0], number)
