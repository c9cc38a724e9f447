"""`copilot review`: findings about a change."""

import sys
import time
from collections.abc import Generator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from copilot import __version__
from copilot.cli.options import app_at, json_option, model_option, path_option
from copilot.cli.render import Terminal, print_json
from copilot.cli.review_text import ReviewText
from copilot.errors import UsageError
from copilot.events import Notice, Progress
from copilot.repo.apply import apply as apply_diff
from copilot.repo.root import find_root
from copilot.review.baseline import Baseline, write_baseline
from copilot.review.catalogue import ALL, Selection
from copilot.review.document import document
from copilot.review.edits import MOST_PER_FILE
from copilot.review.facts import Deadline
from copilot.review.finding import Finding, Severity, worst
from copilot.review.github import annotation
from copilot.review.sarif import sarif
from copilot.tasks.review import Asked, Begun, Review, ReviewEvent, Subject, sources
from copilot.tasks.review import review as review_change

_SEVERITIES = [severity.value for severity in Severity]


@click.command()
@click.argument("revisions", required=False, metavar="[RANGE]")
@click.option("--staged", "which", flag_value="staged", help="What the next commit would hold (the default).")
@click.option("--unstaged", "which", flag_value="unstaged", help="What is changed and not staged.")
@click.option("--diff", "diff", type=click.File("rb"), metavar="FILE", help="A diff from a file; - for stdin.")
@path_option
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "sarif", "github"]), default="text", show_default=True
)
@json_option
@click.option(
    "--fail-on", type=click.Choice([*_SEVERITIES, "never"]), default="high", show_default=True,
    help="Exit with 1 for findings at or above this severity.",
)  # fmt: skip
@click.option("--no-model", is_flag=True, help="Facts only: no model is asked.")
@model_option
@click.option(
    "--per-file", type=click.IntRange(min=1), default=MOST_PER_FILE, show_default=True, metavar="N",
    help="The most findings of the model in one file.",
)  # fmt: skip
@click.option("--apply", "is_applied", is_flag=True, help="Apply suggestions that fit to the work tree.")
@click.option("--enable", multiple=True, metavar="RULE", help="A rule that is off by default; may be given again.")
@click.option("--disable", multiple=True, metavar="RULE", help="A rule not to run; may be given again.")
@click.option("--rules", "is_listing", is_flag=True, help="List the rules and leave.")
@click.option("--baseline", type=click.Path(path_type=Path), metavar="FILE", help="Known findings, not shown again.")
@click.option("--update-baseline", is_flag=True, help="Write all findings to the baseline file.")
@click.option("--index-file", type=click.Path(path_type=Path), hidden=True, help="GIT_INDEX_FILE of a hook.")
@click.option(
    "--time-limit", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS",
    help="After this time, show what is known.",
)  # fmt: skip
def review(path: Path, form: str, as_json: bool, fail_on: str, is_listing: bool, **options: Any) -> int:
    """Review a change: what is staged (else what is not), a RANGE or commit, or a diff.

    RANGE is A..B, A...B (since they parted) or one commit. Facts are found by rules; a model, where one is installed,
    looks at small edits and at the checks in .copilot/checks.
    """
    form = "json" if as_json else form
    terminal = Terminal()
    if is_listing:
        return _list_rules(form)
    selection = Selection.of(options["enable"], options["disable"])
    subject = _subject(options["revisions"], options["which"], options["diff"])
    if options["index_file"] is not None:
        subject = replace(subject, index=options["index_file"].absolute())
    baseline, update = options["baseline"], options["update_baseline"]
    if update and baseline is None:
        raise click.UsageError("--update-baseline needs --baseline FILE")
    limit = options["time_limit"]
    deadline = Deadline(None if limit is None else time.monotonic() + limit)
    known = Baseline.load(baseline) if baseline is not None and not update else None
    root = find_root(path).path
    app = app_at(path, model=options["model"])
    with terminal.working(), closing(app.finding_cache()) as cache, ExitStack() as opened:
        asked = None
        if not options["no_model"]:
            desk = opened.enter_context(closing(app.desk(path, terminal.report)))
            asked = Asked(desk, options["per_file"], is_wanted=options["model"] is not None)
        looking = sources(selection, cache, asked)
        done = _show(review_change(root, subject, looking, deadline, known), terminal, form)
    if update:
        write_baseline(baseline, done.findings)
    _finish(done, terminal, form)
    if options["is_applied"]:
        _apply(root, done, terminal)
    highest = worst(done.findings)
    return int(fail_on != "never" and highest is not None and highest.rank >= Severity(fail_on).rank and not update)


def _subject(revisions: str | None, which: str | None, diff: Any) -> Subject:
    """What the arguments mean; at most one of them may be given."""
    if sum(each is not None for each in (revisions, which, diff)) > 1:
        raise click.UsageError("give one of RANGE, --staged, --unstaged and --diff FILE")
    if diff is not None:
        return Subject("diff", diff=diff.read())
    if revisions is not None:
        return Subject("range", revisions)
    return Subject("staged" if which == "staged" else "unstaged" if which == "unstaged" else "default")


def _show(events: Generator[ReviewEvent, None, None], terminal: Terminal, form: str) -> Review:
    done: Review | None = None
    text: ReviewText | None = None
    with closing(events):
        for event in events:
            match event:
                case Begun(changes) if form == "text":
                    text = ReviewText(terminal, changes)
                case Progress():
                    terminal.report(event)
                case Notice():
                    terminal.notice(event)
                case Finding() if form == "github":
                    sys.stdout.write(annotation(event) + "\n")
                    sys.stdout.flush()
                case Finding() if text is not None:
                    terminal.stop_progress()
                    text.finding(event)
                case Review():
                    done = event
    terminal.stop_progress()
    assert done is not None, "a review ends with a Review"
    return done


def _finish(done: Review, terminal: Terminal, form: str) -> None:
    match form:
        case "json":
            print_json(document(done.findings, done.coverage, done.usage))
        case "sarif":
            print_json(sarif(done.findings, done.coverage, ALL, __version__))
    ReviewText(terminal, done.changes).footer(done)


def _apply(root: Path, done: Review, terminal: Terminal) -> None:
    """Apply what fits, and say what does not."""
    suggestions = [finding for finding in done.findings if finding.suggestion]
    applied = 0
    for finding in suggestions:
        if apply_diff(root, finding.suggestion or ""):
            applied += 1
        else:
            text = f"the suggestion for {finding.path}:{finding.start_line} does not fit the work tree any more"
            terminal.notice(Notice(text, "warning"))
    terminal.notice(Notice(f"applied {applied} of {len(suggestions)} suggestions"))


def _list_rules(form: str) -> int:
    if form not in ("text", "json"):
        raise UsageError("--rules prints text or JSON; leave --format away")
    rows = [
        {"rule": rule.id, "severity": rule.severity.value, "category": rule.category, "on": rule.is_on,
         "title": rule.title, "summary": rule.summary}
        for rule in ALL
    ]  # fmt: skip
    if form == "json":
        print_json({"rules": rows})
    else:
        for rule in ALL:
            click.echo(f"{rule.id:<26}{rule.severity:<10}{'' if rule.is_on else 'off  '}{rule.title}")
    return 0
