"""What the scores of a judge are worth for each model: how often an edit that is right scores as high.

Does not know: how scores come about.
"""

import functools
import hashlib
import math
import tomllib
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

FALSE_ALARMS = 0.25
"""The most findings that a clean change may get on average, all its edits taken together."""
UNKNOWN_FACTOR = 2.0
"""A model that was not measured must be so much surer than another one ever was of a clean edit."""
_MOST_CONFIDENT = 0.8
_FEWEST_IN_TAIL = 4
_LEAST_SCALE = 0.01
_PRIOR = 0.1
"""The share of edits that put a bug in, for what a score is worth to a reader."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """The scores that one model gave to edits with a known answer."""

    weights: tuple[tuple[str, float], ...]
    """How much each signal counts, by name."""
    clean: tuple[float, ...]
    """Scores of edits without a bug, ascending."""
    wrong: tuple[float, ...]
    """Scores of edits that put a bug in, ascending."""
    is_measured: bool = True
    """False where the model is unknown and another one's figures stand in."""

    def alarm_rate(self, score: float) -> float:
        """The share of clean edits that score as high; in the upper tenth, where few are, as a tail that thins out."""
        n_tail = max(_FEWEST_IN_TAIL, len(self.clean) // 10)
        if len(self.clean) <= n_tail or score <= (begin := self.clean[-n_tail - 1]):
            return (_above(self.clean, score) + 1) / (len(self.clean) + 1)
        scale = max(_LEAST_SCALE, sum(self.clean[-n_tail:]) / n_tail - begin)
        return (n_tail + 1) / (len(self.clean) + 1) * math.exp((begin - score) / scale)

    def is_finding(self, score: float, n_edits: int) -> bool:
        """Whether a score stands out among so many edits: a clean change has few findings however large it is."""
        if not self.is_measured and score <= UNKNOWN_FACTOR * self.clean[-1]:
            return False
        return self.alarm_rate(score) * n_edits <= FALSE_ALARMS

    def confidence(self, score: float) -> float:
        """The share of edits with such a score or a higher one that are wrong, two digits."""
        score = min(score, self.wrong[3 * len(self.wrong) // 4])  # beyond, too few were measured
        hit = (_above(self.wrong, score) + 1) / (len(self.wrong) + 1) * _PRIOR
        return round(min(_MOST_CONFIDENT, hit / (hit + self.alarm_rate(score) * (1 - _PRIOR))), 2)


def _above(ordered: Sequence[float], score: float) -> int:
    return len(ordered) - bisect_left(ordered, score)


def model_size(architecture: str, n_layer: int, embedding_length: int) -> str:
    """The name of a model's family and size in the calibration file."""
    return f"{architecture}-{n_layer}-{embedding_length}"


def calibration(size: str) -> Calibration:
    """The figures of a model's family and size; for an unknown one the strictest of all that are known."""
    known = _known()
    if size in known:
        return known[size]
    strictest = max(known.values(), key=lambda each: each.clean[-1] - each.clean[len(each.clean) // 2])
    return Calibration(strictest.weights, strictest.clean, strictest.wrong, is_measured=False)


def digest() -> str:
    """Identity of all figures: what was found with them holds as long as it is the same."""
    return hashlib.blake2b(_text().encode(), digest_size=8).hexdigest()


@functools.cache
def _known() -> dict[str, Calibration]:
    return {name: _read(table) for name, table in sorted(tomllib.loads(_text()).items())}


@functools.cache
def _text() -> str:
    return resources.files("copilot.review").joinpath("calibration.toml").read_text("utf-8")


def _read(table: dict[str, Any]) -> Calibration:
    weights = tuple((str(name), float(weight)) for name, weight in table["weights"].items())
    return Calibration(weights, tuple(sorted(table["clean"])), tuple(sorted(table["wrong"])))
