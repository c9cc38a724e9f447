"""The index of a repository: what its files contain, kept in one SQLite file and brought up to date by what changed.

Contents are stored by identity, so branches, worktrees and copies share them; files name contents. Token counts are
kept by (content, form, counter). Secrets stay out: all it keeps and serves is without them.
Knows no ranking, no budget and no model; an index may be deleted at any time.
"""

import hashlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from copilot.errors import RepositoryError
from copilot.events import Report, ignore
from copilot.repo import schema
from copilot.repo.content import content_key, decode, definitions_from, read_content
from copilot.repo.languages import language_of
from copilot.repo.places import place_files, waiting_files
from copilot.repo.raw import read_raw
from copilot.repo.redact import findings_from, replaced
from copilot.repo.refresh import bring_up_to_date
from copilot.repo.schema import chunks_of
from copilot.repo.tags import Definition, Structure, structure
from copilot.repo.walk import Skipped, Walk

_VARIABLES = 900
"""Bound values per statement; SQLite's oldest default limit is 999."""


class IndexedFile(NamedTuple):
    """One text file of the repository as the index knows it."""

    path: str
    size: int
    """In bytes."""
    lines: int
    marks: str
    """"generated", "minified" or ""."""
    key: bytes
    """Identity of the content."""
    outline_chars: int
    """Length of the outline, 0 if the file has none."""
    redactions: str = ""
    """Where the text is without its secrets, as stored; "" if there are none."""
    trouble: str = ""
    """Why its structure is not known or may be incomplete, "" if it is complete."""


@dataclass(frozen=True, slots=True)
class Redaction:
    """A secret that was left out of a file's text."""

    path: str
    line: int
    """1-based; lines stay where they were."""
    kind: str
    """In words: "GitHub token", "password or key"."""


