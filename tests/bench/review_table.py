"""What the answers gathered by `tests/bench/review_model.py` are worth: how well each signal parts wrong from right.

Knows nothing of models: it reads the file of JSON lines only.
"""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def log_odds(logprob: float) -> float:
    return logprob - math.log(max(1e-9, -math.expm1(min(logprob, -1e-9))))


def _gap(row: Row) -> float:
    """How much the better side is preferred, over both orders."""
    found = row["gap"]
    return (log_odds(found["better first"]["A"]) - log_odds(found["worse first"]["A"])) / 2


def _gap_ab(row: Row) -> float:
    one, two = row["gap"]["better first"], row["gap"]["worse first"]
    return (one["A"] - one["B"] + two["B"] - two["A"]) / 2


def _infill(row: Row, power: float) -> float:
    better, worse = (sum(max(-30.0, each) for each in row["infill"][side]) for side in ("better", "worse"))
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


DESIGNS: dict[str, Callable[[Row], tuple[float, float]]] = {
    "plain: does this diff bring in a bug?": _asked("plain", "Yes", "No"),
    "plain, against the diff turned round": _against(_asked("plain", "Yes", "No")),
    "what is wrong? one letter of five": _none,
    "what is wrong?, against the diff turned round": _against(_none),
    "did it fix or introduce a bug?": _asked("direction", "Introduced", "Fixed"),
    "fix or introduce, against the diff turned round": _against(_asked("direction", "Introduced", "Fixed")),
    "subject line begins with Fix, against the diff turned round": _against(_asked("subject", "Remove", "Fix")),
    "subject line: Revert/Fix, against the diff turned round": _against(_asked("subject", "Revert", "Fix")),
    "which of two belongs into the gap, both orders": _signed(_gap),
    "which of two (A-B)": _signed(_gap_ab),
    "infilling: sum": _signed(lambda row: _infill(row, 0.0)),
    "infilling: by root of length": _signed(lambda row: _infill(row, 0.5)),
    "infilling: by length": _signed(lambda row: _infill(row, 1.0)),
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


def scores(rows: Sequence[Row], make: Callable[[Row], tuple[float, float]]) -> dict[str, list[tuple[float, float]]]:
    """Kind -> both scores of each case."""
    found: dict[str, list[tuple[float, float]]] = {"fix": [], "mutation": [], "clean": []}
    for row in rows:
        found[row["kind"]].append(make(row))
    return found


def table(rows: Sequence[Row]) -> Iterator[str]:
    """The Markdown of all designs."""
    yield "| design | pairs told apart: fixes | faults | area under the curve | found at 10 % alarms | at 20 % |"
    yield "|---|---|---|---|---|---|"
    for name, make in DESIGNS.items():
        usable = [row for row in rows if _can(make, row)]
        if not usable:
            continue
        found = scores(usable, make)
        pairs = [sum(down > up for down, up in found[kind]) / max(1, len(found[kind])) for kind in ("fix", "mutation")]
        wrong = [down for kind in ("fix", "mutation") for down, _ in found[kind]]
        clean = [up for kind in ("fix", "mutation") for _, up in found[kind]]
        clean += [score for both in found["clean"] for score in both]
        shares = [detected(wrong, clean, rate) for rate in (0.1, 0.2)]
        figures = [*pairs, auc(wrong, clean), *shares]
        yield f"| {name} | {' | '.join(f'{figure:.2f}' for figure in figures)} |"


def _can(make: Callable[[Row], tuple[float, float]], row: Row) -> bool:
    try:
        make(row)
    except KeyError:
        return False
    return True


def read(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
