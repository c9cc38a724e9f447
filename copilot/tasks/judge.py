"""Weighing one edit: is what stands here now more likely wrong than what stood here before?

A judge is anything that gives a score; the one here asks a model and compares log-probabilities of its answers, never
what it writes. Each signal is positive where the new version looks worse. Does not know: what score is a finding.
"""

import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from copilot.prompts import review as words
from copilot.review.edits import Edit
from copilot.tasks.asking import LEAST, Asking


class Judge(Protocol):
    """Gives an edit a score, higher for what looks more wrong."""

    def weigh(self, edit: Edit) -> float | None:
        """The score; None where it cannot be told or the work was cancelled."""


def gap(asking: Asking, edit: Edit) -> float | None:
    """Which of the two versions belongs into the gap, as log-odds of the old one, over both orders of naming them."""
    old_first, new_first = words.gap_question(edit.old, edit.new), words.gap_question(edit.new, edit.old)
    found = asking.logprobs(words.gap(edit.path, edit.head, edit.tail), [(old_first, "A"), (new_first, "A")])
    return None if found is None else (_log_odds(found[0]) - _log_odds(found[1])) / 2


def infill(asking: Asking, edit: Edit) -> float | None:
    """How much likelier the old version is than the new one where the model fills it in; None if it cannot."""
    fim, tokenizer = asking.model.card.fim, asking.model.tokenizer
    if fim is None or not tokenizer.has_control("<|endoftext|>"):
        return None
    head, tail = _text(edit.head), _text(edit.tail)
    turn = [fim.prefix, *tokenizer.encode(head), fim.suffix, *tokenizer.encode(tail), fim.middle]
    end = tokenizer.control("<|endoftext|>")
    found = asking.scored(turn, tuple((*tokenizer.encode(_text(side)), end) for side in (edit.old, edit.new)))
    if found is None:
        return None
    old, new = (sum(max(LEAST, each) for each in row) for row in found)
    return (old - new) / math.sqrt(max(len(row) for row in found))


def direction(asking: Asking, edit: Edit) -> float | None:
    """Whether the diff looks like the one that put a bug in rather than the one that mended it, and not so inverted."""
    down, up = (
        _direction(asking, edit.path, edit, edit.old, edit.new),
        _direction(asking, edit.path, edit, edit.new, edit.old),
    )
    return None if down is None or up is None else (down - up) / 2


def _direction(asking: Asking, path: str, edit: Edit, old: Sequence[str], new: Sequence[str]) -> float | None:
    diff = diff_lines([*edit.head, *old, *edit.tail], [*edit.head, *new, *edit.tail])
    asked = [(words.DIRECTION, "Introduced"), (words.DIRECTION, "Fixed")]
    found = asking.logprobs(words.change(path, diff), asked)
    return None if found is None else found[0] - found[1]


SIGNALS: Mapping[str, Callable[[Asking, Edit], float | None]] = {"gap": gap, "infill": infill, "direction": direction}


@dataclass(frozen=True, slots=True)
class ModelJudge:
    """Adds up the signals that tell something with this model."""

    asking: Asking
    weights: tuple[tuple[str, float], ...]

    def weigh(self, edit: Edit) -> float | None:
        """The weighted sum; a signal that this model cannot give counts as 0."""
        score = 0.0
        for name, weight in self.weights:
            signal = SIGNALS[name](self.asking, edit)
            if self.asking.cancel.is_set():
                return None
            score += weight * (signal or 0.0)
        return score


def diff_lines(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """The lines of a unified diff of two texts, all of them, without headers."""
    lines = difflib.unified_diff(list(old), list(new), lineterm="", n=len(old) + len(new))
    return list(lines)[3:]


def _log_odds(logprob: float) -> float:
    """The logarithm of the odds of what has this log-probability."""
    return logprob - math.log(max(1e-9, -math.expm1(min(logprob, -1e-9))))


def _text(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
