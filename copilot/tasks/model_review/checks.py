"""The project's own checks, each put to a model about each changed file it applies to.

What counts is how much likelier the added lines are as a bad example of the check than as a good one; the model writes
no more than a sentence, so whatever a check or a diff tells it to do, nothing else can come of it. Does not know: how
checks are written down.
"""

import hashlib
import math
from collections.abc import Collection, Iterator, Sequence

from copilot.events import Notice, Progress
from copilot.prompts import review as words
from copilot.repo.diff import Hunk
from copilot.repo.redact import redact
from copilot.review.cache import FindingCache
from copilot.review.change import ChangeView
from copilot.review.checks import Check, checks
from copilot.review.facts import Deadline, FactEvent
from copilot.review.finding import Finding, Skipped
from copilot.review.keys import asked_key
from copilot.review.rule import scrubbed
from copilot.review.view import FileView
from copilot.tasks.model_review.asking import Desk, limited

RULE = "check:"
MARGIN = 0.5
"""By how much, in natural logarithms, a line must be likelier as a bad example; more lines vary with their root."""
HOW = "1"
_MOST_LINES = 60
"""Of a diff in one question."""
_LATE = "the time limit was reached before the model had looked at every check"
_PRECISION = 0.6


class Checker:
    """Puts the checks of a project to a model."""

    def __init__(self, desk: Desk, cache: FindingCache) -> None:
        self._desk = desk
        self._cache = cache

    def findings(self, change: ChangeView, deadline: Deadline) -> Iterator[FactEvent | Notice]:
        """Findings check by check; a Notice for each file of the folder that is no check."""
        found = list(checks(change.changes.before))
        yield from (Notice(f"{each} (left out)", "warning") for each in found if isinstance(each, str))
        work = [
            (check, view, part)
            for check in found if isinstance(check, Check)
            for view in change.views if view.added and check.applies(view.path)
            for part in _parts(view.file.diff.hunks)
        ]  # fmt: skip
        with limited(self._desk.cancel, deadline):
            for done, (check, view, part) in enumerate(work, 1):
                if deadline.is_over or self._desk.cancel.is_set():
                    yield Skipped(view.path, _LATE)
                    continue
                yield from self._broken(check, view, part)
                yield Progress("review", done, len(work), "steps")

    def _broken(self, check: Check, view: FileView, part: Sequence[Hunk]) -> Iterator[Finding]:
        lines = [(line, _redacted(line.text, view)) for hunk in part for line in hunk.lines]
        diff = [f"{line.sign}{text}" for line, text in lines]
        is_read = [line.sign == "+" and text.strip() and words.shown([text]) == text for line, text in lines]
        numbers = [line.new if counts else None for (line, _), counts in zip(lines, is_read, strict=True)]
        if not any(numbers):
            return
        key = self._key(check, view.path, *diff, *map(str, numbers))
        kept = self._cache.get(key)
        if kept is None:
            weighed = self._weighed(check, view.path, diff)
            if weighed is None:
                return
            added = {number: worth for number, worth in zip(numbers, weighed, strict=True) if number is not None}
            kept = []
            if is_broken(added.values()):
                line = max(added, key=lambda number: (added[number], -number))
                kept = [self._finding(check, view, diff, (line, diff[numbers.index(line)][1:]))]
            if self._desk.cancel.is_set():
                return
            self._cache.put(key, kept)
        yield from kept

    def _weighed(self, check: Check, path: str, diff: Sequence[str]) -> list[float] | None:
        """How much likelier each line is as a bad example than as a good one."""
        shown = words.shown(diff).split("\n")
        bad, good = (
            self._desk.asking.line_logprobs(
                words.example(check.name, check.instruction, path, breaks=breaks), shown, words.EXAMPLE
            )
            for breaks in (True, False)
        )
        return None if bad is None or good is None else [one - other for one, other in zip(bad, good, strict=True)]

    def _finding(self, check: Check, view: FileView, diff: Sequence[str], at: tuple[int, str]) -> Finding:
        """The finding at the line that speaks most for it, with a sentence of the model."""
        number, text = at
        question = words.change(view.path, diff) + words.broken(check.name, check.instruction, text)
        versions = ([line[1:] for line in diff if line[0] != gone] for gone in "+-")
        problem = self._desk.asking.problem(question, versions)
        message = f"{check.path} asks for this: {check.description}. {problem}".strip()
        return Finding(
            view.path, number, number, check.severity, "maintainability", check.description, scrubbed(message),
            f"{RULE}{check.name}", _PRECISION, "model", anchor=text,
        )  # fmt: skip

    def _key(self, check: Check, *parts: str) -> bytes:
        body = hashlib.sha256(f"{check}".encode("utf-8", "surrogatepass")).hexdigest()
        return asked_key(f"{HOW} {self._desk.identity}", "check", (body, *parts))


def is_broken(worths: Collection[float]) -> bool:
    """Whether lines that are so much likelier as bad examples than as good ones break a check."""
    return sum(worths) > MARGIN * math.sqrt(len(worths))


def _redacted(line: str, view: FileView) -> str:
    """A line without the values of secrets, so that no answer can repeat one."""
    return redact(line, view.path).text


def _parts(hunks: Sequence[Hunk]) -> Iterator[tuple[Hunk, ...]]:
    """Hunks in groups of few lines; a larger hunk is alone."""
    part: list[Hunk] = []
    for hunk in hunks:
        if part and sum(len(each.lines) for each in part) + len(hunk.lines) > _MOST_LINES:
            yield tuple(part)
            part = []
        part.append(hunk)
    if part:
        yield tuple(part)
