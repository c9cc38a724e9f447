"""Tests that a change takes away while what they test stays.

Does not know: coverage, what a test proves.
"""

import re
from collections.abc import Iterator

from copilot.repo.roles import Role
from copilot.repo.tags import Definition
from copilot.review.change import ChangeView
from copilot.review.finding import Severity
from copilot.review.rule import Hit, Rule
from copilot.review.view import FileView

REMOVED = Rule(
    "test-removed", "test removed with its assertions", Severity.LOW, "test",
    "A test function with assertions was removed although the source files that the change edits still define all they"
    " defined, and the change adds no test at all.",
    0.7,
)  # fmt: skip
WEAKER = Rule(
    "assertion-removed", "assertion removed", Severity.LOW, "test",
    "A test that stays lost assertions and gained no line, in a change that edits source files too.",
    0.7,
)  # fmt: skip
RULES = (REMOVED, WEAKER)
_TEST = re.compile(r"^(?:test|it_|should)|^Test[A-Z_]|Test$|_test$", re.IGNORECASE)
_ASSERTION = re.compile(
    r"\bassert\w*\b|\bexpect\s*\(|\.should\b|\b(?:t|b)\.(?:Error|Fatal|Fail)\w*\(|\bEXPECT_\w+|\bpytest\.raises\b|\bfail\("
)


def check_changes(change: ChangeView) -> Iterator[Hit]:
    """Tests and assertions that went away."""
    tests = [view for view in change.views if view.role is Role.TEST and view.file.old_text and not view.file.note]
    sources = [view for view in change.views if view.role in (Role.SOURCE, Role.ENTRY) and view.file.diff.hunks]
    if not tests or not sources or any(_lost(view) for view in sources):
        return
    new = {d.name for view in change.views if view.role is Role.TEST for d in _tests(view, is_new=True)}
    old = {d.name for view in tests for d in _tests(view, is_new=False)}
    if new - old:
        return
    for view in tests:
        if view.file.diff.status != "modified":
            continue
        removed = {line.old for line in view.removed}
        for test in _tests(view, is_new=False):
            lines = range(test.start_line, test.end_line + 1)
            asserted = [line for line in lines if _ASSERTION.search(view.old_lines[line - 1])]
            gone = [line for line in asserted if line in removed]
            place = view.near(test.start_line)
            if test.name not in new and gone and all(line in removed for line in lines):
                message = f"`{test.qualified}` and its {len(asserted)} assertion(s) are gone, what it tests is not"
                yield view.hit(REMOVED, (place, place), message, about=test.qualified)
            elif test.name in new and gone and not _gained(view, test):
                message = (
                    f"`{test.qualified}` lost {len(gone)} of {len(asserted)} assertion(s) and nothing took their place"
                )
                yield view.hit(WEAKER, (view.near(gone[0]), view.near(gone[0])), message, about=test.qualified)


def _tests(view: FileView, *, is_new: bool) -> list[Definition]:
    text = view.file.new_text if is_new else view.file.old_text
    if not text:
        return []
    structure = view.new_structure if is_new else view.old_structure
    return [d for d in structure.definitions if d.kind in ("function", "method") and _TEST.search(d.name)]


def _lost(view: FileView) -> bool:
    """Whether a source file no longer defines all it did."""
    if view.file.new_text is None or view.file.old_text is None:
        return view.file.new_text is None
    old = {d.qualified for d in view.old_structure.definitions}
    return bool(old - {d.qualified for d in view.new_structure.definitions})


def _gained(view: FileView, test: Definition) -> bool:
    now = next((d for d in view.new_structure.definitions if d.qualified == test.qualified), None)
    return now is None or any(now.start_line <= number <= now.end_line for number in view.added)
