"""Options that several commands share, and the App they are answered with."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from copilot.app import App
from copilot.cli.render import Terminal
from copilot.events import Notice
from copilot.tasks.repository import Repository

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

path_option = click.option(
    "-C",
    "path",
    type=click.Path(path_type=Path),
    default=Path(),
    metavar="PATH",
    help="A folder or file in the repository; default: here.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
model_option = click.option("--model", metavar="NAME", help="An installed model's name or the path of a GGUF file.")
budget_option = click.option(
    "--budget", type=click.IntRange(min=1), metavar="TOKENS", help="At most so many tokens of repository."
)


allow_secret_option = click.option(
    "--allow-secret",
    "allowed",
    multiple=True,
    metavar="FILE",
    help="Leave what looks like a secret in this file (path from the root) as it is; may be given again.",
)


def app_at(path: Path, **flags: object) -> App:
    """The App for the repository at `path`, flags above all other settings."""
    return App.at(path, flags)


@contextmanager
def repository_at(app: App, path: Path, terminal: Terminal, allowed: tuple[str, ...] = ()) -> Iterator[Repository]:
    """The repository at `path`, opened with progress; what is odd about it is said."""
    with terminal.working(), app.repository(path, terminal.report, frozenset(allowed)) as repository:
        if repository.warning:
            terminal.notice(Notice(repository.warning, "warning"))
        yield repository
