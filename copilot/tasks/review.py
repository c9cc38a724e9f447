"""Reviewing a change: what changed, who looks at it, what they found, what nobody looked at.

Whoever looks is a source: the rules are one, a model may be another; both say findings in the same form. Does not know:
how a review is shown.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from copilot.events import Notice, Progress, Usage
from copilot.repo.changes import Changes, between, from_diff, staged, uncommitted, unstaged
from copilot.review.baseline import Baseline
from copilot.review.change import ChangeView
from copilot.review.facts import Deadline, FactEvent
from copilot.review.finding import Coverage, Finding, Skipped

Which = Literal["default", "staged", "unstaged", "uncommitted", "range", "diff"]
Source = Callable[[ChangeView, Deadline], Iterator[FactEvent]]
"""Someone who looks at a change; it begins nothing after the deadline and says what it skipped."""


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


ReviewEvent = Progress | Notice | Finding | Review


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


def review(
    root: Path, subject: Subject, sources: Sequence[Source], deadline: Deadline, baseline: Baseline | None = None
) -> Generator[ReviewEvent, None, None]:
    """Review a change: findings as they come, and a Review at the end."""
    baseline = baseline or Baseline()
    changes = changes_of(root, subject)
    change = ChangeView(changes)
    findings: list[Finding] = []
    skipped: set[Skipped] = set()
    known = 0
    for source in sources:
        for event in source(change, deadline):
            match event:
                case Finding() if baseline.takes(event):
                    known += 1
                case Finding():
                    findings.append(event)
                    yield event
                case Skipped():
                    skipped.add(event)
                case Progress():
                    yield event
    ordered = tuple(sorted(findings, key=lambda finding: finding.order))
    coverage = _coverage(changes, skipped)
    yield Review(changes.label, ordered, known, coverage, Usage(), changes)


def _coverage(changes: Changes, skipped: set[Skipped]) -> Coverage:
    """What was looked at: a file of which at least the added lines were counts."""
    unseen = {each.path for each in skipped if not _is_partial(each.reason)}
    paths = [file.path for file in changes.files] + [path for path, _ in changes.skipped]
    reviewed = sum(path not in unseen for path in paths)
    ordered = tuple(sorted(skipped, key=lambda each: (each.path, each.reason)))
    return Coverage(len(paths), reviewed, ordered)


def _is_partial(reason: str) -> bool:
    return "only its own lines" in reason or reason.startswith("a rule failed") or "callers" in reason
