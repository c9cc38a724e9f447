"""The requests that run in a host: how many, since when none, and who waits for that to change.

Knows neither connections nor the engine.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition


class Work:
    def __init__(self) -> None:
        self._changed = Condition()
        self._running = 0
        self._idle_since = time.monotonic()
        self.events = 0
        """Events that requests produced so far; exact enough to see that they go on."""

    @contextmanager
    def item(self) -> Iterator[None]:
        with self._changed:
            self._running += 1
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._idle_since = time.monotonic()
                self._changed.notify_all()

    @property
    def running(self) -> int:
        return self._running

    @property
    def idle_s(self) -> float:
        """Seconds since the last request ended, 0 while one runs."""
        with self._changed:
            return 0.0 if self._running else time.monotonic() - self._idle_since

    def wait_for_some(self, timeout_s: float | None = None) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._running > 0, timeout_s)

    def wait_for_none(self, timeout_s: float | None = None) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._running == 0, timeout_s)
