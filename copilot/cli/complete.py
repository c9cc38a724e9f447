"""`copilot complete`: what could stand at a place in a file."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import TextIO

import click

from copilot.app import App
from copilot.cli.options import app_at, json_option, model_option, repository_at
from copilot.cli.render import Terminal, print_json
from copilot.engine.base import Cancel
from copilot.errors import UsageError
from copilot.events import Notice
from copilot.repo.secrets import is_secret
from copilot.tasks.complete import Completer, Cursor, Suggestion
from copilot.tasks.complete.place import at_byte, at_line, byte_at
from copilot.tasks.repository import Repository


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--line", type=click.IntRange(min=1), metavar="L", help="The cursor's line, from 1.")
@click.option("--column", type=click.IntRange(min=1), metavar="C", help="Its column, from 1, in characters.")
@click.option("--offset", type=click.IntRange(min=0), metavar="N", help="Or its place in bytes of UTF-8, from 0.")
@click.option("--stdin", "from_stdin", is_flag=True, help="Read the file's content from stdin.")
@click.option("-C", "path", type=click.Path(path_type=Path), metavar="PATH", help="A folder of the repository.")
@json_option
@click.option(
    "--batch",
    type=click.File("r", encoding="utf-8", errors="replace"),
    metavar="FILE",
    help='JSON lines {"id", "path", "offset" or "line" and "column", "text"?, "suffix_offset"?}; - for stdin.',
)
@model_option
def complete(
    file: Path | None,
    line: int | None,
    column: int | None,
    offset: int | None,
    from_stdin: bool,
    path: Path | None,
    as_json: bool,
    batch: TextIO | None,
    model: str | None,
) -> int:
    """Complete FILE at a place, or many places one after the other with --batch."""
    if (file is None) == (batch is None):
        raise click.UsageError("give a FILE or --batch FILE, one of the two")
    place = {"offset": offset} if offset is not None else {"line": line, "column": column}
    if file is not None and ((offset is None) == (line is None) or (line is None) != (column is None)):
        raise click.UsageError("give --offset, or --line and --column")
    terminal = Terminal()
    folder = path or (file.absolute().parent if file is not None else Path())
    app = app_at(folder, completion_model=model)
    with _completer(app, folder, terminal) as (completer, repository):
        if batch is not None:
            _answer_lines(batch, completer, repository)
            return 0
        assert file is not None, "one of the two is given"
        asked: dict[str, object] = {"path": _path_in(repository, file), **place}
        if from_stdin:
            asked["text"] = sys.stdin.buffer.read().decode("utf-8", "replace")
        cursor = _cursor(asked, repository, automatic=False)
        suggestion = completer.complete(cursor, Cancel())
        terminal.stop_progress()
        _show(suggestion, cursor, terminal, as_json=as_json)
    return 0


@contextmanager
def _completer(app: App, folder: Path, terminal: Terminal) -> Iterator[tuple[Completer, Repository]]:
    with repository_at(app, folder, terminal) as repository:
        chosen = app.completion_model(terminal.report)
        session = app.session(chosen)
        completer = app.completer(repository, chosen, session, ahead=False)
        try:
            yield completer, repository
        finally:
            completer.close()
            session.close()


def _answer_lines(batch: TextIO, completer: Completer, repository: Repository) -> None:
    """One JSON line out for each line in, in order."""
    for number, line in enumerate(batch, 1):
        if not line.strip():
            continue
        try:
            asked = json.loads(line)
            if not isinstance(asked, dict):
                raise ValueError("it is no object")
            cursor = _cursor(asked, repository, automatic=asked.get("automatic") is not False)
        except (ValueError, TypeError, KeyError, RecursionError, UsageError) as exc:
            raise UsageError(f"line {number} of --batch cannot be answered: {exc}; `copilot complete --help`") from exc
        print_json({"id": asked.get("id"), **_document(completer.complete(cursor, Cancel()), cursor)})
        sys.stdout.flush()


def _cursor(asked: Mapping[str, object], repository: Repository, *, automatic: bool) -> Cursor:
    path = str(asked["path"])
    given = asked.get("text")
    if is_secret(path) and not isinstance(given, str):
        return Cursor(path, "", 0)  # it is refused, unread
    text = given if isinstance(given, str) else _content(path, repository)
    if "offset" in asked:
        offset = at_byte(text, _number(asked, "offset"))
    else:
        offset = at_line(text, _number(asked, "line"), _number(asked, "column"))
    end = at_byte(text, _number(asked, "suffix_offset")) if asked.get("suffix_offset") is not None else None
    if end is not None and end < offset:
        raise UsageError("suffix_offset is before the cursor")
    return Cursor(path, text, offset, end, automatic)


def _number(asked: Mapping[str, object], name: str) -> int:
    value = asked.get(name)
    if type(value) is not int:
        raise UsageError(f"{name} is not a whole number")
    return value


def _content(path: str, repository: Repository) -> str:
    """A file's text."""
    pure = PurePosixPath(path)
    file = repository.root / pure
    if pure.is_absolute() or ".." in pure.parts or not file.is_file():
        raise UsageError(f"there is no file {path} in {repository.root}")
    try:
        return file.read_bytes().decode("utf-8")
    except UnicodeDecodeError as exc:
        raise UsageError(f"{path} is not UTF-8 text; convert it, or give its text with --stdin") from exc


def _path_in(repository: Repository, file: Path) -> str:
    try:
        return file.resolve().relative_to(repository.root).as_posix()
    except ValueError as exc:
        raise UsageError(f"{file} is not in {repository.root}; name its repository with -C PATH") from exc


def _document(suggestion: Suggestion, cursor: Cursor) -> dict[str, object]:
    return {
        "text": suggestion.text,
        "replace_end_offset": byte_at(cursor.text, suggestion.replace_end),
        "reason": suggestion.reason,
        "confidence": None if suggestion.confidence is None else round(suggestion.confidence, 4),
        "usage": asdict(suggestion.usage),
    }


def _show(suggestion: Suggestion, cursor: Cursor, terminal: Terminal, *, as_json: bool) -> None:
    if as_json:
        print_json({"id": None, **_document(suggestion, cursor)})
    elif suggestion.text:
        sys.stdout.write(suggestion.text + "\n")
    else:
        terminal.notice(Notice(f"nothing to offer here ({suggestion.reason})"))
