"""The project's own checks, each put to a model about each changed file it applies to.

The model can only say yes or no and name an added line: whatever a check or a diff tells it to do, nothing else can
come of it. What counts is how much likelier a yes is than for a change without any lines. Does not know: how checks are
written down.
"""

import hashlib
from collections.abc import Iterator, Sequence

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
from copilot.tasks.asking import Desk, is_about, limited

RULE = "check:"
MARGIN = 1.0
"""Log-odds by which a yes must be likelier than for a change without lines."""
HOW = "1"
_MOST_LINES = 60
"""Of a diff in one question."""
_LATE = "the time limit was reached before the model had looked at every check"
NO_LINES = ("(no lines were added)",)
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
        diff = [f"{line.sign}{_redacted(line.text, view)}" for hunk in part for line in hunk.lines]
        added = [(line.new, _redacted(line.text, view)) for hunk in part for line in hunk.added if line.new is not None]
        if not any(text.strip() for _, text in added):
            return
        key = self._key("broken", check, view.path, *diff, *(str(number) for number, _ in added))
        kept = self._cache.get(key)
        if kept is None:
            odds, nothing = self._odds(check, view.path, diff), self._odds(check, "a file", NO_LINES)
            if odds is None or nothing is None:
                return
            kept = [self._finding(check, view, diff, added)] if odds - nothing > MARGIN and odds > 0 else []
            if self._desk.cancel.is_set():
                return
            self._cache.put(key, kept)
        yield from kept

    def _odds(self, check: Check, path: str, diff: Sequence[str]) -> float | None:
        """Log-odds of a yes over a no."""
        key = self._key("odds", check, path, *diff)
        kept = self._cache.score(key)
        if kept is None:
            question = words.change(path, diff) + words.check(check.name, check.instruction)
            found = self._desk.asking.logprobs(question, ("Yes", "No"))
            if found is None:
                return None
            kept = sum(found[0]) - sum(found[1])
            self._cache.keep_score(key, kept)
        return kept

    def _finding(self, check: Check, view: FileView, diff: Sequence[str], added: Sequence[tuple[int, str]]) -> Finding:
        """The finding, at the line that the model names; lines without text cannot be named."""
        lines = {number: text for number, text in added if text.strip()}
        form = {"line": {"enum": list(lines)}, "problem": {"type": "string", "minLength": 8, "maxLength": 240}}
        question = words.broken(check.name, check.instruction, list(lines.items()))
        answer = self._desk.asking.said(words.change(view.path, diff) + question, form)
        named = answer.get("line")
        line = named if isinstance(named, int) and named in lines else min(lines)
        problem = str(answer.get("problem", ""))
        if not is_about(problem, "\n".join(diff)):
            problem = ""
        message = f"{check.path} asks for this: {check.description}. {problem}".strip()
        return Finding(
            view.path, line, line, check.severity, "maintainability", check.description, scrubbed(message),
            f"{RULE}{check.name}", _PRECISION, "model", anchor=lines[line],
        )  # fmt: skip

    def _key(self, what: str, check: Check, *parts: str) -> bytes:
        body = hashlib.sha256(f"{check}".encode("utf-8", "surrogatepass")).hexdigest()
        return asked_key(f"{HOW} {self._desk.identity}", f"check {what}", (body, *parts))


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
