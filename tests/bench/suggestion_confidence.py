"""What a threshold of confidence would show, and how much of it would be right.

`python -m tests.bench.suggestion_confidence [--typed FILE …] [--needed FILE …]`: what `keystrokes` and
`completion_quality` kept. A suggestion counts as right if its first line is what stood there, as near if they are alike
to 80 %. Of a line that is typed, several suggestions are counted, as a typist would see them. No model is involved.
"""

import argparse
import json
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from statistics import mean

from tests.bench.completion_quality import Outcome
from tests.bench.keystrokes import kept

THRESHOLDS = (0.0, 0.25, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7, 0.8)
NEAR = 0.8


@dataclass(frozen=True, slots=True)
class Suggested:
    """One suggestion: how sure the model was, and how like what stood there it is."""

    confidence: float
    similarity: float


def typed(file: Path) -> Iterator[Suggested]:
    """The lines that were suggested while typing."""
    for pair in kept(file):
        sure = [math.log(probability) for _, probability in pair.moved.sure]
        if sure and pair.moved.line.strip():
            yield Suggested(math.exp(mean(sure)), alike(pair.moved.line, pair.wanted))


def needed(file: Path) -> Iterator[Suggested]:
    """The lines that need names of other files, with what the repository says."""
    for line in file.read_text().splitlines():
        found = Outcome(**json.loads(line))
        if found.way == "with" and found.confidence is not None and found.written:
            yield Suggested(found.confidence, alike(found.written, found.answer))


def alike(one: str, other: str) -> float:
    return SequenceMatcher(None, one.strip(), other.strip(), autojunk=False).ratio()


def report(suggested: Sequence[Suggested]) -> Iterator[str]:
    yield "| confidence from | shown | right of them | near of them | right ones shown |"
    yield "|---|---|---|---|---|"
    right = sum(one.similarity == 1 for one in suggested)
    for threshold in THRESHOLDS:
        shown = [one.similarity for one in suggested if one.confidence >= threshold]
        if not shown:
            continue
        exact = sum(similarity == 1 for similarity in shown)
        near = sum(similarity >= NEAR for similarity in shown)
        shares = (len(shown) / len(suggested), exact / len(shown), near / len(shown), exact / max(1, right))
        yield f"| {threshold:.2f} | {' | '.join(f'{share:.2f}' for share in shares)} |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.suggestion_confidence", description=__doc__)
    parser.add_argument("--typed", type=Path, nargs="*", default=[], metavar="FILE", help="what `keystrokes` kept")
    parser.add_argument("--needed", type=Path, nargs="*", default=[], metavar="FILE", help="of `completion_quality`")
    given = parser.parse_args()
    for title, found in (
        ("while typing", [one for file in given.typed for one in typed(file)]),
        ("names of other files", [one for file in given.needed for one in needed(file)]),
    ):
        if found:
            sys.stdout.write(f"{title}, {len(found)} suggestions\n\n")
            sys.stdout.writelines(f"{line}\n" for line in report(found))
            sys.stdout.write("\n")


if __name__ == "__main__":
    main()
