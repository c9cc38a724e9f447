"""Requests under way: whose result serves whom, and which go on although nobody waits for them.

Knows no model and no editor.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

from copilot.engine.base import Cancel
from copilot.tasks.complete.results import Asked, Result, Results


@dataclass(slots=True, eq=False)
class Pending:
    """A request under way, which the result of an older one may end."""

    asked: Asked
    cancel: Cancel
    result: Result | None = None
    """What serves it, where that came from another request."""
    said: str = ""
    """What has been written for it."""
    is_left: bool = False
    """Nobody waits for it."""

    def hear(self, text: str) -> None:
        self.said += text

    def may_serve(self, newer: Asked) -> bool:
        """Whether what was typed since goes along with what has been written."""
        if (newer.path, newer.after) != (self.asked.path, self.asked.after):
            return False
        typed = newer.before[len(self.asked.before) :]
        if not (self.said and typed and newer.before.startswith(self.asked.before)):
            return False
        return self.said.startswith(typed) or typed.startswith(self.said)


class Underway:
    """Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._pending: list[Pending] = []
        self._heading: Asked | None = None

    @contextmanager
    def request(self, asked: Asked, cancel: Cancel) -> Iterator[Pending]:
        """A request while it is under way. Once it is cancelled it ends, unless it may serve the next one."""
        pending = Pending(asked, Cancel())

        def leave() -> None:
            pending.is_left = True
            self._end_useless()

        with self._lock:
            self._pending.append(pending)
        cancel.when_set(leave)
        try:
            yield pending
        finally:
            cancel.forget(leave)
            with self._lock:
                self._pending.remove(pending)

    def head(self, asked: Asked | None) -> None:
        """Tell what will be asked next; None = nothing."""
        self._heading = asked
        self._end_useless()

    def serve(self, results: Results) -> None:
        """Test a new result against the requests that came after it."""
        with self._lock:
            waiting = [pending for pending in self._pending if pending.result is None and not pending.is_left]
        for pending in waiting:
            result = results.find(pending.asked)
            if result is not None and result.text:
                pending.result = result
                pending.cancel.set()

    def _end_useless(self) -> None:
        heading = self._heading
        with self._lock:
            left = [pending for pending in self._pending if pending.is_left]
        for pending in left:
            if heading is None or not pending.may_serve(heading):
                pending.cancel.set()
