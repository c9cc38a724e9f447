"""`copilot host`: the engine's process."""

from dataclasses import asdict
from pathlib import Path

import click

from copilot import __version__
from copilot.cli.options import app_at, json_option
from copilot.cli.render import clean, print_json
from copilot.host.roster import Found, find, stop_all
from copilot.tasks.speed import duration


@click.group()
def host() -> None:
    """The engine's process: it keeps the model and what was read in memory, for every command and editor."""


@host.command()
@json_option
def status(as_json: bool) -> int:
    """Show which models are loaded, what they hold, and what they work on."""
    hosts = find(app_at(Path()).runtime_folder)
    if as_json:
        print_json({"hosts": [_document(found) for found in hosts]})
        return 0
    for found in hosts:
        click.echo("\n".join(_lines(found)))
    if not hosts:
        click.echo("no engine runs; the next question starts one")
    return 0


@host.command()
@json_option
def stop(as_json: bool) -> int:
    """End it at once and free its memory; what was read stays on disk."""
    hosts = find(app_at(Path()).runtime_folder)
    stop_all(hosts)
    if as_json:
        print_json({"stopped": [found.pid or None for found in hosts]})
    else:
        for found in hosts:
            click.echo(f"stopped {found.title}")
    return 0


@host.command()
@click.option("-n", "lines", type=click.IntRange(min=1), default=40, help="So many lines of each log; default: 40.")
def log(lines: int) -> int:
    """Show the end of what the engine's processes noted: times and outcomes, no code and no questions."""
    folder = app_at(Path()).log_folder
    for path in sorted(folder.glob("*.log")) + sorted(folder.glob("*.err")):
        kept = path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
        if kept:
            click.echo(f"{path}:")
        for line in kept:
            click.echo(f"  {clean(line)}")
    return 0


def _document(found: Found) -> dict[str, object]:
    if found.status is None:
        told: dict[str, object] = {"pid": found.pid or None, "answers": False}
        return told if found.version is None else told | {"version": found.version}
    return {"answers": True, **asdict(found.status)}


def _lines(found: Found) -> list[str]:
    status = found.status
    if status is None:
        way_out = "`copilot host stop` ends it" if found.pid else "end it with the system's own means"
        return [f"{found.title} {_silence(found)}; {way_out}"]
    speed = f", reads {status.tokens_per_s:.0f} tokens/s" if status.tokens_per_s else ""
    work = f"{status.running} running, {status.queued} waiting" if status.running or status.queued else "idle"
    lines = [
        f"{clean(status.model)}: process {status.pid}, version {clean(status.version)}, "
        f"up {duration(status.uptime_s)}, {status.memory_bytes / (1 << 30):.1f} GiB, {work}{speed}"
    ]
    for held in status.prefixes:
        age = "" if held.last_used_s is None else f", used {duration(held.last_used_s)} ago"
        lines.append(f"  holds {held.tokens:,} tokens{age}")
    return lines


def _silence(found: Found) -> str:
    """Why it does not tell how it is."""
    if found.version is None:
        return "does not answer"
    other = "" if found.version == __version__ else f" is of version {clean(found.version) or 'unknown'} and"
    return f"{other} does not tell how it is".strip()
