"""What the answers gathered by `tests/bench/review_model.py` are worth: how well each way parts wrong from right.

`python -m tests.bench.review_table FILE ...` prints the Markdown table of docs/review.md and what the calibration file
holds. Knows nothing of models: it reads the file of JSON lines only.
"""

import argparse
import json
import math
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from copilot.review.calibration import Calibration, calibration, model_size
from copilot.review.kinds import CLEARED, LOG_ODDS
from copilot.tasks.model_review.asking import LEAST
from copilot.tasks.model_review.judge import LETTER_SHARE

Row = dict[str, Any]
SEED = 1
OTHERS = 4
"""Clean edits in a made-up change beside the wrong one."""
WEIGHTS = dict(calibration(model_size("qwen2", 28, 1536)).weights)


def _gap(row: Row) -> float:
    """How much the better side is preferred, over both orders."""
    one, two = row["gap"]["better first"], row["gap"]["worse first"]
    return (one["A"] - one["B"] + two["B"] - two["A"]) / 2


def _choice(row: Row) -> float:
    """As `copilot.tasks.model_review.judge.choice` adds it up, the better side counting up."""
    letters = text = 0.0
    for sign, order in ((1, "better first"), (-1, "worse first")):
        rows = [[max(LEAST, each) for each in row] for row in row["chosen"][f"correct, {order}"]]
        first, second, worse, better = map(sum, rows)
        letters += sign * (first - second) / 2
        text += (better - worse) / 2 / math.sqrt(max(map(len, rows[2:])))
    return letters * LETTER_SHARE + text


def _infill(row: Row, power: float) -> float:
    better, worse = (sum(max(LEAST, each) for each in row["infill"][side]) for side in ("better", "worse"))
    return (better - worse) / max(len(row["infill"]["better"]), len(row["infill"]["worse"])) ** power


def _asked(question: str, bad: str, good: str) -> Callable[[Row], tuple[float, float]]:
    def both(row: Row) -> tuple[float, float]:
        down, up = row["down"][question], row["up"][question]
        return down[bad] - down[good], up[bad] - up[good]

    return both


def _none(row: Row) -> tuple[float, float]:
    def bad(found: dict[str, float]) -> float:
        return math.log(sum(math.exp(value) for letter, value in found.items() if letter != "A")) - found["A"]

    return bad(row["down"]["kinds"]), bad(row["up"]["kinds"])


def _against(make: Callable[[Row], tuple[float, float]]) -> Callable[[Row], tuple[float, float]]:
    def both(row: Row) -> tuple[float, float]:
        down, up = make(row)
        return (down - up) / 2, (up - down) / 2

    return both


def _signed(make: Callable[[Row], float]) -> Callable[[Row], tuple[float, float]]:
    def both(row: Row) -> tuple[float, float]:
        return make(row), -make(row)

    return both


_SUBJECT = _against(_asked("subject", "Revert", "Fix"))


_DENIAL = _against(_asked("plain", "No", "Yes"))


def _signals(row: Row) -> tuple[float, float]:
    """The three signals, each weighed as a review does it."""
    pairs = zip(_SUBJECT(row), _DENIAL(row), strict=True)
    down, up = (WEIGHTS["subject"] * subject + WEIGHTS["denial"] * denial for subject, denial in pairs)
    choice = WEIGHTS["choice"] * _choice(row)
    return down + choice * (down > 0), up - choice * (up > 0)


def _kind(row: Row) -> tuple[float, float]:
    down, up = (LOG_ODDS[kind] for kind in row["kinds"])
    return down, up


def judged(row: Row) -> tuple[float, float]:
    """As a review does it: what the kind and the questions about the diff clear is not asked about again."""
    choice = WEIGHTS["choice"] * _choice(row)
    found = []
    for sign, kind, subject, denial in zip((1, -1), _kind(row), _SUBJECT(row), _DENIAL(row), strict=True):
        score = kind
        if kind > CLEARED:
            score += WEIGHTS["subject"] * subject + WEIGHTS["denial"] * denial
            score += sign * choice * (score > 0)
        found.append(score if score > kind else min(score, 0.0))
    return found[0], found[1]


Design = Callable[[Row], tuple[float, float]]
DESIGNS: dict[str, Design] = {
    "plain: does this diff introduce a bug?": _asked("plain", "Yes", "No"),
    "`denial`: No to that, against the diff turned round": _DENIAL,
    "what is wrong? one letter of five": _none,
    "what is wrong?, against the diff turned round": _against(_none),
    "was it the fix or what introduced the bug?": _asked("direction", "Introduced", "Fixed"),
    "fix or introduced, against the diff turned round": _against(_asked("direction", "Introduced", "Fixed")),
    "infilling: old against new text": _signed(lambda row: _infill(row, 0.5)),
    "A or B belongs into the gap, both orders": _signed(_gap),
    "`choice`: A or B, begun answer, letter and text": _signed(_choice),
    "subject line: Revert or Fix": _asked("subject", "Revert", "Fix"),
    "`subject`: against the diff turned round": _SUBJECT,
    "`subject` and `denial`, then `choice`": _signals,
    "the kind of the edit alone": _kind,
    "**the kind, `subject` and `denial`, then `choice`**": judged,
}
"""(score of better to worse, score of worse to better), higher where the new version looks worse."""


