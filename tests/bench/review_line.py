"""Whether a small model, shown a whole change with its lines numbered, names the one that is wrong.

`python -m tests.bench.review_line FILE` shows changes of the projects that the signals were chosen on, one bug among
three clean diffs, and weighs the number of each changed line as the answer; what is in the file of JSON lines is not
asked again. Prints how often the likeliest line is within three of the bug, beside the first changed line. Knows
nothing of how a review asks.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from copilot.prompts.fences import fenced
from copilot.repo.changes import staged
from tests.bench.review_cases import SERIES
from tests.bench.review_mixed import is_near, read, repository, work
from tests.bench.review_model import Asker, asker

FIRST = 100
"""The number of the first line: all have three digits, so that none is the beginning of another."""
MOST_LINES = 160
QUESTION = "This change has one bug. Answer with the number of the line that is wrong."
Row = dict[str, Any]


def shown(root: Path) -> tuple[str, dict[str, list[Any]]]:
    """The staged diff with its lines numbered, and number -> (path, line) of each changed one."""
    texts, places, number = [], {}, FIRST
    for file in staged(root).files:
        texts.append(f"--- {file.path}")
        for hunk in file.diff.hunks:
            following = hunk.new_start
            for line in hunk.lines:
                number += 1
                texts.append(f"{number} {line.sign}{line.text}")
                following = line.new if line.new is not None else following
                if line.sign != " ":
                    places[str(number)] = [file.path, following]
                following += line.new is not None
    return f"A change:\n{fenced(chr(10).join(texts), 'diff')}\n", places


def asked(ask: Asker, root: Path) -> Row | None:
    """The log-probability of each changed line's number; None for a change that is too long to be shown."""
    text, places = shown(root)
    if text.count("\n") > MOST_LINES:
        return None
    return {"said": ask.answers(text, {"one": (QUESTION, tuple(places))}), "at": places}


def table(rows: Sequence[Row]) -> Iterator[str]:
    """The Markdown of what was measured."""
    yield "| changes | lines to choose from | located within 3 lines | by the first changed line | by chance |"
    yield f"|{'---|' * 5}"
    best = [max(row["at"], key=row["said"]["one"].__getitem__) for row in rows]
    hits = sum(is_near(row["at"][number], row["places"]) for row, number in zip(rows, best, strict=True))
    first = sum(is_near(next(iter(row["at"].values())), row["places"]) for row in rows)
    chance = sum(sum(is_near(at, row["places"]) for at in row["at"].values()) / len(row["at"]) for row in rows)
    lines = sum(len(row["at"]) for row in rows) / max(1, len(rows))
    shares = " | ".join(f"{count / max(1, len(rows)):.2f}" for count in (hits, first, chance))
    yield f"| {len(rows)} | {lines:.0f} | {shares} |"


def run(path: Path, most: int, count: int) -> None:
    """Ask about changes that are not in the file yet."""
    known = {row["name"] for row in read(path)}
    with path.open("a") as out, asker() as ask:
        for kind, name, change in work(most, SERIES):
            if kind != "mixed" or name in known or len(known) >= count:
                continue
            with tempfile.TemporaryDirectory() as scratch:
                said = asked(ask, repository(Path(scratch, "tree"), change))
            if said is not None:
                places = [place for part in change if part.kind != "clean" for place in part.places]
                out.write(json.dumps({"name": name, "places": places} | said) + "\n")
                out.flush()
                known.add(name)
                sys.stderr.write(f"{name} {ask.tokens} tokens\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--most", type=int, default=12, help="changes of each source")
    parser.add_argument("--count", type=int, default=18, help="changes in all")
    options = parser.parse_args()
    run(options.file, options.most, options.count)
    sys.stdout.write("\n".join(table(read(options.file))) + "\n")


if __name__ == "__main__":
    main()
