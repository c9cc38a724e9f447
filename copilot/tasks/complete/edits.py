"""What was edited lately, as the model may see it: the passages as they are now.

Keystrokes at one place are one edit. Knows no model and no disk.
"""

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

MOST = 12
AROUND_LINES = 1
MOST_LINES = 12
_NEAR_LINES = 4
"""Edits this close are one."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A changed passage, with a line around it."""

    path: str
    start_line: int
    """1-based, of the changed lines."""
    text: str


class Edits:
    """Thread-safe; the latest edits."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[tuple[str, int], Edit] = OrderedDict()

    def add(self, path: str, before: str, after: str) -> None:
        """A document changed from one text to the other."""
        edit = changed(path, before, after)
        if edit is None:
            return
        with self._lock:
            for key in [key for key in self._kept if key[0] == path and abs(key[1] - edit.start_line) <= _NEAR_LINES]:
                del self._kept[key]
            self._kept[path, edit.start_line] = edit
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)

    def latest(self) -> list[Edit]:
        """The latest last."""
        with self._lock:
            return list(self._kept.values())


def changed(path: str, before: str, after: str) -> Edit | None:
    """The lines of `after` that are not those of `before`; None where nothing but deletions or space changed."""
    old, new = before.split("\n"), after.split("\n")
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    lines = new[start : len(new) - end]
    if not any(line.strip() for line in lines):
        return None
    shown = new[max(0, start - AROUND_LINES) : len(new) - end + AROUND_LINES][: MOST_LINES + 2 * AROUND_LINES]
    return Edit(path, start + 1, "\n".join(shown).strip("\n"))
