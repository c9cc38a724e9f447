"""The reading speed measured on this machine, so that a wait can be told before it begins."""

import json
from pathlib import Path

from copilot.events import Usage
from copilot.files import keep_file

MIN_TOKENS = 200
"""Shorter readings are mostly start-up and say little."""


class SpeedLog:
    """Tokens per second per model and way of running it, in one small JSON file that may be lost."""

    def __init__(self, path: Path, key: str) -> None:
        self._path = path
        self._key = key

    def record(self, usage: Usage) -> None:
        """Remember the speed of a reading long enough to mean something."""
        if usage.evaluated_tokens < MIN_TOKENS or usage.prefill_ms <= 0:
            return
        speeds = self._load()
        speeds[self._key] = round(1000 * usage.evaluated_tokens / usage.prefill_ms, 1)
        keep_file(self._path, json.dumps(speeds).encode())

    @property
    def tokens_per_s(self) -> float | None:
        """The last measured speed, None before the first reading."""
        return self._load().get(self._key)

    def seconds_for(self, tokens: int) -> float | None:
        speed = self.tokens_per_s
        return tokens / speed if speed else None

    def _load(self) -> dict[str, float]:
        try:
            stored = json.loads(self._path.read_text())
            return {str(key): float(speed) for key, speed in stored.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}


def duration(seconds: float) -> str:
    """A wait in words a person says."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