def auc(high: Sequence[float], low: Sequence[float]) -> float:
    """The chance that a member of `high` is above one of `low`."""
    won = sum((one > other) + (one == other) / 2 for one in high for other in low)
    return won / max(1, len(high) * len(low))


def detected(wrong: Sequence[float], clean: Sequence[float], rate: float) -> float:
    """The share of `wrong` above the threshold that lets `rate` of `clean` pass."""
    threshold = sorted(clean, reverse=True)[int(rate * len(clean))]
    return sum(score > threshold for score in wrong) / max(1, len(wrong))


def gathered(rows: Sequence[Row], make: Callable[[Row], tuple[float, float]]) -> tuple[list[float], list[float]]:
    """(scores of edits that put a bug in, scores of the others); edits that only add lines are not judged."""
    wrong, clean = [], []
    for row in rows:
        down, up = make(row)
        _, worse, better = row["sizes"]
        if better:
            (clean if row["kind"] == "clean" else wrong).append(down)
        if worse:
            clean.append(up)
    return wrong, clean


def located(wrong: Sequence[float], clean: Sequence[float]) -> float:
    """How often the wrong edit scores highest in a change with `OTHERS` clean ones."""
    draw = random.Random(SEED)
    draws = [(score, max(draw.sample(list(clean), OTHERS))) for score in wrong for _ in range(200)]
    return sum(score > other for score, other in draws) / max(1, len(draws))


def table(rows: Sequence[Row], designs: Mapping[str, Design] = DESIGNS) -> Iterator[str]:
    """The Markdown of designs."""
    yield "| way of asking | cases | right way round: fixes | faults | area under the curve | found at 10 % alarms |"
    yield "|---|---|---|---|---|---|"
    for name, make in designs.items():
        usable = [row for row in rows if _can(make, row)]
        if not usable:
            continue
        pairs = [
            sum(down > up for down, up in (make(row) for row in usable if row["kind"] == kind))
            / max(1, sum(row["kind"] == kind for row in usable))
            for kind in ("fix", "mutation")
        ]
        wrong, clean = gathered(usable, make)
        figures = [*pairs, auc(wrong, clean), detected(wrong, clean, 0.1)]
        yield f"| {name} | {len(usable)} | {' | '.join(f'{figure:.2f}' for figure in figures)} |"


def summary(rows: Sequence[Row]) -> Iterator[str]:
    """What the way that a review goes is worth, and the tables for `copilot/review/calibration.toml`."""
    usable = [row for row in rows if _can(judged, row)]
    wrong, clean = gathered(usable, judged)
    yield f"located among {OTHERS} clean edits: {located(wrong, clean):.2f}; by chance {1 / (OTHERS + 1):.2f}"
    known = Calibration((), tuple(sorted(clean)), tuple(sorted(wrong)))
    for count in (1, 3, 5):
        alarms = 1 - (1 - sum(known.is_finding(score, count) for score in clean) / len(clean)) ** count
        seen = sum(known.is_finding(score, count) for score in wrong) / len(wrong)
        yield f"{count} edits: {seen:.2f} of wrong ones found, {alarms:.2f} of clean changes get a finding"
    yield from _pairs(usable, known)
    yield f"clean = {[round(score, 2) for score in known.clean]}"
    yield f"wrong = {[round(score, 2) for score in known.wrong]}"


def _pairs(rows: Sequence[Row], known: Calibration) -> Iterator[str]:
    """How often the bad direction is flagged and the other one is not; edits that only add lines are never flagged."""
    plain = _asked("plain", "Yes", "No")
    ways: dict[str, Callable[[Row], tuple[bool, bool]]] = {
        "a review": lambda row: _flags(row, judged(row), lambda score: known.is_finding(score, 1)),
        "Yes to the plain question": lambda row: _flags(row, plain(row), lambda score: score > 0),
    }
    for name, flags in ways.items():
        found = [flags(row) for row in rows if row["kind"] != "clean"]
        alone = [sum(one and not other for one, other in pairs) for pairs in (found, [each[::-1] for each in found])]
        both = sum(all(each) for each in found)
        yield f"{name}: of {len(found)} pairs the bad one alone {alone[0]}, the fixed one alone {alone[1]}, both {both}"


def _flags(row: Row, scores: tuple[float, float], is_flagged: Callable[[float], bool]) -> tuple[bool, bool]:
    _, worse, better = row["sizes"]
    return bool(better) and is_flagged(scores[0]), bool(worse) and is_flagged(scores[1])


def _can(make: Callable[[Row], tuple[float, float]], row: Row) -> bool:
    try:
        make(row)
    except KeyError:
        return False
    return True


def read(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+")
    rows = [row for path in parser.parse_args().files for row in read(path)]
    sys.stdout.write("\n".join([*table(rows), "", *summary(rows)]) + "\n")


if __name__ == "__main__":
    main()
