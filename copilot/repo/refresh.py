"""Bringing the index up to date: which files changed, reading those, storing them batch by batch.

Each batch is one transaction, so a killed run keeps what it had finished. Knows the tables, no ranking, no search.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from copilot.events import Progress, Report
from copilot.repo.chunks import Chunk
from copilot.repo.content import (
    Content,
    chunks_from,
    chunks_json,
    content_key,
    decode,
    definitions_json,
    pack_defines,
    pack_refers,
    read_content,
)
from copilot.repo.languages import language_of
from copilot.repo.redact import findings_from, findings_json, replaced
from copilot.repo.schema import MOST_CHUNKS, add_root, chunks_of, drop_root, transaction
from copilot.repo.walk import Walk, WalkedFile
from copilot.repo.words import prose_and_code, searchable, words

_ChunkRow = tuple[int, str, str, str, str]

_BATCH_FILES = 400
_BATCH_BYTES = 6 << 20
_SPARE_CONTENTS = 2000
"""Contents no file has any more (other branches) that are kept beyond twice the used ones."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """A changed file, read; `content` is None if the index has this content already."""

    file: WalkedFile
    key: bytes
    raw: bytes
    content: Content | None
    allowed: bool
    """Whether its secrets stay in it."""


def bring_up_to_date(connection: sqlite3.Connection, walk: Walk, allowed: frozenset[str], report: Report) -> None:
    """Make the tables say what the walked files say, without their secrets but for those of the allowed paths."""
    with transaction(connection):
        root = add_root(connection, walk.root)
    rows = connection.execute("SELECT path, size, mtime_ns, allowed FROM files WHERE root = ?", (root,))
    known = {path: state for path, *state in rows}
    changed = [file for file in walk.files if known.get(file.path) != [file.size, file.mtime_ns, file.path in allowed]]
    kept = len(walk.files) - len(changed)
    gone = known.keys() - {file.path for file in walk.files}
    done = kept
    report(Progress("parse", done, len(walk.files), "files", kept))
    for batch in _batches(changed):
        readings = [reading for file in batch if (reading := _read(connection, walk.root, file, file.path in allowed))]
        gone |= {file.path for file in batch} - {reading.file.path for reading in readings}
        with transaction(connection):
            _store_batch(connection, root, readings)
        done += len(batch)
        report(Progress("parse", done, len(walk.files), "files", kept))
    if changed or gone:
        with transaction(connection):
            _remove(connection, root, sorted(gone))
            _sweep(connection)


def _batches(files: Sequence[WalkedFile]) -> Iterator[list[WalkedFile]]:
    batch: list[WalkedFile] = []
    size = 0
    for file in files:
        batch.append(file)
        size += file.size
        if len(batch) >= _BATCH_FILES or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _read(connection: sqlite3.Connection, root: Path, file: WalkedFile, allowed: bool) -> _Reading | None:
    try:
        raw = (root / file.path).read_bytes()
    except OSError:
        return None
    key = content_key(file.path, raw, allowed)
    known = connection.execute("SELECT 1 FROM contents WHERE key = ?", (key,)).fetchone()
    return _Reading(file, key, raw, None if known else read_content(file.path, raw, allowed), allowed)


def _store_batch(connection: sqlite3.Connection, root: int, readings: Sequence[_Reading]) -> None:
    rows: list[_ChunkRow] = []
    stale: list[int] = []
    for reading in readings:
        content, text, chunks = _stored_content(connection, reading)
        file = reading.file
        held = connection.execute(
            "SELECT id, content FROM files WHERE root = ? AND path = ?", (root, file.path)
        ).fetchone()
        if held is None:
            held = connection.execute(
                "INSERT INTO files (root, path, size, mtime_ns, content, allowed) VALUES (?, ?, ?, ?, ?, ?)"
                " RETURNING id, NULL",
                (root, file.path, file.size, file.mtime_ns, content, reading.allowed),
            ).fetchone()
        else:
            connection.execute(
                "UPDATE files SET size = ?, mtime_ns = ?, content = ?, allowed = ? WHERE id = ?",
                (file.size, file.mtime_ns, content, reading.allowed, held[0]),
            )
        if held[1] != content:
            stale += [held[0]] if held[1] is not None else []
            rows += _chunk_rows(held[0], file.path, text, chunks)
    # Last and together: any other statement in between would make the text index write a segment per file.
    _drop_chunks(connection, root, stale)
    connection.executemany(
        f"INSERT INTO {chunks_of(root)} (rowid, symbol, path, prose, code) VALUES (?, ?, ?, ?, ?)", rows
    )


def _stored_content(connection: sqlite3.Connection, reading: _Reading) -> tuple[int, str, list[Chunk]]:
    """Number, text and places of a content, stored if it was not."""
    row = connection.execute("SELECT id, chunks, redactions FROM contents WHERE key = ?", (reading.key,)).fetchone()
    if row is not None:
        return row[0], replaced(decode(reading.raw)[0], findings_from(row[2])), chunks_from(row[1])
    content = reading.content or read_content(reading.file.path, reading.raw, reading.allowed)
    return _store_content(connection, reading.key, content), content.text, list(content.chunks)


def _store_content(connection: sqlite3.Connection, key: bytes, content: Content) -> int:
    definitions = content.structure.definitions
    row = connection.execute(
        "INSERT INTO contents (key, lines, marks, problem, definitions, outline, chunks, redactions,"
        " defines, refers) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (
            key,
            content.lines,
            content.marks,
            content.problem,
            definitions_json(definitions),
            content.outline,
            chunks_json(content.chunks[:MOST_CHUNKS]),
            findings_json(content.redactions),
            pack_defines(definitions),
            pack_refers(content.structure),
        ),
    ).fetchone()
    return int(row[0])


def _chunk_rows(number: int, path: str, text: str, chunks: Sequence[Chunk]) -> Iterator[_ChunkRow]:
    lines = text.split("\n")
    language = language_of(path)
    name = language.name if language and language.is_code else None
    where = searchable(words(path))
    for ordinal, chunk in enumerate(chunks[:MOST_CHUNKS]):
        prose, code = prose_and_code("\n".join(lines[chunk.start_line - 1 : chunk.end_line]), name)
        symbol = searchable([*words(chunk.symbol), *chunk.names])
        yield (
            number * MOST_CHUNKS + ordinal,
            symbol,
            where,
            searchable(words(prose)),
            searchable(words(code)),
        )


def _drop_chunks(connection: sqlite3.Connection, root: int, files: Sequence[int]) -> None:
    ranges = [(number * MOST_CHUNKS, (number + 1) * MOST_CHUNKS - 1) for number in files]
    connection.executemany(f"DELETE FROM {chunks_of(root)} WHERE rowid BETWEEN ? AND ?", ranges)


def _remove(connection: sqlite3.Connection, root: int, paths: Sequence[str]) -> None:
    for path in paths:
        held = connection.execute("DELETE FROM files WHERE root = ? AND path = ? RETURNING id", (root, path)).fetchall()
        _drop_chunks(connection, root, [number for (number,) in held])


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
        connection.execute("DELETE FROM counts WHERE key NOT IN (SELECT key FROM contents)")
