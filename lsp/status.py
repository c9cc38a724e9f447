"""How the server is, as one value that clients are told whenever it changes.

Does not know: how it is sent.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

from copilot.events import Progress

Kind = Literal["Normal", "Warning", "Error", "Inactive"]


@dataclass(frozen=True, slots=True)
class Status:
    """What a status line shows."""

    kind: Kind = "Normal"
    message: str = ""
    """Why it is not Normal, or why nothing was offered last; "" for nothing to say."""
    busy: bool = False
    model: str | None = None
    """Name of the model, once it is known."""
    prefix: str | None = None
    """"full" if answers see the whole repository, "map" if only a map of it; None before the first answer."""
    reading: Progress | None = None
    """What is being read, while it is."""

    def document(self) -> dict[str, Any]:
        """As JSON."""
        reading = self.reading
        shown = reading and {
            "stage": reading.stage,
            "done": reading.done,
            "total": reading.total,
            "unit": reading.unit,
        }
        return {
            "kind": self.kind,
            "message": self.message,
            "busy": self.busy,
            "model": self.model,
            "prefix": self.prefix,
            "reading": shown,
        }


class Board:
    """The current status; `changed` is called after each change. To be used on the loop's thread."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self.status = Status()
        self._changed = changed
        self._working = 0

    def set(self, **changes: Any) -> None:
        """Change fields of the status."""
        changed = replace(self.status, **changes)
        if changed != self.status:
            self.status = changed
            self._changed()

    @contextmanager
    def working(self) -> Iterator[None]:
        """Busy inside the block."""
        self._working += 1
        self.set(busy=True)
        try:
            yield
        finally:
            self._working -= 1
            if not self._working:
                self.set(busy=False, reading=None)
