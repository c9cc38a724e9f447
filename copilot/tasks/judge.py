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
from copilot.tasks.asking import Asking


class Judge(Protocol):
    """Gives an edit a score, higher for what looks more wrong."""

    def weigh(self, edit: Edit) -> float | None:
        """The score; None where it cannot be told or the work was cancelled."""


def subject(asking: Asking, edit: Edit) -> float | None:
    """Whether the diff reads like a step back rather than like a fix, more than it does turned round."""
    old, new = ([*edit.head, *side, *edit.tail] for side in (edit.old, edit.new))
    down, up = _subject(asking, edit.path, old, new), _subject(asking, edit.path, new, old)
    return None if down is None or up is None else (down - up) / 2


def _subject(asking: Asking, path: str, old: Sequence[str], new: Sequence[str]) -> float | None:
    question = words.change(path, diff_lines(old, new)) + words.SUBJECT
    found = asking.logprobs(question, (words.TAKEN_BACK, words.MENDED))
    return None if found is None else sum(found[0]) - sum(found[1])


def choice(asking: Asking, edit: Edit) -> float | None:
    """Which version belongs into the gap, the old one counting up: by its letter and by its text, in both orders."""
    shown = words.gap(edit.path, edit.head, edit.tail)
    texts = tuple(map(words.chosen, (edit.old, edit.new)))
    letters = said = 0.0
    for sign, pair in ((1, (edit.old, edit.new)), (-1, (edit.new, edit.old))):
        found = asking.logprobs(shown + words.choice(*pair), (*words.LETTERS, *texts), words.CHOSEN)
        if found is None:
            return None
        first, second, old, new = map(sum, found)
        letters += sign * (first - second) / 2
        said += (old - new) / 2 / math.sqrt(max(map(len, found[2:])))
    return letters * LETTER_SHARE + said


LETTER_SHARE = 0.7
"""The letters vary more than the texts do; with this both count the same."""
SIGNALS: Mapping[str, Callable[[Asking, Edit], float | None]] = {"subject": subject, "choice": choice}
"""By name; each costs two readings of the edit with what stands around it."""


@dataclass(frozen=True, slots=True)
class ModelJudge:
    """Adds up the signals that tell something with this model."""

    asking: Asking
    weights: tuple[tuple[str, float], ...]

    def weigh(self, edit: Edit) -> float | None:
        """The weighted sum; a sum that is not above 0 is not looked into further."""
        score = 0.0
        for name, weight in self.weights:
            signal = SIGNALS[name](self.asking, edit)
            if signal is None:
                return None
            score += weight * signal
            if score <= 0:
                return score
        return score


def diff_lines(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """The lines of a unified diff of two texts, all of them, without headers."""
    lines = difflib.unified_diff(list(old), list(new), lineterm="", n=len(old) + len(new))
    return list(lines)[3:]
