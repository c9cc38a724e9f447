"""How long a review takes until something is on the screen, beside reading whole files.

`python -m tests.bench.review_time` changes six files of a real project in about 300 lines, with a fault in each and a
debugger left in one, and counts what would be read. `--run` reviews that with the public command, twice; `--peer` reads
one prompt per file, with the file and its diff in it, and no answer. Prints Markdown.
"""

import argparse
import ast
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from copilot.app import App
from copilot.engine.base import Cancel
from copilot.engine.requests import Priority, ScoreRequest
from copilot.prompts import review as words
from copilot.repo.diff import render_hunk
from copilot.repo.languages import language_of
from copilot.repo.syntax import SyntaxTree
from copilot.review.change import ChangeView
from copilot.tasks.model import ChatModel
from copilot.tasks.review import Subject, changes_of
from copilot.testing import make_repo, run_git
from tests.bench.patch_series import series
from tests.bench.review_cases import FAULTS, REFACTORINGS, Make
from tests.bench.review_parts import MEANINGLESS

SEED = 4
PACKAGE = "keystone"
FILES, REFACTORED, ADDED = 6, 3, 40
"""Files, lines written in another way in each, and lines of functions added to each."""
SIZES = range(5_000, 9_000)
"""Bytes of a file."""
_CODE = re.compile(r"^\s+(?:if|elif|while|return|for|raise)\b.*|^\s+[\w.]+(?: [+-]?= |\().*[\w)\]]$")
_FINDING = re.compile(r"^(\S+):(\d+)  \w+  .*\[([\w:-]+)\]$")


def parses(lines: Sequence[str]) -> bool:
    """Whether lines are Python."""
    tree = SyntaxTree.of("\n".join(lines), language_of("a.py"))
    return tree is not None and not tree.root.has_error


def made(lines: list[str], makers: Sequence[Make], count: int, draw: random.Random) -> None:
    """Change so many lines where one of the makers can, so that the text still parses."""
    for at in draw.sample(range(15, len(lines) - 5), len(lines) - 20):
        if not count:
            return
        for maker in draw.sample(list(makers), len(makers)):
            line = maker(lines[at], draw) if _CODE.search(lines[at]) else None
            if line is not None and line != lines[at] and parses([*lines[:at], line, *lines[at + 1 :]]):
                lines[at : at + 1] = line.split("\n") if line else []
                count -= 1
                break


def changed(text: str, added: Sequence[str], draw: random.Random) -> str:
    """A file with a fault, some lines written in another way, and functions of another file added."""
    lines = text.rstrip("\n").split("\n")
    made(lines, [FAULTS[name] for name in sorted(FAULTS)], 1, draw)
    made(lines, [REFACTORINGS[name] for name in sorted(REFACTORINGS.keys() - MEANINGLESS)], REFACTORED, draw)
    return "\n".join([*lines, "", "", *_whole(added), ""])


def _whole(lines: Sequence[str]) -> Sequence[str]:
    """As many of the lines as are a program."""
    for end in range(len(lines), 0, -1):
        try:
            ast.parse("\n".join(lines[:end]))
        except SyntaxError:
            continue
        return lines[:end]
    return ()


def functions(text: str) -> list[str]:
    """The first lines of a file's code, as far as whole functions go."""
    lines = text.split("\n")
    starts = [at for at, line in enumerate(lines) if re.match(r"(?:def|class) ", line)]
    body = lines[starts[0] : starts[0] + ADDED] if starts else []
    while body and not (body[-1].strip() and parses(body)):
        body.pop()
    return body


