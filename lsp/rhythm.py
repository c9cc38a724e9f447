"""How long to wait for the next keystroke before a completion is begun, from how this user types and how fast it is.

Whoever types quickly would have every suggestion thrown away; whoever pauses should not wait. What the model takes
itself counts as waiting already. Does not know: clocks, completions.
"""

from collections import deque

LEAST_S = 0.03
MOST_S = 0.8
PAUSE_S = 0.4
"""A longer gap between two keystrokes is a pause and says nothing about the rhythm."""
KEPT = 20
USUAL_GAP_S = 0.15
FACTOR = 1.3
"""So many usual gaps without a keystroke are a pause."""
REJECTED = 5
"""After so many suggestions in a row that were shown and not taken, each further one waits longer."""
REJECTED_S = 0.1


class Rhythm:
    """What is known of one user; times are seconds of any steady clock."""

    def __init__(self) -> None:
        self._gaps: deque[float] = deque(maxlen=KEPT)
        self._latencies: deque[float] = deque(maxlen=KEPT)
        self._last: float | None = None
        self._rejected = 0

    def typed(self, now_s: float) -> None:
        """A document changed."""
        if self._last is not None and 0 < now_s - self._last <= PAUSE_S:
            self._gaps.append(now_s - self._last)
        self._last = now_s

    def took(self, seconds: float) -> None:
        """A completion was ready after so long."""
        self._latencies.append(seconds)

    def judged(self, accepted: bool) -> None:
        """A suggestion that was shown was taken, or left."""
        self._rejected = 0 if accepted else self._rejected + 1

    def delay_s(self, now_s: float) -> float:
        """How long to wait from now, after an automatic request."""
        gap = sum(self._gaps) / len(self._gaps) if self._gaps else USUAL_GAP_S
        latency = sum(self._latencies) / len(self._latencies) if self._latencies else 0.0
        tired = max(0, self._rejected - REJECTED) * REJECTED_S
        wanted = min(max(FACTOR * gap - latency / 2 + tired, LEAST_S), MOST_S)
        waited = now_s - self._last if self._last is not None else 0.0
        return max(0.0, wanted - max(waited, 0.0))
