"""What `copilot review` says of whole changes with a known answer: bugs, alone and among clean diffs, and fixes.

`python -m tests.bench.review_mixed FILE` reviews the changes of `tests/bench/review_parts.py` with rules and model, as
the command does, and appends what was found to a file of JSON lines; what is there already is not done again, so that a
run can be stopped and gone on with. Scores are kept beside it. `--rules` reviews without a model, `--plain` asks the
model to review each diff in words, `--table` prints the Markdown alone. The model's sentences are left out: nothing
here depends on them.
"""

import argparse
import json
import os
import random
import re
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from copilot.app import App
from copilot.engine.base import Cancel, Session
from copilot.engine.requests import Priority, Request, Sampling
from copilot.events import Text
from copilot.prompts import review as words
from copilot.repo.changes import staged
from copilot.repo.diff import render_hunk
from copilot.review.cache import FindingCache
from copilot.review.catalogue import Selection
from copilot.review.facts import Deadline
from copilot.review.finding import Finding
from copilot.tasks.model import ChatModel
from copilot.tasks.model_review.asking import Asking, Desk
from copilot.tasks.review import Asked, Subject, review, sources
from copilot.testing import make_repo, run_git
from tests.bench.review_parts import FRESH, Part, parts

SEED = 3
OTHERS = 3
"""Clean diffs beside the bug."""
AROUND = 8
"""The clean diffs beside a bug are among so many before it in the list: most are weighed already."""
NEAR = 3
"""Lines between a finding and the bug it has found."""
ANSWER_TOKENS = 60
REVIEW_THIS = (
    "Review this diff. Report the bugs it introduces as a JSON array of objects with the keys line and problem; "
    "answer [] if there are none."
)
Row = dict[str, Any]


class Silent(Asking):
    """A model that weighs and says nothing."""

    def said(self, question: str, properties: Mapping[str, object], tokens: int = 0) -> dict[str, object]:
        return {}


def work(most: int, packages: Sequence[str] = FRESH) -> Iterator[tuple[str, str, Sequence[Part]]]:
    """(kind, name, parts) of each review, so that every beginning of the list holds some of each kind."""
    bad, clean = parts(most, SEED, packages)
    draw = random.Random(SEED)
    order = [part for at in range(most) for part in bad[at::most]]
    fine = [part for at in range(most) for part in clean[at::most]]
    for at, part in enumerate(order):
        yield "bad", part.name, [part]
        yield "fixed", part.name, [part.turned_round]
        if at < len(fine):
            yield "clean", fine[at].name, [fine[at]]
        near = fine[max(0, at - AROUND) : at + OTHERS]
        others = draw.sample([each for each in near if _is_apart(each, part)], OTHERS)
        if _is_apart(*others):
            mixed = [part, *others]
            draw.shuffle(mixed)
            yield "mixed", part.name, mixed


def _is_apart(*several: Part) -> bool:
    """Whether no two parts change the same file."""
    paths = [path for part in several for path, _, _ in part.files]
    return len(paths) == len(set(paths))


def repository(folder: Path, change: Sequence[Part]) -> Path:
    """A repository with a change staged."""
    files = [file for part in change for file in part.files]
    make_repo(folder, {path: old for path, old, _ in files})
    for path, _, new in files:
        (folder / path).write_text(new, "utf-8")
    run_git(folder, "add", "--all")
    return folder


def asked(asking: Asking) -> Asked:
    """How the model takes part: as in the command, but that it writes no sentences."""
    desk = Desk(lambda: "measured", lambda: (asking.model, asking.session))
    desk.__dict__["asking"] = Silent(asking.model, asking.session, desk.cancel)
    return Asked(desk)


def reviewed(root: Path, model: Asked | None, cache: FindingCache) -> Row:
    """What the command finds in what is staged, and the first changed line of it."""
    began = time.process_time()
    found = [
        [event.path, event.start_line, event.end_line, event.source, event.rule, event.confidence]
        for event in review(root, Subject("staged"), sources(Selection.of(), cache, model), Deadline())
        if isinstance(event, Finding)
    ]
    changes = staged(root)
    hunk = changes.files[0].diff.hunks[0]
    first = next((line.new or hunk.new_start for line in hunk.lines if line.sign != " "), hunk.new_start)
    return {"found": found, "first": [changes.files[0].path, first], "cpu": round(time.process_time() - began, 1)}


