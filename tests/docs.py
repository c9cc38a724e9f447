"""`python -m tests.docs`: write docs/commands.md anew from the commands themselves; a test holds it to be current."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from copilot.cli import copilot

PATH = Path(__file__).parent.parent / "docs" / "commands.md"
COLUMNS = 100
HEAD = """# Commands

What `--help` says, for every command. Made by `python -m tests.docs`; do not edit. Settings and exit codes are in the
[README](../README.md), models in [models.md](models.md), cures in [troubleshooting.md](troubleshooting.md).
"""


def rendered() -> str:
    """The whole page."""
    return "\n".join([HEAD, *_sections(copilot, None, "copilot")])


def _sections(command: click.Command, parent: click.Context | None, name: str) -> Iterator[str]:
    settings = {**command.context_settings, "terminal_width": COLUMNS, "max_content_width": COLUMNS}
    context = click.Context(command, parent, info_name=name, **settings)
    path = context.command_path
    yield f"{'##' if parent is None or parent.parent is None else '###'} {path}\n"
    yield f"```text\n{command.get_help(context).rstrip()}\n```\n"
    if isinstance(command, click.Group):
        for each in command.list_commands(context):
            below = command.get_command(context, each)
            assert below is not None, each
            yield from _sections(below, context, each)


if __name__ == "__main__":
    PATH.write_text(rendered(), encoding="utf-8")
    sys.stdout.write(f"wrote {PATH}\n")
