"""Bringing the index up to date: which files changed, reading those, storing them batch by batch.

Each batch is one transaction, so a killed run keeps what it had finished. Knows the tables, no ranking, no search.
"""

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from copilot.events import Progress, Report
from copilot.repo.batches import batches
from copilot.repo.content import Content, content_key, definitions_json, pack_defines, pack_refers, read_content
from copilot.repo.raw import read_raw
from copilot.repo.redact import findings_json
from copilot.repo.schema import TEXT, add_root, drop_chunks, drop_root, transaction
from copilot.repo.walk import Skipped, Walk, WalkedFile

_ContentRow = tuple[bytes, int, str, str, str, str, int, bytes, bytes, str, str]
_SPARE_CONTENTS = 2000
"""Contents no file has any more (other branches) that are kept beyond twice the used ones."""

_MOST_TEXTS = 50_000
"""Token counts of names and excerpts that are kept; then all of them go."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """A changed file, read; `row` is None if the index has this content already."""

    file: WalkedFile
    key: bytes
    row: _ContentRow | None
    allowed: bool
    """Whether its secrets stay in it."""


def bring_up_to_date(
    connection: sqlite3.Connection, walk: Walk, allowed: frozenset[str], report: Report
) -> tuple[Skipped, ...]:
    """Make the tables say what the walked files say, without their secrets but for those of the allowed paths.

    Returns the files that could not be read after all.
    """
    with transaction(connection):
        root = add_root(connection, walk.root)
    rows = connection.execute("SELECT path, size, mtime_ns, allowed FROM files WHERE root = ?", (root,))
    known = {path: state for path, *state in rows}
    changed = [file for file in walk.files if known.get(file.path) != [file.size, file.mtime_ns, file.path in allowed]]
    kept = len(walk.files) - len(changed)
    gone = known.keys() - {file.path for file in walk.files}
    done = kept
    unread: list[Skipped] = []
    report(Progress("parse", done, len(walk.files), "files", kept))
    for batch in batches(changed):
        read = [_read(connection, walk.root, file, file.path in allowed) for file in batch]
        readings = [reading for reading in read if isinstance(reading, _Reading)]
        unread += [skipped for skipped in read if isinstance(skipped, Skipped)]
        with transaction(connection):
            _store_batch(connection, root, readings)
        done += len(batch)
        report(Progress("parse", done, len(walk.files), "files", kept))
    gone |= {skipped.path for skipped in unread}
    if changed or gone:
        with transaction(connection):
            _remove(connection, root, sorted(gone))
            _sweep(connection)
    return tuple(unread)


def _read(connection: sqlite3.Connection, root: Path, file: WalkedFile, allowed: bool) -> _Reading | Skipped:
    raw, reason = read_raw(root / file.path)
    if reason:
        return Skipped(file.path, reason)
    key = content_key(file.path, raw, allowed)
    known = connection.execute("SELECT 1 FROM contents WHERE key = ?", (key,)).fetchone()
    row = None if known else _content_row(key, read_content(file.path, raw, allowed))
    return _Reading(file, key, row, allowed)


def _content_row(key: bytes, content: Content) -> _ContentRow:
    """What is stored of a content; the content itself, which is many times as large, need not stay in memory."""
    definitions = content.structure.definitions
    return (
        key,
        content.lines,
        content.marks,
        content.problem,
        content.structure.error or "",
        findings_json(content.redactions),
        len(content.outline),
        pack_defines(definitions),
        pack_refers(content.structure),
        content.outline,
        definitions_json(definitions),
    )


def _store_batch(connection: sqlite3.Connection, root: int, readings: Sequence[_Reading]) -> None:
    connection.executemany(
        "INSERT OR IGNORE INTO contents"
        " (key, lines, marks, problem, trouble, redactions, outline_chars, defines, refers, outline, definitions)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [reading.row for reading in readings if reading.row],
    )
    connection.executemany(
        "INSERT INTO files (root, path, size, mtime_ns, allowed, content)"
        " VALUES (?, ?, ?, ?, ?, (SELECT id FROM contents WHERE key = ?))"
        " ON CONFLICT (root, path) DO UPDATE SET size = excluded.size, mtime_ns = excluded.mtime_ns,"
        " allowed = excluded.allowed, content = excluded.content",
        [(root, r.file.path, r.file.size, r.file.mtime_ns, r.allowed, r.key) for r in readings],
    )


def _remove(connection: sqlite3.Connection, root: int, paths: Sequence[str]) -> None:
    for path in paths:
        held = connection.execute("DELETE FROM files WHERE root = ? AND path = ? RETURNING id", (root, path)).fetchall()
        drop_chunks(connection, root, [number for (number,) in held])


def _sweep(connection: sqlite3.Connection) -> None:
    """Forget roots whose folder is gone, and contents nobody used for long."""
    for number, path in connection.execute("SELECT id, path FROM roots").fetchall():
        if not Path(os.fsdecode(path)).is_dir():
            drop_root(connection, number)
    total, used = connection.execute(
        "SELECT (SELECT count(*) FROM contents), (SELECT count(DISTINCT content) FROM files)"
    ).fetchone()
    surplus = total - 2 * used - _SPARE_CONTENTS
    if surplus > 0:
        connection.execute(
            "DELETE FROM contents WHERE id IN (SELECT id FROM contents WHERE id NOT IN"
            " (SELECT content FROM files) ORDER BY id LIMIT ?)",
            (surplus,),
        )
        for table in ("counts", "places"):
            connection.execute(f"DELETE FROM {table} WHERE key NOT IN (SELECT key FROM contents)")
    counted = connection.execute("SELECT count(*) FROM counts WHERE form = ?", (TEXT,)).fetchone()[0]
    if counted > _MOST_TEXTS:
        connection.execute("DELETE FROM counts WHERE form = ?", (TEXT,))
