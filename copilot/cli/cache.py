"""`copilot cache`: what is kept on disk."""

from contextlib import suppress
from pathlib import Path

import click

from copilot.cli.options import app_at, json_option
from copilot.cli.render import print_json
from copilot.errors import HostError
from copilot.host.roster import Found, stop_all
from copilot.tasks.cache import KEPT, sizes
from copilot.tasks.cache import clear as clear_all


@click.group()
def cache() -> None:
    """What is kept on disk to answer faster; all of it may be removed at any time."""


@cache.command()
@json_option
def info(as_json: bool) -> int:
    """Show what is kept, where, and how large it is."""
    settings = app_at(Path()).settings
    large = sizes(settings.cache_dir)
    if as_json:
        print_json({"path": str(settings.cache_dir), "bytes": large, "quota_bytes": settings.cache_quota_bytes})
        return 0
    click.echo(f"{settings.cache_dir}")
    for name, (what, _) in KEPT.items():
        click.echo(f"  {name:<10} {large[name] / 1e6:>10,.1f} MB  {what}")
    click.echo(f"  quota for kv: {settings.cache_quota_gib:g} GiB (setting cache_quota_gib)")
    return 0


@cache.command()
@json_option
def clear(as_json: bool) -> int:
    """Remove everything that is kept; models stay. The engine's processes, which hold what was read, end."""
    app = app_at(Path())
    hosts: list[Found] = []
    with suppress(HostError):  # a folder that is not ours has no process of ours
        hosts = app.hosts() if app.hosts is not None else []
    stop_all(hosts)
    folder = app.settings.cache_dir
    freed = clear_all(folder)
    if as_json:
        print_json({"path": str(folder), "freed_bytes": freed})
    else:
        click.echo(f"removed {freed / 1e6:,.1f} MB from {folder}")
    return 0
