"""How long a review with a model takes, and how much it reads, beside a prompt that shows whole files.

`python -m tests.bench.review_time` changes six files of a real project in 300 lines, reviews that, and reviews it
again. Without `--run` no model is loaded: questions are counted, answered at random. Prints Markdown. The other way,
one question per file with the file and its diff in it, is only counted: its answer would come after all of it is read.
"""

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from copilot.app import App
from copilot.engine.base import Cancel, ScoreRequest, Session
from copilot.prompts import review as words
from copilot.repo.diff import render_hunk
from copilot.review.cache import FindingCache
from copilot.review.change import ChangeView
from copilot.review.facts import Deadline
from copilot.review.finding import Finding
from copilot.tasks.model import ChatModel
from copilot.tasks.model_review.asking import Desk
from copilot.tasks.model_review.source import model_source
from copilot.tasks.review import Subject, changes_of, review
from copilot.testing import ScriptedSession, make_repo, run_git
from tests.bench.patch_series import series
from tests.bench.review_cases import FAULTS, REFACTORINGS

SEED = 4
PACKAGE = "keystone"
FILES, CHANGES, ADDED = 6, 4, 40


class Counting(ScriptedSession):
    """Answers at random, in no time."""

    def __init__(self) -> None:
        super().__init__(answer=lambda request: '{"problem": "It is wrong."}')
        self._draw = random.Random(SEED)

    def score(self, request: ScoreRequest, cancel: Cancel) -> tuple[tuple[float, ...], ...]:
        return tuple(tuple(-2 * self._draw.random() for _ in row) for row in request.continuations)


def changed(text: str, draw: random.Random) -> str:
    """A file with some lines changed and a function added."""
    lines = text.split("\n")
    makers = [*FAULTS.values(), *REFACTORINGS.values()]
    places = list(range(20, len(lines) - 5, max(1, len(lines) // (CHANGES + 1))))[:CHANGES]
    for at in reversed(places):
        for near in range(at, min(at + 15, len(lines))):
            made = next((new for make in draw.sample(makers, 12) if (new := make(lines[near], draw)) is not None), None)
            if made is not None and made != lines[near]:
                lines[near : near + 1] = made.split("\n") if made else []
                break
    body = [f"    value_{number} = combined({number}, given)" for number in range(ADDED)]
    return "\n".join([*lines, "", "def added(given):", *body, "    return value_0", ""])


def project(folder: Path) -> Path:
    """A repository with the changes staged."""
    draw = random.Random(SEED)
    tree = folder / "tree"
    shutil.copytree(series(PACKAGE) / "tree", tree, ignore=shutil.ignore_patterns("tests", "locale", "doc*", ".git"))
    make_repo(tree, {})
    paths = [path for path in sorted(tree.rglob("*.py")) if 8_000 < path.stat().st_size < 20_000]
    for path in draw.sample(paths, FILES):
        path.write_text(changed(path.read_text("utf-8"), draw), "utf-8")
    run_git(tree, "add", "--all")
    return tree


def whole_files(tree: Path, model: ChatModel) -> int:
    """Tokens of one question per file that shows the file and its diff."""
    change = ChangeView(changes_of(tree, Subject("staged")))
    shown = [
        f"{view.file.new_text}\n{words.change(view.path, [render_hunk(hunk) for hunk in view.file.diff.hunks])}"
        for view in change.views
    ]
    return sum(model.tokenizer.count(shown))


def measured(tree: Path, desk: Desk, cache: FindingCache) -> tuple[list[float], float, float]:
    """Seconds until each finding, until the end, and CPU seconds."""
    began, cpu, found = time.perf_counter(), time.process_time(), []
    for event in review(tree, Subject("staged"), [model_source(desk, cache)], Deadline()):
        if isinstance(event, Finding):
            found.append(time.perf_counter() - began)
            sys.stderr.write(f"{event.path}:{event.start_line} {event.confidence} {event.message}\n")
    return found, time.perf_counter() - began, time.process_time() - cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", action="store_true", help="load the model the settings name")
    options = parser.parse_args()
    os.environ["COPILOT_HOST"] = "off"
    app = App.at(Path(), {})
    model = app.chat_model()
    session: Session = app.session(model) if options.run else Counting()
    with tempfile.TemporaryDirectory() as scratch, closing(FindingCache.at(Path(scratch, "found"))) as cache:
        tree = project(Path(scratch))
        changes = changes_of(tree, Subject("staged"))
        size = sum(line.sign != " " for file in changes.files for hunk in file.diff.hunks for line in hunk.lines)
        sys.stdout.write(f"{size} changed lines in {len(changes.files)} files; whole files: ")
        sys.stdout.write(f"{whole_files(tree, model):,} tokens\n\n")
        sys.stdout.write("| review | tokens read | first finding | all | CPU s |\n|---|---|---|---|---|\n")
        for name in ("first", "second"):
            desk = Desk(lambda: "measured", lambda: (model, session))
            found, all_s, cpu_s = measured(tree, desk, cache)
            first = f"{found[0]:.1f} s" if found else "none"
            read = desk.usage.evaluated_tokens
            sys.stdout.write(f"| {name} | {read:,} | {first} | {all_s:.1f} s | {cpu_s:.1f} |\n")
    session.close()


if __name__ == "__main__":
    main()