def project(folder: Path) -> Path:
    """A repository with the changes staged."""
    draw = random.Random(SEED)
    tree = folder / "tree"
    shutil.copytree(series(PACKAGE) / "tree", tree, ignore=shutil.ignore_patterns("tests", "locale", "doc*", ".git"))
    make_repo(tree, {})
    paths = [path for path in sorted(tree.rglob("*.py")) if path.stat().st_size in SIZES]
    texts = [path.read_text("utf-8") for path in paths]
    donors = [body for text in texts if len(body := functions(text)) > ADDED * 3 // 4]
    chosen = draw.sample(range(len(paths)), FILES)
    for at, body in zip(chosen, draw.sample(donors, FILES), strict=True):
        paths[at].write_text(changed(texts[at], body, draw), "utf-8")
    last = paths[chosen[-1]]
    last.write_text(last.read_text("utf-8") + "\n\nbreakpoint()\n", "utf-8")
    run_git(tree, "add", "--all")
    return tree


def prompts(tree: Path) -> list[str]:
    """One question per file that shows the file and its diff."""
    change = ChangeView(changes_of(tree, Subject("staged")))
    return [
        f"{words.fenced(view.file.new_text or '')}\n"
        f"{words.change(view.path, [render_hunk(hunk) for hunk in view.file.diff.hunks])}{words.PLAIN}"
        for view in change.views
    ]


def cpu_s(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def child_cpu_s(pid: int) -> float:
    """CPU time of a running program; 0.0 where the system does not tell."""
    stat = Path(f"/proc/{pid}/stat")
    fields = stat.read_text().rpartition(")")[2].split() if stat.exists() else []
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def command(tree: Path, cache: Path) -> Iterator[tuple[str, float]]:
    """(rule, seconds since the start) of each finding as it is printed, and ("", seconds) for the end."""
    environment = {**os.environ, "COPILOT_HOST": "off", "COPILOT_CACHE_DIR": str(cache)}
    began = time.perf_counter()
    arguments = [sys.executable, "-m", "copilot", "review", "--staged", "-C", str(tree)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=environment) as running:
        for line in running.stdout or ():
            if found := _FINDING.match(line.rstrip("\n")):
                used = child_cpu_s(running.pid)
                sys.stderr.write(f"{found[0]}: {time.perf_counter() - began:.1f} s, {used:.1f} CPU s\n")
                yield found[3], time.perf_counter() - began
    yield "", time.perf_counter() - began


def reviewed(tree: Path, cache: Path) -> str:
    """A row of the table: the first finding of a rule, the first of the model, all, and the CPU time."""
    before = cpu_s(resource.RUSAGE_CHILDREN)
    told = list(command(tree, cache))
    ruled = next((f"{at:.1f}" for rule, at in told if rule and rule != "likely-mistake"), "none")
    asked = next((f"{at:.1f}" for rule, at in told if rule == "likely-mistake"), "none")
    used = cpu_s(resource.RUSAGE_CHILDREN) - before
    return f"| {len(told) - 1} | {ruled} | {asked} | {told[-1][1]:.1f} | {used:.1f} |"


def peer(shown: Sequence[str], model: ChatModel, app: App) -> Iterator[str]:
    """Reads each prompt to its end; a line of the table for each file, sums so far."""
    session = app.session(model)
    chat = model.chat
    turns = [tuple(model.encode([*chat.system(words.SYSTEM), *chat.user(text)])) for text in shown]
    answer = tuple(model.tokenizer.encode("No"))
    began, before, tokens = time.perf_counter(), cpu_s(resource.RUSAGE_SELF), 0
    for turn in turns:
        session.score(ScoreRequest((), turn, (answer,), Priority.REVIEW), Cancel())
        tokens += len(turn)
        used = cpu_s(resource.RUSAGE_SELF) - before
        yield f"| {tokens:,} | {time.perf_counter() - began:.1f} | {used:.1f} |"
    session.close()


def say(lines: Iterator[str]) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", action="store_true", help="review with the model the settings name")
    parser.add_argument("--peer", action="store_true", help="read whole files with it")
    options = parser.parse_args()
    os.environ["COPILOT_HOST"] = "off"
    app = App.at(Path(), {})
    model = app.chat_model()
    with tempfile.TemporaryDirectory() as scratch:
        tree = project(Path(scratch))
        changes, shown = changes_of(tree, Subject("staged")), prompts(tree)
        size = sum(line.sign != " " for file in changes.files for hunk in file.diff.hunks for line in hunk.lines)
        count = model.tokenizer.count(shown)
        sys.stdout.write(f"{size} changed lines in {len(changes.files)} files; whole files: {count} tokens\n\n")
        if options.run:
            say(iter(("| findings | first of a rule, s | first of the model, s | all, s | CPU s |", f"|{'---|' * 5}")))
            twice: list[Callable[[], str]] = [lambda: reviewed(tree, Path(scratch, "cache"))] * 2
            say(once() for once in twice)
        if options.peer:
            say(iter(("| whole files: tokens read | s | CPU s |", f"|{'---|' * 3}")))
            say(peer(shown, model, app))


if __name__ == "__main__":
    main()
