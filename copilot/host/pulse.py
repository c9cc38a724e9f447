"""The host's pulse: while requests run, clients hear once a second that it lives, and a standstill is noticed.

Time is counted in beats, so that a machine that slept or a process that was stopped looks no older than it is.
"""

import time
from collections.abc import Callable

from copilot.engine.base import Session
from copilot.host.work import Work

BEAT_S = 1.0


class Pulse:
    def __init__(
        self, session: Session, work: Work, beat: Callable[[], None], stalled: Callable[[float], None]
    ) -> None:
        """`beat` tells the clients; `stalled` is told for how many seconds nothing has moved."""
        self._session = session
        self._work = work
        self._beat = beat
        self._stalled = stalled

    def run(self) -> None:
        """For ever. A session that does not even tell its status stops the pulse, and clients take it for dead."""
        still = 0
        seen: tuple[int, int] | None = None
        while True:
            if not self._work.running:
                still, seen = 0, None
                self._work.wait_for_some()
            time.sleep(BEAT_S)
            moved = self._session.status().steps, self._work.events
            still = still + 1 if moved == seen else 0
            seen = moved
            self._stalled(still * BEAT_S)
            self._beat()
