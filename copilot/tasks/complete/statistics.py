"""How surely right a text must be to be shown, learnt from what this user took and left.

Counts only, in a file of this machine; no code is kept. Losing it costs the learning.
"""

import json
from pathlib import Path
from threading import Lock

from copilot.files import keep_file

THRESHOLD = 0.6
"""Shown from this confidence on, as long as nothing is known of the user; docs/completion.md has what it keeps back."""
LOWEST, HIGHEST = 0.25, 0.75
ENOUGH = 20
"""Answers at a level of confidence before it counts."""
WANTED = 0.25
"""The share of suggestions that should be taken at the lowest level shown."""
LEVELS = 20


class Statistics:
    """Thread-safe."""

    def __init__(self, path: Path | None) -> None:
        """`path` None keeps nothing."""
        self._path = path
        self._lock = Lock()
        self._taken, self._left = _load(path)

    @property
    def threshold(self) -> float:
        """The lowest level of confidence whose suggestions are taken often enough, between fixed bounds."""
        least = THRESHOLD
        with self._lock:
            for level, (taken, left) in enumerate(zip(self._taken, self._left, strict=True)):
                if taken + left < ENOUGH:
                    continue
                if taken < WANTED * (taken + left):
                    least = max(least, (level + 1) / LEVELS)
                elif level / LEVELS < least:
                    least = level / LEVELS
                    break
        return min(max(least, LOWEST), HIGHEST)

    def count(self, confidence: float | None, *, taken: bool) -> None:
        if confidence is None:
            return
        level = min(LEVELS - 1, max(0, int(confidence * LEVELS)))
        with self._lock:
            (self._taken if taken else self._left)[level] += 1
            document = {"version": 1, "accepted": self._taken, "rejected": self._left}
        if self._path is not None:
            keep_file(self._path, json.dumps(document).encode())


def _load(path: Path | None) -> tuple[list[int], list[int]]:
    try:
        document = json.loads(path.read_bytes()) if path is not None else {}
        taken, left = ([int(n) for n in document[key]] for key in ("accepted", "rejected"))
        if document["version"] == 1 and len(taken) == len(left) == LEVELS:
            return taken, left
    except (OSError, ValueError, TypeError, KeyError):
        pass
    return [0] * LEVELS, [0] * LEVELS
