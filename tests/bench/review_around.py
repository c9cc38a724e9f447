"""What the signals of a review are worth when the model is first told what stands around the edit.

`python -m tests.bench.review_around ANSWERS FILE` takes the fixes and faults that `tests/bench/review_model.py` asked
about, finds the definitions, callers, callees, types, fields and tests of each in the tree it is from, and asks the
same questions with those lines before them; what is in the file of JSON lines is not asked again. Prints both ways of
the same pairs as rows of docs/review.md.
"""

import argparse
import difflib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from copilot.errors import DiffError
from copilot.prompts import review as words
from copilot.prompts.fences import fenced
from copilot.repo.changes import from_diff
from copilot.repo.index import Index
from copilot.repo.walk import walk
from copilot.review.change import ChangeView
from copilot.tasks.model_review.nearby import Nearby
from copilot.tasks.repository import Repository
from tests.bench.patch_series import series
from tests.bench.review_cases import Case, cases
from tests.bench.review_kinds import edit_of
from tests.bench.review_mixed import read
from tests.bench.review_model import asked, asker
from tests.bench.review_table import DESIGNS, Row, table
from tests.bench.trees import cache_folder

WANTED = ("`denial`", "`choice`", "`subject`", "the kind, ")
"""What the names of the ways of asking begin with that are compared."""
MOST = 20
"""Cases of each kind that were drawn for the answers."""


def around(case: Case) -> list[str] | None:
    """The lines about what stands around a case in its tree; None where it is not found there."""
    tree = series(case.name.partition("/")[0]) / "tree"
    path = tree / case.path
    if not path.is_file():
        return None
    old = path.read_text("utf-8", "surrogateescape").split("\n")
    here = case.worse if case.kind == "fix" else case.better
    window = [*case.head, *here, *case.tail]
    starts = [at for at in range(len(old)) if old[at : at + len(window)] == window]
    if not starts:
        return None
    first, last = starts[0] + len(case.head), starts[0] + len(case.head) + len(here)
    better, worse = ([*old[:first], *side, *old[last:]] for side in (case.better, case.worse))
    lines = difflib.unified_diff(better, worse, f"a/{case.path}", f"b/{case.path}", lineterm="")
    try:
        changes = from_diff(tree, "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape"))
    except DiffError:
        return None
    [view] = ChangeView(changes).views
    edit = edit_of(case, is_down=True)
    line = view.file.diff.hunks[0].new_start
    nearby = Nearby(lambda: opened(tree))
    found = list(nearby.lines(view, replace(edit, start_line=line, end_line=line)))
    nearby.close()
    return found


def opened(tree: Path) -> Repository:
    """A tree with its index, which is kept in the cache folder."""
    index = Index(cache_folder() / "around" / f"{tree.parent.name}.sqlite3", tree)
    index.refresh(walk(tree))
    return Repository(tree, index, None)


def compared(told: Sequence[Row], before: Sequence[Row]) -> Iterator[str]:
    """The rows of both ways over the same cases."""
    names = {row["name"] for row in told}
    for what, rows in (("", [row for row in before if row["name"] in names]), (", told what stands around", told)):
        designs = {f"{name}{what}": make for name, make in DESIGNS.items() if name.strip("*").startswith(WANTED)}
        yield from list(table(rows, designs))[2 * bool(what) :]


def run(answers: Path, file: Path, count: int, how: str) -> None:
    """Ask about cases that are not in the file yet; `how` is what the lines that are told begin with."""
    known = {row["name"] for row in read(file)}
    with file.open("a") as out, asker() as ask:
        for case in wanted(answers):
            if case.name in known or len(known) >= count or not (found := around(case)):
                continue
            lines = [line for line in found if line.startswith(how)]
            ask.around = f"The place of the change:\n{fenced(words.shown(lines))}\n"
            row = asked(ask, case, ("chosen", "down", "up"), ("subject", "plain"))
            out.write(json.dumps(row | {"lines": lines}) + "\n")
            out.flush()
            known.add(case.name)
            sys.stderr.write(f"{case.kind} {case.what[:50]} {len(lines)} lines, {ask.tokens} tokens\n")


def wanted(answers: Path) -> Iterator[Case]:
    """The fixes and faults among the answers, in their order."""
    drawn = {case.name: case for case in cases(MOST, 1)}
    yield from (drawn[row["name"]] for row in read(answers) if row["kind"] != "clean" and row["name"] in drawn)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("answers", type=Path)
    parser.add_argument("file", type=Path)
    parser.add_argument("--count", type=int, default=20, help="cases in all")
    parser.add_argument("--how", default="", help='tell no other lines than, say, "in"')
    parser.add_argument("--lines", action="store_true", help="print all lines, ask nothing")
    options = parser.parse_args()
    if options.lines:
        for case in wanted(options.answers):
            sys.stdout.write("\n".join([f"## {case.name}", *(around(case) or ["not found"]), ""]) + "\n")
        return
    run(options.answers, options.file, options.count, options.how)
    sys.stdout.write("\n".join(compared(read(options.file), read(options.answers))) + "\n")


if __name__ == "__main__":
    main()
