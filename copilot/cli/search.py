"""`copilot search`: ranked places, no model needed."""

import json
import sys
from pathlib import Path
from typing import TextIO

import click
from rich.text import Text

from copilot.cli.options import app_at, json_option, path_option, repository_at
from copilot.cli.render import Terminal, clean, print_json
from copilot.errors import UsageError
from copilot.repo.search import Hit
from copilot.tasks.repository import Repository


@click.command()
@click.argument("query", required=False)
@path_option
@click.option("-k", "k", type=click.IntRange(1, 200), default=10, show_default=True, help="How many places.")
@json_option
@click.option(
    "--batch",
    type=click.File("r", encoding="utf-8", errors="replace"),
    metavar="FILE",
    help='JSON lines {"id", "query"}; - for stdin.',
)
def search(query: str | None, path: Path, k: int, as_json: bool, batch: TextIO | None) -> int:
    """Find the places in the repository that QUERY is about: names, words or a sentence."""
    if (query is None) == (batch is None):
        raise click.UsageError("give a QUERY or --batch FILE, one of the two")
    terminal = Terminal()
    with repository_at(app_at(path), path, terminal) as repository:
        terminal.stop_progress()
        if batch is not None:
            _answer_lines(batch, repository, k)
        else:
            hits = repository.search(query or "", k)
            if as_json:
                print_json({"hits": [_document(hit) for hit in hits]})
            else:
                _print(hits, repository, terminal)
    return 0


def _answer_lines(batch: TextIO, repository: Repository, k: int) -> None:
    """One JSON line out for each line in, in order."""
    for number, line in enumerate(batch, 1):
        if not line.strip():
            continue
        try:
            asked = json.loads(line)
            query = asked["query"]
        except (ValueError, TypeError, KeyError, RecursionError) as exc:
            raise UsageError(f'line {number} of --batch is not a JSON object {{"id", "query"}}: {exc}') from exc
        print_json({"id": asked.get("id"), "hits": [_document(hit) for hit in repository.search(str(query), k)]})
        sys.stdout.flush()


def _document(hit: Hit) -> dict[str, object]:
    return {
        "path": hit.path,
        "start_line": hit.start_line,
        "end_line": hit.end_line,
        "symbol": hit.symbol,
        "score": round(hit.score, 3),
    }


def _print(hits: list[Hit], repository: Repository, terminal: Terminal) -> None:
    for hit in hits:
        place = Text(clean(f"{hit.path}:{hit.start_line}-{hit.end_line}"), style="bold cyan")
        terminal.out.print(place, Text(clean(hit.symbol), style="green"), soft_wrap=True)
        lines = repository.lines(hit.path) or ()
        first = next((line for line in lines[hit.start_line - 1 : hit.end_line] if line.strip()), "")
        terminal.out.print(Text("    " + clean(first.strip())[:160], style="dim"), soft_wrap=True)
    if not hits:
        terminal.err.print("nothing found; try other words or a name from the code", style="dim")