def answered(root: Path, asking: Asking) -> Row:
    """Whether the model names a bug when it is asked for a review in words."""
    diff = [
        line for file in staged(root).files for hunk in file.diff.hunks for line in render_hunk(hunk).splitlines()
    ]  # fmt: skip
    question = f"{words.fenced(chr(10).join(diff), 'diff')}\n{REVIEW_THIS}"
    model, chat = asking.model, asking.model.chat
    turn = tuple(model.encode([*chat.system(words.SYSTEM), *chat.user(question)]))
    request = Request((), turn, Sampling(ANSWER_TOKENS), Priority.REVIEW)
    said = "".join(event.text for event in asking.session.generate(request, Cancel()) if isinstance(event, Text))
    return {"said": said, "flagged": bool(re.search(r"\[\s*\{", said)) or "[" not in said}


def run(path: Path, most: int, way: str) -> None:
    """Do what is not in the file yet; `way` is "", "rules" or "plain"."""
    os.environ["COPILOT_HOST"] = "off"
    known: dict[str, set[str]] = defaultdict(set)
    for done in read(path):
        known[done["name"]].add(done["kind"])
    app = App.at(Path(), {})
    model: ChatModel = app.chat_model()
    session: Session = app.session(model)
    asking = Asking(model, session, Cancel())
    with path.open("a") as out, closing(FindingCache.at(path.with_suffix(".sqlite3"))) as cache:
        for kind, name, change in work(most):
            if (label := f"{way} {kind}".strip()) in known[name] or (way == "plain" and kind not in ("bad", "fixed")):
                continue
            row: Row = {"kind": label, "name": name, "what": change[0].what, "source": change[0].kind}
            bug = [part for part in change if part.kind != "clean"] if kind in ("bad", "mixed") else []
            row["places"] = [place for part in bug for place in part.places]
            with tempfile.TemporaryDirectory() as scratch:
                root = repository(Path(scratch, "tree"), change)
                if way == "plain":
                    row |= answered(root, asking)
                else:
                    row |= reviewed(root, None if way else asked(asking), cache)
            out.write(json.dumps(row) + "\n")
            out.flush()
            sys.stderr.write(f"{label} {name[-60:]} {row.get('found', row.get('said'))} {row.get('cpu', '')}\n")
    session.close()


def read(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def is_near(found: Sequence[Any], places: Sequence[Sequence[Any]]) -> bool:
    """Whether a finding, or a line, is at the bug."""
    path, first, last = [*found, found[1]][:3]
    return any(path == at and first <= end + NEAR and begin <= last + NEAR for at, begin, end in places)


def table(rows: Sequence[Row]) -> Iterator[str]:
    """The Markdown of what was measured."""
    of = {kind: [row for row in rows if row["kind"] == kind] for kind in sorted({row["kind"] for row in rows})}
    for row in rows:
        row["rules"] = [each for each in row.get("found", ()) if each[3] == "static"]
    yield "| | reviews | with a finding | findings each | of rules | bug located | by the first changed line |"
    yield "|---|---|---|---|---|---|---|"
    names = {
        "mixed": "one bug among three clean diffs",
        "bad": "the bug alone",
        "fixed": "its fix",
        "clean": "clean diffs",
    }
    for kind, name in [(f"{way}{kind}", f"{way}{name}") for way in ("", "rules ") for kind, name in names.items()]:
        some = of.get(kind, [])
        n = max(1, len(some))
        flagged, each = sum(bool(row["found"]) for row in some), sum(len(row["found"]) for row in some) / n
        rules = sum(len(row["rules"]) for row in some) / n
        at = sum(any(is_near(found, row["places"]) for found in row["found"]) for row in some) / n
        first = sum(is_near(row["first"], row["places"]) for row in some) / n
        located = f"{at:.2f} | {first:.2f}" if kind.endswith(("mixed", "bad")) else " | "
        yield f"| {name} | {len(some)} | {flagged} | {each:.2f} | {rules:.2f} | {located} |"
    yield ""
    for name, way, key in (
        ("review", "", "found"),
        ("rules", "rules ", "found"),
        ("plain prompt", "plain ", "flagged"),
    ):
        good = {row["name"]: bool(row[key]) for row in of.get(f"{way}fixed", [])}
        pairs = [(bool(row[key]), good[row["name"]]) for row in of.get(f"{way}bad", []) if row["name"] in good]
        right, wrong = sum(one and not other for one, other in pairs), sum(other and not one for one, other in pairs)
        both = sum(one and other for one, other in pairs)
        yield f"{name}: of {len(pairs)} pairs the bad one alone {right}, the fixed one alone {wrong}, both {both}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--most", type=int, default=24, help="changes of each source")
    parser.add_argument("--rules", dest="way", action="store_const", const="rules", default="")
    parser.add_argument("--plain", dest="way", action="store_const", const="plain")
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    if not options.table:
        run(options.file, options.most, options.way)
    sys.stdout.write("\n".join(table(read(options.file))) + "\n")


if __name__ == "__main__":
    main()
