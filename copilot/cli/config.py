"""`copilot config`: the settings in force."""

from dataclasses import fields
from pathlib import Path

import click

from copilot.cli.options import app_at, json_option, path_option
from copilot.cli.render import print_json


@click.command()
@path_option
@json_option
def config(path: Path, as_json: bool) -> int:
    """Show every setting as it is in force for the repository at PATH.

    By falling precedence: flag, COPILOT_<NAME> in the environment, .copilot.toml in the repository (context_tokens and
    max_answer_tokens only), config.toml of the user, default.
    """
    settings = app_at(path).settings
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}
    if as_json:
        print_json({name: str(value) if isinstance(value, Path) else value for name, value in values.items()})
        return 0
    for name, value in values.items():
        click.echo(f"{name:<18} {'-' if value is None else value}")
    return 0
