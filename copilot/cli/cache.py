"""`copilot cache`: what is kept on disk."""

from contextlib import suppress
from pathlib import Path

import click

from copilot.cli.options import app_at, json_option
from copilot.cli.render import print_json
from copilot.errors import HostError, UsageError
from copilot.host.roster import stop as stop_host

KEPT = {
    "kv": ("stored KV segments: the repositories that were read", ("*/*.kv", "*/*.win", "*/*.tmp")),
    "prefixes": ("the packs that were read", ("*.json", ".*")),
    "index": ("the index of repositories", ("index.sqlite3*",)),
    "reviews": ("what reviews found", ("findings.sqlite3*",)),
    "cards": ("what is known of model files, and their vocabularies", ("*.json", "*.npz", "vocabulary-*", ".*")),
    "completion": ("which suggestions were taken", ("*.json", ".*")),
    "host": ("what the engine's process noted", ("*.log", "*.err")),
}
"""Folders in the cache, what they hold, and the files in them that are ours to delete."""
SINGLE = ("speed.json", "machine.json", ".speed.json-*", ".machine.json-*")
"""Small files beside them: measured speeds, and what a crash left of them."""


@click.group()
def cache() -> None:
    """What is kept on disk to answer faster; all of it may be removed at any time."""


@cache.command()
@json_option
def info(as_json: bool) -> int:
    """Show what is kept, where, and how large it is."""
    app = app_at(Path())
    sizes = {name: _size_bytes(app.settings.cache_dir / name) for name in KEPT}
    if as_json:
        print_json({"path": str(app.settings.cache_dir), "bytes": sizes, "quota_bytes": app.settings.cache_quota_bytes})
        return 0
    click.echo(f"{app.settings.cache_dir}")
    for name, (what, _) in KEPT.items():
        click.echo(f"  {name:<10} {sizes[name] / 1e6:>10,.1f} MB  {what}")
    click.echo(f"  quota for kv: {app.settings.cache_quota_gib:g} GiB (setting cache_quota_gib)")
    return 0


@cache.command()
@json_option
def clear(as_json: bool) -> int:
    """Remove everything that is kept; models stay. The engine's processes, which hold what was read, end."""
    app = app_at(Path())
    with suppress(HostError):  # a folder that is not ours has no process of ours
        for found in app.hosts() if app.hosts is not None else ():
            stop_host(found)
    folder = app.settings.cache_dir
    ours = [path for name in KEPT for path in _ours(folder, name)] + [
        path for name in SINGLE for path in folder.glob(name)
    ]
    freed = sum(path.stat().st_size for path in ours if path.is_file())
    for path in ours:
        _remove(path)
    for name in KEPT:
        for emptied in (*(folder / name).glob("*/"), folder / name):
            with suppress(OSError):
                emptied.rmdir()
    with suppress(OSError):  # it holds something that is not ours
        folder.rmdir()
    if as_json:
        print_json({"path": str(folder), "freed_bytes": freed})
    else:
        click.echo(f"removed {freed / 1e6:,.1f} MB from {folder}")
    return 0


def _ours(folder: Path, name: str) -> list[Path]:
    return [path for pattern in KEPT[name][1] for path in (folder / name).glob(pattern) if path.is_file()]


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as exc:
        raise UsageError(f"{path} cannot be removed ({exc.strerror}); mend its rights and try again") from exc


def _size_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