class FileChangedError(RepositoryError):
    """A file is not what it was when it was indexed; a refresh mends that."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} changed while it was read; run the command again")
        self.path = path


class Index:
    """The files under one root. Several processes may use the same database at the same time."""

    def __init__(self, database: Path, root: Path, allowed: frozenset[str] = frozenset()) -> None:
        """Open or create `database` for the files under `root`. Raises RepositoryError if it cannot be written.

        The secrets of the files at the `allowed` paths stay in what is kept and served.
        """
        self.database = database
        self.root = root
        self.allowed = allowed
        self._walk_skipped: tuple[Skipped, ...] = ()
        self._files: tuple[IndexedFile, ...] | None = None
        self._machine_written: frozenset[str] | None = None
        self._report: Report = ignore
        try:
            self._connection = schema.connect(database)
        except (OSError, sqlite3.Error) as exc:
            raise RepositoryError(f"the index {database} cannot be opened ({exc}); check its folder") from exc

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def refresh(self, walk: Walk, report: Report = ignore) -> None:
        """Make the index say what the walked files say: reads only files whose size or time changed."""
        if walk.root != self.root:
            raise ValueError(f"walked {walk.root}, but this is the index of {self.root}")
        self._files = self._machine_written = None
        self._report = report
        try:
            unread = bring_up_to_date(self._connection, walk, self.allowed, report)
        except sqlite3.Error as exc:
            if not _is_damage(exc):
                raise RepositoryError(f"the index {self.database} cannot be written ({exc}); try again") from exc
            self._connection.close()
            schema.remove(self.database)
            self._connection = schema.connect(self.database)
            unread = bring_up_to_date(self._connection, walk, self.allowed, report)
        self._walk_skipped = (*walk.skipped, *unread)

    @property
    def number(self) -> int | None:
        """The root's number in the tables, None before the first refresh."""
        rows = self.select("SELECT id FROM roots WHERE path = ?", (os.fsencode(self.root),))
        return int(rows[0][0]) if rows else None

    @property
    def files(self) -> tuple[IndexedFile, ...]:
        """All text files, by path."""
        if self._files is None:
            rows = self.select(
                "SELECT f.allowed, f.path, f.size, c.lines, c.marks, c.key, c.outline_chars, c.redactions, c.trouble"
                " FROM files f JOIN contents c ON c.id = f.content WHERE f.root = ? AND c.problem = '' ORDER BY f.path",
                (self.number,),
            )
            if any(allowed != (path in self.allowed) for allowed, path, *_ in rows):
                raise RepositoryError("the index was made with other secrets allowed; run the command again")
            self._files = tuple(IndexedFile(*row) for _, *row in rows)
        return self._files

    @property
    def machine_written(self) -> frozenset[str]:
        """Paths of the files that say of themselves that a machine wrote them."""
        if self._machine_written is None:
            self._machine_written = frozenset(file.path for file in self.files if file.marks)
        return self._machine_written

    @property
    def redactions(self) -> tuple[Redaction, ...]:
        """The secrets that the texts are without, by path and line."""
        return tuple(
            Redaction(file.path, finding.line, finding.kind)
            for file in self.files
            for finding in findings_from(file.redactions)
        )

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """What the last walk left out, what could not be read, and files whose content is no text; by path."""
        rows = self.select(
            "SELECT f.path, c.problem FROM files f"
            " JOIN contents c ON c.id = f.content WHERE f.root = ? AND c.problem <> ''",
            (self.number,),
        )
        return tuple(sorted([*self._walk_skipped, *(Skipped(*row) for row in rows)], key=lambda s: s.path))

    @property
    def digest(self) -> bytes:
        """Identity of all paths and contents together."""
        state = hashlib.blake2b(digest_size=20)
        for file in self.files:
            state.update(file.path.encode("utf-8", "surrogateescape") + b"\0" + file.key)
        return state.digest()

    def text(self, file: IndexedFile) -> str:
        """The text of a file as it was indexed, without secrets. FileChangedError if it has changed or gone since."""
        raw, reason = read_raw(self.root / file.path)
        if reason or content_key(file.path, raw, file.path in self.allowed) != file.key:
            # Even if its size and time are those of before, the next refresh reads it.
            self._keep(("UPDATE files SET mtime_ns = -1 WHERE root = ? AND path = ?", [(self.number, file.path)]))
            raise FileChangedError(file.path)
        return replaced(decode(raw)[0], findings_from(file.redactions))

    def text_index(self) -> str | None:
        """Name of the table that a search asks, with the places of all files in it; None before the first refresh."""
        root = self.number
        if root is None:
            return None
        with self._telling("written"):
            waiting = waiting_files(self._connection, root)
            if waiting:
                files = {(file.path, file.key): file for file in self.files}
                place_files(
                    self._connection, root, waiting, lambda key: self._text_or_none(files.get(key)), self._report
                )
        return chunks_of(root)

    def _text_or_none(self, file: IndexedFile | None) -> str | None:
        try:
            return self.text(file) if file else None
        except RepositoryError:
            return None

    def structure(self, file: IndexedFile) -> Structure:
        """The full structure of a file with its references, parsed anew."""
        return structure(self.text(file), language_of(file.path))

    def definitions(self, files: Sequence[IndexedFile]) -> dict[str, tuple[Definition, ...]]:
        """Path -> what the file defines, as indexed."""
        stored = self.stored("definitions", (file.key for file in files))
        return {file.path: definitions_from(stored.get(file.key, "")) for file in files}

    def outlines(self, files: Sequence[IndexedFile]) -> dict[str, str]:
        """Path -> outline, as indexed; "" where a file has none."""
        stored = self.stored("outline", (file.key for file in files))
        missing = [file for file in files if file.key not in stored]
        again = {
            file.key: read_content(file.path, self.text(file).encode(), file.path in self.allowed).outline
            for file in missing
        }
        return {file.path: stored.get(file.key, again.get(file.key, "")) for file in files}

    def symbols(self) -> dict[bytes, tuple[bytes, bytes]]:
        """Content key of every text file -> the names it defines and those it refers to, as `content` packs them."""
        rows = self.select(
            "SELECT c.key, c.defines, c.refers FROM files f JOIN contents c ON c.id = f.content"
            " WHERE f.root = ? AND c.problem = ''",
            (self.number,),
        )
        return {key: (defines, refers) for key, defines, refers in rows}

    def stored(self, column: str, keys: Iterable[bytes]) -> dict[bytes, Any]:
        """Content key -> one column of `contents`."""
        found: dict[bytes, Any] = {}
        for some in _runs(sorted(set(keys))):
            marks = ",".join("?" * len(some))
            found.update(self.select(f"SELECT key, {column} FROM contents WHERE key IN ({marks})", some))
        return found

    def token_counts(self, counter: str, form: str, keys: Iterable[bytes]) -> dict[bytes, int]:
        """Counts that are known for these contents in this form."""
        found: dict[bytes, int] = {}
        for some in _runs(sorted(set(keys))):
            marks = ",".join("?" * len(some))
            found.update(
                self.select(
                    f"SELECT key, tokens FROM counts WHERE counter = ? AND form = ? AND key IN ({marks})",
                    (counter, form, *some),
                )
            )
        return found

    def keep_token_counts(self, counter: str, form: str, counts: dict[bytes, int]) -> None:
        """Remember counts; losing them costs time only."""
        rows = [(key, form, counter, tokens) for key, tokens in sorted(counts.items())]
        self._keep(("INSERT OR IGNORE INTO counts VALUES (?, ?, ?, ?)", rows))

    def kept_ranking(self, digest: bytes) -> str | None:
        """What `keep_ranking` stored for this state of the files."""
        for (ranking,) in self.select("SELECT ranking FROM rankings WHERE digest = ?", (digest,)):
            return str(ranking)
        return None

    def keep_ranking(self, digest: bytes, ranking: str) -> None:
        """Remember a ranking and forget the oldest ones."""
        self._keep(
            ("INSERT OR IGNORE INTO rankings (digest, ranking) VALUES (?, ?)", [(digest, ranking)]),
            ("DELETE FROM rankings WHERE id <= (SELECT max(id) FROM rankings) - 8", [()]),
        )

    def select(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Run one reading statement. A damaged index is removed and reported."""
        with self._telling("read"):
            return self._connection.execute(statement, values).fetchall()

    @contextmanager
    def _telling(self, tried: str) -> Iterator[None]:
        """Turn what SQLite says into a RepositoryError, and remove a damaged index."""
        try:
            yield
        except sqlite3.DatabaseError as exc:
            if not _is_damage(exc):
                raise RepositoryError(f"the index {self.database} cannot be {tried} ({exc}); try again") from exc
            raise self.given_up() from exc

    def given_up(self) -> RepositoryError:
        """Close and remove an index that was found damaged; what to raise then."""
        self._connection.close()
        schema.remove(self.database)
        return RepositoryError("the index was damaged and has been removed; run the command again")

    def _keep(self, *writes: tuple[str, Iterable[Sequence[object]]]) -> None:
        """Write what may be lost, statements with their rows: a full disk or a busy database is no failure."""
        with suppress(sqlite3.OperationalError), schema.transaction(self._connection) as connection:
            for statement, rows in writes:
                connection.executemany(statement, rows)


def _is_damage(error: sqlite3.Error) -> bool:
    """Whether the file is broken, not just busy, full or out of reach: then it is made anew."""
    return type(error) in (sqlite3.DatabaseError, sqlite3.IntegrityError, sqlite3.InternalError) or "decode" in str(
        error
    )


def _runs(values: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for start in range(0, len(values), _VARIABLES):
        yield values[start : start + _VARIABLES]
