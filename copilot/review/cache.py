"""Findings and scores that were found before, in one SQLite file; it may be deleted at any time.

Does not know: what a key stands for. A file that is damaged, of another version or not writable is as good as empty.
"""

import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Self

from copilot.files import private_folder
from copilot.review.finding import Finding, Severity, Skipped

_VERSION = 2
_MOST_ROWS = 50_000
_BUSY_MS = 2000


class FindingCache:
    """Key -> findings."""

    def __init__(self, connection: sqlite3.Connection | None) -> None:
        self._connection = connection
        self.hits = 0
        """How often something was remembered."""
        self.misses = 0

    @classmethod
    def at(cls, path: Path) -> Self:
        """Open the cache file, or make it; without one nothing is remembered."""
        for _ in range(2):
            try:
                private_folder(path.parent)
                connection = sqlite3.connect(path, isolation_level=None)
                connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = OFF")
                found = connection.execute("PRAGMA user_version").fetchone()[0]
                if found not in (0, _VERSION):
                    raise sqlite3.DatabaseError("another version")
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS findings (id INTEGER PRIMARY KEY, key BLOB UNIQUE, found TEXT)"
                )
                connection.execute("CREATE TABLE IF NOT EXISTS scores (id INTEGER PRIMARY KEY, key BLOB UNIQUE, score)")
                connection.execute(f"PRAGMA user_version = {_VERSION}")
                return cls(connection)
            except sqlite3.OperationalError:
                return cls(None)
            except (sqlite3.DatabaseError, OSError):
                for suffix in ("", "-wal", "-shm"):
                    with suppress(OSError):
                        path.with_name(path.name + suffix).unlink(missing_ok=True)
        return cls(None)

    def remembered(self, key: bytes, find: Callable[[], Sequence[Finding | Skipped]]) -> Sequence[Finding | Skipped]:
        """What was found for a key, found now if it was not."""
        known = self.get(key)
        if known is not None:
            self.hits += 1
            return known
        self.misses += 1
        found = find()
        if not any(isinstance(each, Skipped) for each in found):
            self.put(key, [each for each in found if isinstance(each, Finding)])
        return found

    def get(self, key: bytes) -> list[Finding] | None:
        """What is kept for a key, None for nothing readable."""
        if self._connection is None:
            return None
        try:
            row = self._connection.execute("SELECT found FROM findings WHERE key = ?", (key,)).fetchone()
            return None if row is None else [_from_json(each) for each in json.loads(row[0])]
        except (sqlite3.Error, ValueError, TypeError, KeyError):
            return None

    def put(self, key: bytes, findings: Sequence[Finding]) -> None:
        """Keep the findings of a key; that it fails costs time only."""
        if self._connection is None:
            return
        text = json.dumps([asdict(finding) for finding in findings])
        with suppress(sqlite3.Error):
            self._connection.execute("INSERT OR REPLACE INTO findings (key, found) VALUES (?, ?)", (key, text))

    def score(self, key: bytes) -> float | None:
        """The score that is kept for a key, None for none."""
        if self._connection is None:
            return None
        try:
            row = self._connection.execute("SELECT score FROM scores WHERE key = ?", (key,)).fetchone()
            return None if row is None else float(row[0])
        except (sqlite3.Error, ValueError, TypeError):
            return None

    def keep_score(self, key: bytes, score: float) -> None:
        """Keep the score of a key; that it fails costs time only."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.execute("INSERT OR REPLACE INTO scores (key, score) VALUES (?, ?)", (key, score))

    def close(self) -> None:
        """Forget the oldest rows and close the file."""
        if self._connection is None:
            return
        with suppress(sqlite3.Error):
            for table in ("findings", "scores"):
                self._connection.execute(
                    f"DELETE FROM {table} WHERE id <= (SELECT max(id) FROM {table}) - ?", (_MOST_ROWS,)
                )
        self._connection.close()


def no_cache() -> FindingCache:
    """A cache that remembers nothing."""
    return FindingCache(None)


def _from_json(row: dict[str, object]) -> Finding:
    values = dict(row)
    values["severity"] = Severity(str(values["severity"]))
    return Finding(**values)  # type: ignore[arg-type]
