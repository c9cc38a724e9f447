"""Reviewing a change: what changed, who looks at it, what they found, what nobody looked at.

Whoever looks is a source: the rules are one, a model may be another; both say findings in the same form. Does not know:
how a review is shown.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from copilot.events import Notice, Progress, Usage
from copilot.repo.changes import Changes, between, from_diff, staged, uncommitted, unstaged
from copilot.review.baseline import Baseline
from copilot.review.cache import FindingCache
from copilot.review.catalogue import Selection
from copilot.review.change import ChangeView
from copilot.review.edits import MOST_PER_FILE
from copilot.review.facts import Deadline, FactEvent, facts
from copilot.review.finding import Coverage, Finding, Skipped

if TYPE_CHECKING:  # it brings numpy and the tokenizer, which rules do without
    from copilot.tasks.model_review.asking import Desk

Which = Literal["default", "staged", "unstaged", "uncommitted", "range", "diff"]
SourceEvent = FactEvent | Notice | Usage
Source = Callable[[ChangeView, Deadline, Sequence[Finding]], Iterator[SourceEvent]]
"""Someone who looks at a change; it begins nothing after the deadline and says what it skipped.

The last argument is what was found so far, by it and by others; it grows.
"""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be reviewed."""

    which: Which = "default"
    """"default": what is staged, or else what is not; "uncommitted": both, as the work tree has it."""
    revisions: str = ""
    """For "range": `A..B`, `A...B` or one commit."""
    diff: bytes = b""
    """For "diff"."""
    index: Path | None = None
    """For "staged": the index of a commit that is being made, where it is not the repository's own."""


@dataclass(frozen=True, slots=True)
class Review:
    """The end of a review."""

    label: str
    """What was reviewed, in words."""
    findings: tuple[Finding, ...]
    """By path and line, without the known ones."""
    known: int
    """How many findings the baseline took."""
    coverage: Coverage
    usage: Usage
    changes: Changes


@dataclass(frozen=True, slots=True)
class Begun:
    """The change is known; findings follow."""

    changes: Changes


ReviewEvent = Begun | Progress | Notice | Finding | Review


def changes_of(root: Path, subject: Subject) -> Changes:
    """The change that a subject means. Raises DiffError where there is none to be had."""
    match subject.which:
        case "staged":
            return staged(root, subject.index)
        case "unstaged":
            return unstaged(root)
        case "uncommitted":
            return uncommitted(root)
        case "range":
            return between(root, subject.revisions)
        case "diff":
            return from_diff(root, subject.diff)
    found = staged(root)
    return found if found.files or found.skipped else unstaged(root)


@dataclass(frozen=True, slots=True)
class Asked:
    """How the model takes part in a review."""

    desk: "Desk"
    per_file: int = MOST_PER_FILE
    """The most findings of the model in one file."""
    is_wanted: bool = False
    """Whether it is an error that there is no model."""


def sources(selection: Selection, cache: FindingCache, model: Asked | None) -> list[Source]:
    """Who looks at a change, in this order: the rules, the model at edits, the model at the project's own checks."""

    def rules(change: ChangeView, deadline: Deadline, said: Sequence[Finding]) -> Iterator[SourceEvent]:
        return facts(change, selection, deadline, cache)

    if model is None:
        return [rules]
    from copilot.tasks.model_review.source import model_source

    return [rules, model_source(model.desk, cache, model.per_file, is_wanted=model.is_wanted)]


def review(
    root: Path, subject: Subject, sources: Sequence[Source], deadline: Deadline, baseline: Baseline | None = None
) -> Generator[ReviewEvent, None, None]:
    """Review a change: findings as they come, and a Review at the end.

    What a later source says of lines that an earlier one has a finding for is the same said twice, and left out.
    """
    baseline = baseline or Baseline()
    changes = changes_of(root, subject)
    yield Begun(changes)
    change = ChangeView(changes)
    said: list[Finding] = []
    findings: list[Finding] = []
    skipped: set[Skipped] = set()
    known = 0
    usage = Usage()
    for source in sources:
        for event in source(change, deadline, said):
            match event:
                case Finding() if any(_is_same(event, each) for each in said):
                    pass
                case Finding() if baseline.takes(event):
                    known += 1
                    said.append(event)
                case Finding():
                    findings.append(event)
                    said.append(event)
                    yield event
                case Skipped():
                    skipped.add(event)
                case Usage():
                    usage = event
                case Progress() | Notice():
                    yield event
    ordered = tuple(sorted(findings, key=lambda finding: finding.order))
    coverage = _coverage(changes, skipped)
    yield Review(changes.label, ordered, known, coverage, usage, changes)


def _is_same(finding: Finding, said: Finding) -> bool:
    """Whether a model's finding is about lines that a finding before it is about."""
    if finding.source != "model" or finding.rule.startswith("check:"):
        return False
    return said.is_beside(finding.path, finding.start_line, finding.end_line)


def _coverage(changes: Changes, skipped: set[Skipped]) -> Coverage:
    """What was looked at: a file of which at least the added lines were counts."""
    unseen = {each.path for each in skipped if not _is_partial(each.reason)}
    paths = [file.path for file in changes.files] + [path for path, _ in changes.skipped]
    reviewed = sum(path not in unseen for path in paths)
    ordered = tuple(sorted(skipped, key=lambda each: (each.path, each.reason)))
    return Coverage(len(paths), reviewed, ordered)


def _is_partial(reason: str) -> bool:
    return (
        "only its own lines" in reason or reason.startswith("a rule failed") or "callers" in reason or "model" in reason
    )
