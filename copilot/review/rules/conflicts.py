"""Merge conflicts that were left in a file.

Does not know: git's own record of conflicts.
"""

from collections.abc import Iterator

from copilot.repo.roles import Role
from copilot.review.finding import Severity
from copilot.review.rule import Hit, Rule
from copilot.review.view import FileView

CONFLICT = Rule(
    "conflict-marker", "merge conflict left in the file", Severity.CRITICAL, "bug",
    "The three markers of a merge conflict were added, in order and at the start of their lines; not in patches and"
    " fixtures, nor in the strings of code that parses with them.",
    0.99,
)  # fmt: skip
RULES = (CONFLICT,)
_PATCHES = (".patch", ".diff", ".rej", ".orig")


def check(view: FileView) -> Iterator[Hit]:
    """Conflict markers among the added lines."""
    if view.path.endswith(_PATCHES) or view.role is Role.FIXTURE:
        return
    opened = middle = 0
    for number in sorted(view.added):
        line = view.added[number]
        if line.startswith("<<<<<<< "):
            opened, middle = number, 0
        elif line == "=======" and opened:
            middle = number
        elif line.startswith(">>>>>>> ") and opened and middle:
            if not _is_in_string(view, opened):
                message = (
                    f"lines {opened} to {number} are both sides of a merge; keep what is right, remove the markers"
                )
                yield view.hit(CONFLICT, (opened, number), message)
            opened = middle = 0


def _is_in_string(view: FileView, number: int) -> bool:
    """Whether a line of code that parses begins inside a string."""
    tree = view.new_tree
    if tree is None or tree.root.has_error or view.language is None or not view.language.is_code:
        return False
    node = tree.root.descendant_for_point_range((number - 1, 0), (number - 1, 1))
    return node is not None and "comment" not in node.type
