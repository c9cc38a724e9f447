"""Weighing one edit: is what stands here now more likely wrong than what stood here before?

A judge is anything that gives a score; the one here starts from what edits of this kind are known for, asks a model and
compares log-probabilities of its answers, never what it writes. Each signal is positive where the new version looks
worse. Does not know: what score is a finding.
"""

import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from copilot.prompts import review as words
from copilot.review.edits import Edit
from copilot.review.kinds import log_odds
from copilot.tasks.model_review.asking import Asking


@dataclass(frozen=True, slots=True)
class Weighed:
    """What a judge makes of an edit."""

    score: float
    """Higher for what looks more wrong."""
    is_whole: bool = True
    """False where the judge was not asked to the end, for nothing could have come of it."""


Worthwhile = Callable[[float], bool]
"""Whether anything would come of a score."""


class Judge(Protocol):
    """Gives an edit a score."""

    def weigh(self, edit: Edit, is_worthwhile: Worthwhile) -> Weighed | None:
        """The score, in part as soon as the highest it may become is not worthwhile.

        None where it cannot be told or the work was cancelled.
        """


Signals = Mapping[str, float]
"""Name -> how much it speaks against the new version."""
Reading = Callable[[Asking, Edit], Signals | None]
"""Reads an edit with what stands around it, once each way."""


def of_diff(asking: Asking, edit: Edit) -> Signals | None:
    """Two questions about the diff, each answer against the one for the diff turned round.

    "subject": it reads like a step back rather than like a fix. "denial": the model denies that it brings in a bug, as
    small models do of those that do, for they say yes where they see one mended.
    """
    old, new = ([*edit.head, *side, *edit.tail] for side in (edit.old, edit.new))
    down, up = _of_diff(asking, edit.path, old, new), _of_diff(asking, edit.path, new, old)
    return None if down is None or up is None else {name: (down[name] - up[name]) / 2 for name in down}


def _of_diff(asking: Asking, path: str, old: Sequence[str], new: Sequence[str]) -> Signals | None:
    answers = [
        (words.SUBJECT, words.TAKEN_BACK),
        (words.SUBJECT, words.MENDED),
        (words.PLAIN, "No"),
        (words.PLAIN, "Yes"),
    ]
    found = asking.about(words.change(path, diff_lines(old, new)), answers)
    return None if found is None else {"subject": found[0] - found[1], "denial": found[2] - found[3]}


def of_gap(asking: Asking, edit: Edit) -> Signals | None:
    """ "choice": the old version belongs into the gap; by its letter and by its text, in both orders."""
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
    return {"choice": max(-MOST_CHOICE, min(MOST_CHOICE, letters * LETTER_SHARE + said))}


LETTER_SHARE = 0.7
"""The letters vary more than the texts do; with this both count the same."""
MOST_CHOICE = 3.1
"""The measured edits have 3.03 at most; what cannot become a finding with this is not asked about any further."""


@dataclass(frozen=True, slots=True)
class ModelJudge:
    """Adds up what the kind of an edit and the signals say, each weighed as it was measured for the model."""

    asking: Asking
    weights: tuple[tuple[str, float], ...]
    must_agree: bool = False
    """Whether a single signal for the new version is enough to clear it: for models that were not measured."""

    def weigh(self, edit: Edit, is_worthwhile: Worthwhile) -> Weighed | None:
        """The weighted sum; one that is not above 0 is not looked into further.

        A kind that is often wrong is no reason by itself: where the signals together are for the new version, it is
        cleared.
        """
        weights, begin = dict(self.weights), log_odds(edit)
        score = self._added(of_diff, edit, begin, weights)
        if score is None or score <= 0:
            return None if score is None else Weighed(score)
        if not is_worthwhile(score + weights.get("choice", 0.0) * MOST_CHOICE):
            return Weighed(score, is_whole=False)
        score = self._added(of_gap, edit, score, weights)
        return None if score is None else Weighed(score if score > begin else min(score, 0.0))

    def _added(self, reading: Reading, edit: Edit, score: float, weights: Mapping[str, float]) -> float | None:
        """A score with the signals of one more reading added."""
        signals = reading(self.asking, edit)
        if signals is None:
            return None
        score += sum(weights.get(name, 0.0) * value for name, value in signals.items())
        return min(score, 0.0) if self.must_agree and min(signals.values()) <= 0 else score


def diff_lines(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """The lines of a unified diff of two texts, all of them, without headers."""
    lines = difflib.unified_diff(list(old), list(new), lineterm="", n=len(old) + len(new))
    return list(lines)[3:]
