"""How often each kind of edit puts a bug in: the log-odds of `copilot/review/kinds.py` and where they come from.

`python -m tests.bench.review_kinds` sorts the edits of all patch series that are in the cache folder, both ways, and of
faults and refactorings put into their trees. A fix that is taken back and a fault put a bug in; fixes, other changes
both ways, and refactorings do not. Prints Markdown. Asks no model.
"""

import math
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence

from copilot.review.edits import Edit
from copilot.review.kinds import LOG_ODDS, Kind, kind_of
from tests.bench.review_cases import FAULTS, REFACTORINGS, Case, made, of_series
from tests.bench.trees import cache_folder

SEED = 5
MADE = 140
FLOOR = 0.01
"""Added to each share, so that what was never seen is only unlikely."""
_MOST = 2.0
"""The highest log-odds used: of edits of one operator most that are known are made up."""


def edit_of(case: Case, *, is_down: bool) -> Edit:
    """A case as the edit that puts the bug in, or as the one that mends it."""
    old, new = (case.better, case.worse) if is_down else (case.worse, case.better)
    first = len(case.head) + 1
    return Edit(case.path, first, first + max(0, len(new) - 1), old, new, case.head, case.tail)


def counted(cases: Sequence[Case], *, is_down: bool) -> Counter[Kind]:
    """How many edits there are of each kind; those that only add lines are not judged."""
    edits = (edit_of(case, is_down=is_down) for case in cases)
    return Counter(kind_of(edit) for edit in edits if edit.old)


def shares(counts: Sequence[Counter[Kind]], kind: Kind) -> float:
    """The share of a kind in several sets, each of which counts the same."""
    return sum(count[kind] / max(1, count.total()) for count in counts) / len(counts)


def table(wrong: Sequence[Counter[Kind]], clean: Sequence[Counter[Kind]]) -> Iterator[str]:
    """The Markdown of all kinds."""
    sizes = [count.total() for count in (*wrong, *clean)]
    yield f"edits: {sizes}\n"
    yield "| kind | fix taken back | fault | fix | other change | backwards | refactoring | log-odds | used |"
    yield f"|{'---|' * 9}"
    for kind, used in LOG_ODDS.items():
        each = " | ".join(f"{count[kind] / max(1, count.total()):.3f}" for count in (*wrong, *clean))
        odds = min(_MOST, math.log((shares(wrong, kind) + FLOOR) / (shares(clean, kind) + FLOOR)))
        yield f"| {kind} | {each} | {odds:.1f} | {used:.1f} |"


def main() -> None:
    packages = sorted(path.name for path in (cache_folder() / "series").iterdir())
    real = [case for package in packages for case in of_series(package)]
    fixes, others = ([case for case in real if case.kind == kind] for kind in ("fix", "clean"))
    faults = made(FAULTS, "mutation", MADE, random.Random(SEED))
    refactorings = made(REFACTORINGS, "clean", MADE // 2, random.Random(SEED))
    wrong = [counted(fixes, is_down=True), counted(faults, is_down=True)]
    clean = [
        counted(fixes, is_down=False), counted(others, is_down=False), counted(others, is_down=True),
        counted(refactorings, is_down=False),
    ]  # fmt: skip
    sys.stdout.write("\n".join(table(wrong, clean)) + "\n")


if __name__ == "__main__":
    main()
