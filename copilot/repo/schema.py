"""The index's SQLite file: its tables, opening it, and rebuilding one that is damaged, old or foreign.

Knows no source text and no ranking.
"""

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

VERSION = 0x43500009
"""`user_version` of the file; raised whenever a table or the meaning of a stored value changes."""

BUSY_MS = 20_000
"""Others write for a second or two; who holds the file longer is stuck."""

MOST_CHUNKS = 4096
"""Places kept per file; a row of a text index is `file id * MOST_CHUNKS + ordinal`."""

TEXT = "text"
"""Form, among the token counts, of texts that are no file; their keys are their own digests."""

# Columns read of every file come first: SQLite reads a row from its start, page by page, up to the last one asked for.
_TABLES = """
CREATE TABLE contents (
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,
    lines INTEGER NOT NULL,
    marks TEXT NOT NULL,
    problem TEXT NOT NULL,
    trouble TEXT NOT NULL,
    redactions TEXT NOT NULL,
    outline_chars INTEGER NOT NULL,
    defines BLOB NOT NULL,
    refers BLOB NOT NULL,
    outline TEXT NOT NULL,
    definitions TEXT NOT NULL
);
CREATE TABLE roots (
    id INTEGER PRIMARY KEY,
    path BLOB NOT NULL UNIQUE
);
CREATE TABLE files (
    id INTEGER PRIMARY KEY,
    root INTEGER NOT NULL,
    path TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    content INTEGER NOT NULL,
    allowed INTEGER NOT NULL,
    placed BLOB,
    UNIQUE (root, path)
);
CREATE INDEX files_by_content ON files (content);
CREATE TABLE places (
    key BLOB PRIMARY KEY,
    chunks TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE counts (
    key BLOB NOT NULL,
    form TEXT NOT NULL,
    counter TEXT NOT NULL,
    tokens INTEGER NOT NULL,
    PRIMARY KEY (key, form, counter)
) WITHOUT ROWID;
CREATE TABLE rankings (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    ranking TEXT NOT NULL
);
"""


def connect(database: Path) -> sqlite3.Connection:
    """Open the index file, making it anew when it is missing, damaged, of another version or not ours."""
    database.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _open(database)
    except _UnusableError:
        remove(database)
    except sqlite3.OperationalError:
        raise
    except (sqlite3.DatabaseError, UnicodeDecodeError):  # SQLite quotes a damaged schema in its message
        remove(database)
    return _open(database)


def remove(database: Path) -> None:
    """Delete the index file and what SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """One write transaction; takes the write lock at once so that two writers queue instead of failing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def chunks_of(root: int) -> str:
    """Name of the text index of one root: its own, so that other repositories cannot change what is found."""
    return f"chunks_{root:d}"


def root_number(connection: sqlite3.Connection, path: Path) -> int | None:
    """The number of a root, None if it was never indexed."""
    row = connection.execute("SELECT id FROM roots WHERE path = ?", (os.fsencode(path),)).fetchone()
    return int(row[0]) if row else None


def add_root(connection: sqlite3.Connection, path: Path) -> int:
    """Give a root its number and its text index. Needs a transaction."""
    connection.execute("INSERT OR IGNORE INTO roots (path) VALUES (?)", (os.fsencode(path),))
    number = root_number(connection, path)
    assert number is not None
    connection.execute(
        f"CREATE VIRTUAL TABLE IF NOT EXISTS {chunks_of(number)} USING fts5"
        " (symbol, path, prose, code, tokenize = \"porter unicode61 tokenchars '_'\")"
    )
    return number


def drop_root(connection: sqlite3.Connection, number: int) -> None:
    """Forget a root and its files; their contents stay for a while. Needs a transaction."""
    connection.execute(f"DROP TABLE IF EXISTS {chunks_of(number)}")
    connection.execute("DELETE FROM files WHERE root = ?", (number,))
    connection.execute("DELETE FROM roots WHERE id = ?", (number,))


def drop_chunks(connection: sqlite3.Connection, root: int, files: Iterable[int]) -> None:
    """Take files out of the text index. Needs a transaction."""
    ranges = [(number * MOST_CHUNKS, (number + 1) * MOST_CHUNKS - 1) for number in files]
    connection.executemany(f"DELETE FROM {chunks_of(root)} WHERE rowid BETWEEN ? AND ?", ranges)


class _UnusableError(Exception):
    """The file is a database, but not this version's index."""


def _open(database: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(database, timeout=BUSY_MS / 1000, isolation_level=None)
    try:
        _use_wal(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA cache_size = -32768")
        if _version(connection) != VERSION:
            _create(connection)
        # One by one: a join with an empty table would look through all the others.
        for table in ("contents", "roots", "files", "places", "counts", "rankings"):
            connection.execute(f"SELECT 1 FROM {table} LIMIT 1")
    except BaseException:
        connection.close()
        raise
    return connection


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch the journal mode; unlike other statements, this one does not wait for another process by itself."""
    deadline = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _create(connection: sqlite3.Connection) -> None:
    with transaction(connection):
        version = _version(connection)
        if version == VERSION:
            return
        if version or connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
            raise _UnusableError
        for statement in _TABLES.strip().split(";\n"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
