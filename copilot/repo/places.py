"""The places a search can find: every file's chunks in the text index of its root, made when a search first needs them.

A repository that is only packed never pays for them. Knows the tables, no ranking and no query.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from copilot.events import Progress, Report
from copilot.repo.batches import batches
from copilot.repo.chunks import Chunk, chunk
from copilot.repo.content import definitions_from
from copilot.repo.languages import language_of
from copilot.repo.schema import MOST_CHUNKS, chunks_of, drop_chunks, transaction
from copilot.repo.words import prose_and_code, searchable, words

TextOf = Callable[[tuple[str, bytes]], str | None]
"""The text of the file at a path, None unless it is the content of a key."""

_ChunkRow = tuple[int, str, str, str, str]


@dataclass(frozen=True, slots=True)
class WaitingFile:
    """A file whose content is not in the text index."""

    number: int
    path: str
    size: int
    """In bytes."""
    key: bytes
    """Identity of the content."""
    problem: str
    marks: str
    definitions: str
    """As stored."""


def waiting_files(connection: sqlite3.Connection, root: int) -> list[WaitingFile]:
    """The files of a root whose content is not in its text index yet."""
    rows = connection.execute(
        "SELECT f.id, f.path, f.size, c.key, c.problem, c.marks, c.definitions"
        " FROM files f JOIN contents c ON c.id = f.content WHERE f.root = ? AND f.placed IS NOT c.key ORDER BY f.id",
        (root,),
    )
    return [WaitingFile(*row) for row in rows]


def place_files(
    connection: sqlite3.Connection, root: int, waiting: Sequence[WaitingFile], text_of: TextOf, report: Report
) -> None:
    """Put files into the text index of a root. One that changed meanwhile is not found until it is indexed again.

    Each batch is one transaction; another process may do the same at the same time.
    """
    done = 0
    for batch in batches(waiting):
        texts = ["" if file.problem else text_of((file.path, file.key)) for file in batch]
        _place_batch(connection, root, list(zip(batch, texts, strict=True)))
        done += len(batch)
        report(Progress("parse", done, len(waiting), "files"))


def _place_batch(connection: sqlite3.Connection, root: int, batch: Sequence[tuple[WaitingFile, str | None]]) -> None:
    made = [(file, _chunks(file, text), text) for file, text in batch]
    rows = {file.number: list(_chunk_rows(file, text or "", chunks)) for file, chunks, text in made}
    with transaction(connection):
        connection.executemany(
            "INSERT OR IGNORE INTO places VALUES (?, ?)",
            [(file.key, chunks_json(chunks)) for file, chunks, text in made if text is not None],
        )
        fresh, stale = [], []
        for file, _, text in made:
            held = connection.execute(
                "SELECT f.placed FROM files f JOIN contents c ON c.id = f.content"
                " WHERE f.id = ? AND f.path = ? AND c.key = ? AND f.placed IS NOT c.key",
                (file.number, file.path, file.key),
            ).fetchone()
            if held is not None:  # else another process was faster
                placed = None if text is None else file.key
                connection.execute("UPDATE files SET placed = ? WHERE id = ?", (placed, file.number))
                fresh.append(file.number)
                stale += [file.number] if held[0] is not None else []
        # Last and together: any other statement in between would make the text index write a segment per file.
        drop_chunks(connection, root, stale)
        connection.executemany(
            f"INSERT INTO {chunks_of(root)} (rowid, symbol, path, prose, code) VALUES (?, ?, ?, ?, ?)",
            [row for number in fresh for row in rows[number]],
        )


def _chunks(file: WaitingFile, text: str | None) -> list[Chunk]:
    if not text or file.marks == "minified":
        return []
    language = language_of(file.path)
    # Prose and data are searched in windows: their sections are too short to be told apart by their words.
    definitions = definitions_from(file.definitions) if language is not None and language.is_code else ()
    return chunk(text.split("\n"), definitions)[:MOST_CHUNKS]


def _chunk_rows(file: WaitingFile, text: str, chunks: Sequence[Chunk]) -> Iterator[_ChunkRow]:
    lines = text.split("\n")
    language = language_of(file.path)
    name = language.name if language and language.is_code else None
    where = searchable(words(file.path))
    for ordinal, place in enumerate(chunks):
        prose, code = prose_and_code("\n".join(lines[place.start_line - 1 : place.end_line]), name)
        symbol = searchable([*words(place.symbol), *place.names])
        yield (
            file.number * MOST_CHUNKS + ordinal,
            symbol,
            where,
            searchable(words(prose)),
            searchable(words(code)),
        )


def chunks_json(chunks: Iterable[Chunk]) -> str:
    """Where the chunks are and what they are called, as compact JSON rows; `chunks_at` reads them back."""
    rows = [[c.start_line, c.end_line, c.symbol, c.kind, *([c.names] if c.names else ())] for c in chunks]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":")) if rows else ""


def chunks_at(stored: str, ordinals: Iterable[int]) -> dict[int, Chunk]:
    """Ordinal -> chunk, of some of what `chunks_json` wrote; those that are not there are left out."""
    rows = json.loads(stored) if stored else []
    return {at: Chunk(*rows[at]) for at in ordinals if at < len(rows)}
