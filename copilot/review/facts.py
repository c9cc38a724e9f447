"""What can be said of a change without a model: runs the rules, within a time, and accounts for what was not looked at.

A rule that fails on a file costs that rule on that file, never the review. Does not know: how findings are shown.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from copilot.events import Progress
from copilot.repo.changes import ChangedFile
from copilot.repo.diff import inverted
from copilot.review.cache import FindingCache, no_cache
from copilot.review.catalogue import CHANGE_RULES, FILE_RULES, NET_RULES, Selection, version
from copilot.review.change import ChangeView
from copilot.review.finding import Finding, Skipped
from copilot.review.keys import change_key, file_key
from copilot.review.rule import Hit
from copilot.review.view import FileView

FactEvent = Finding | Skipped | Progress
"""Findings by file in the order of the diff, then those about the change as a whole."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment after which no further work is begun."""

    at: float | None = None
    clock: Callable[[], float] = time.monotonic

    @property
    def is_over(self) -> bool:
        return self.at is not None and self.clock() >= self.at


def facts(
    change: ChangeView, selection: Selection, deadline: Deadline, cache: FindingCache | None = None
) -> Iterator[FactEvent]:
    """Everything the selected rules have to say; what is skipped is said too."""
    cache = cache or no_cache()
    for path, reason in change.changes.skipped:
        yield Skipped(path, reason)
    total = len(change.views)
    for done, view in enumerate(change.views, 1):
        if view.file.note:
            yield Skipped(view.path, view.file.note)
        if view.file.note in ("binary", "submodule", "outside the repository"):
            continue
        if deadline.is_over:
            yield Skipped(view.path, "the time limit was reached")
            continue
        key = file_key(version(), selection.ids, view)
        yield from cache.remembered(key, partial(_of_file, view, selection))
        yield Progress("review", done, total, "files")
    if deadline.is_over:
        yield Skipped("(all files)", "the time limit was reached before callers and removed names were looked at")
        return
    key = change_key(version(), selection.ids, change)
    yield from cache.remembered(key, partial(_of_change, change, selection))


def _of_file(view: FileView, selection: Selection) -> list[Finding | Skipped]:
    checks = [check for rules, check in FILE_RULES if any(rule in selection for rule in rules)]
    found = [each for check in checks for each in _guarded(partial(check, view), selection, view.path)]
    risky = [each for each in found if isinstance(each, Finding) and each.rule in NET_RULES]
    if not risky or view.file.old_text is None or view.file.new_text is None:
        return found
    was = FileView(ChangedFile(inverted(view.file.diff), view.file.new_text, view.file.old_text))
    before = [each for check in checks for each in _guarded(partial(check, was), selection, view.path)]
    known = Counter(each.rule for each in before if isinstance(each, Finding) and each.rule in NET_RULES)
    return [each for each in found if not (isinstance(each, Finding) and _is_taken(each.rule, known))]


def _is_taken(rule: str, known: Counter[str]) -> bool:
    """Whether there was a finding of the rule before; each takes one."""
    known[rule] -= 1
    return known[rule] >= 0


def _of_change(change: ChangeView, selection: Selection) -> list[Finding | Skipped]:
    checks = [partial(check, change) for rules, check in CHANGE_RULES if any(rule in selection for rule in rules)]
    return [found for check in checks for found in _guarded(check, selection, "(all files)")]


def _guarded(check: Callable[[], Iterator[Hit]], selection: Selection, path: str) -> Iterator[Finding | Skipped]:
    """The findings of one check; text nobody thought of ends this check, and that is said."""
    seen: set[tuple[str, int, str]] = set()
    try:
        for hit in check():
            key = (hit.rule.id, hit.start_line, hit.message)
            if hit.rule in selection and key not in seen:
                seen.add(key)
                yield hit.finding()
    except (ValueError, IndexError, KeyError, RecursionError) as error:
        yield Skipped(path, f"a rule failed on it ({type(error).__name__}: {error}); please report that")
