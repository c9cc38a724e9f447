"""`copilot hook`: reviews before each commit."""

from pathlib import Path

import click

from copilot.cli.options import json_option, path_option
from copilot.cli.render import print_json
from copilot.repo.root import find_root
from copilot.review.finding import Severity
from copilot.tasks.hook import HookOptions
from copilot.tasks.hook import install as install_hook
from copilot.tasks.hook import uninstall as uninstall_hook


@click.group()
def hook() -> None:
    """Review what is staged before each commit."""


@hook.command()
@path_option
@click.option(
    "--fail-on",
    type=click.Choice([*(severity.value for severity in Severity), "never"]),
    default="high",
    show_default=True,
    help="Findings that stop a commit.",
)
@click.option(
    "--time-limit",
    type=click.IntRange(1, 3600),
    default=20,
    show_default=True,
    metavar="SECONDS",
    help="After this time what is known is shown and the commit goes on.",
)
@json_option
def install(path: Path, fail_on: str, time_limit: int, as_json: bool) -> int:
    """Add a pre-commit hook; a hook that is there already runs before it."""
    done = install_hook(find_root(path).path, HookOptions(fail_on, time_limit))
    if as_json:
        print_json({"path": str(done.path), "before": str(done.kept) if done.kept else None})
    else:
        click.echo(f"installed {done.path}" + (f"; {done.kept.name} runs before it" if done.kept else ""))
    return 0


@hook.command()
@path_option
@json_option
def uninstall(path: Path, as_json: bool) -> int:
    """Take the hook away and put back the one that was there."""
    done = uninstall_hook(find_root(path).path)
    if as_json:
        print_json({"path": str(done.path), "restored": done.kept is not None})
    else:
        click.echo(f"put back {done.path}" if done.kept else f"removed {done.path}")
    return 0
