"""`copilot models`: list, pull, find, import, verify and remove model files.

Parses, calls one verb of `copilot.models`, renders. The answer goes to stdout, progress and errors to stderr.
"""

import os
import shlex
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

import click

from copilot.app import App
from copilot.cli.options import app_at, json_option
from copilot.cli.render import Terminal, clean, print_json
from copilot.engine.machine import Machine
from copilot.errors import ModelFileError
from copilot.models import InstalledModel, by_preference, check, glance, require_usable, resolve, shipped_catalogue
from copilot.models.catalogue import Model
from copilot.models.elsewhere import found_in, usual_folders
from copilot.models.import_ import Mode, Placement
from copilot.models.pull import Source
from copilot.models.pull import pull as pull_model
from copilot.models.store import disk_errors, gigabytes
from copilot.tasks.calibration import kept
from copilot.tasks.import_model import import_model, origin_of
from copilot.tasks.tiers import Tier, advise, contenders


@click.group()
def models() -> None:
    """Model files: see, fetch, import, check and remove them."""


@models.command("list")
@json_option
def list_models(as_json: bool) -> None:
    """Show what can be pulled and what is installed."""
    app, catalogue = app_at(Path()), shipped_catalogue()
    store = app.store
    with disk_errors(store.folder):
        installed = {name: glance(name, store, catalogue) for name in by_preference(store, catalogue)}
    published = [_row(model.name, model, installed.get(model.name)) for model in catalogue.models]
    own = [_row(name, model.entry, model) for name, model in installed.items() if catalogue.find(name) is None]
    tier = _tier(app)
    rows = [{**row, "advised": _advised(row["name"], tier)} for row in published + own]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        click.echo(_line(row))
    if tier is not None:
        click.echo(f"\nfor this machine: {tier.arithmetic}", err=True)


@models.command("pull")
@click.argument("name")
@click.option("--source", type=click.Choice(get_args(Source)), default="auto", show_default=True, help="Where from.")
@json_option
def pull(name: str, source: Source, as_json: bool) -> None:
    """Fetch the published model NAME; an interrupted one goes on where it stopped."""
    with Terminal().working() as terminal:
        model = pull_model(name, app_at(Path()).store, shipped_catalogue(), source, terminal.report)
    _show(model, as_json)


@models.command("find")
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@json_option
def find(folder: Path | None, as_json: bool) -> None:
    """Show models that Ollama and LM Studio keep here, or GGUF files in FOLDER, and how to import them."""
    folders = (folder,) if folder is not None else usual_folders(Path.home(), os.environ)
    with disk_errors(folder or Path.home()):
        found = [each for place in folders for each in found_in(place)]
    if as_json:
        print_json([{**asdict(each), "path": str(each.path)} for each in found])
        return
    for each in found:
        click.echo(f"{gigabytes(each.bytes):>8}  copilot models import {clean(shlex.quote(each.name))}")
    if not found:
        click.echo("no models of other programs were found", err=True)


@models.command("import")
@click.argument("file")
@click.option("--name", help="Name to install it under; default: the catalogue's, else the file's own.")
@click.option("--link", type=click.Choice(["hardlink", "symlink"]), help="Link the file instead of copying it.")
@json_option
def import_command(file: str, name: str | None, link: Mode | None, as_json: bool) -> None:
    """Install the GGUF file FILE, a model in several parts, the one model in a folder, or one that `find` shows."""
    app = app_at(Path())
    origin = origin_of(file, lambda: usual_folders(Path.home(), os.environ))
    placement = Placement(name=name, mode=link or "copy")
    with Terminal().working() as terminal:
        model = import_model(origin, app.store, shipped_catalogue(), placement, terminal.report)
    _show(model, as_json)


@models.command("verify")
@click.argument("name", required=False)
@json_option
def verify(name: str | None, as_json: bool) -> int:
    """Hash the installed model NAME, or all of them; exit code 3 if one must not be used."""
    store, catalogue = app_at(Path()).store, shipped_catalogue()
    names = (name,) if name is not None else by_preference(store, catalogue)
    checked = []
    with disk_errors(store.folder), Terminal().working() as terminal:
        for each in names:
            checked.append(check(each, store, catalogue, terminal.report, rehash=True))
    if as_json:
        print_json([_document(model) for model in checked])
    else:
        for model in checked:
            click.echo(f"{model.status:<10} {model.name}  {model.sha256 or '-'}")
    for model in checked:
        try:
            require_usable(model)
        except ModelFileError as error:
            click.echo(f"copilot: {error}", err=True)
    return 0 if all(model.usable for model in checked) else ModelFileError.exit_code


@models.command("remove")
@click.argument("name")
@json_option
def remove(name: str, as_json: bool) -> None:
    """Delete the installed model NAME, or what an interrupted pull of it left."""
    store = app_at(Path()).store
    with disk_errors(store.folder):
        freed = store.remove(name)
    if as_json:
        print_json({"name": name, "freed_bytes": freed})
    else:
        click.echo(f"removed {name} ({gigabytes(freed)})")


@models.command("path")
@click.argument("name", required=False)
@json_option
def path(name: str | None, as_json: bool) -> None:
    """Print the path of the model NAME, or of the default chat model, once its bytes are known to be right."""
    with Terminal().working() as terminal:
        model = resolve(name, app_at(Path()).store, shipped_catalogue(), report=terminal.report)
    if as_json:
        print_json(_document(model))
    else:
        click.echo(str(model.path))


def _row(name: str, entry: Model | None, installed: InstalledModel | None) -> dict[str, Any]:
    roles = installed.roles if installed is not None else entry.roles if entry is not None else ()
    return {
        "name": name,
        "roles": list(roles),
        "installed": installed is not None,
        "status": installed.status if installed is not None else None,
        "path": str(installed.path) if installed is not None else None,
        "bytes": installed.bytes if installed is not None else entry.bytes if entry is not None else 0,
        "context": entry.context if entry is not None else None,
        "licence": entry.licence if entry is not None else None,
        "pinned": entry is not None and entry.sha256 is not None,
    }


def _line(row: Mapping[str, Any]) -> str:
    mark = "*" if row["installed"] else " "
    state = row["status"] if row["installed"] else f"copilot models pull {row['name']}"
    roles, context = ", ".join(row["roles"]), f"{row['context'] // 1024}K" if row["context"] else "-"
    advised = f"  <- {' and '.join(row['advised'])} here" if row["advised"] else ""
    return (
        f"{mark} {row['name']:<20} {gigabytes(row['bytes']):>8}  {context:>5}  {roles:<16}  "
        f"{row['licence'] or '-':<10}  {state}{advised}"
    )


def _tier(app: App) -> Tier | None:
    """What this machine could run best, by what was measured on it where something was."""
    machine = Machine.here()
    measured = kept(app.calibration_file, machine)
    return advise(machine, contenders(shipped_catalogue()), measured.rates if measured else None).tier


def _advised(name: str, tier: Tier | None) -> list[str]:
    """The roles in which a model is the best for this machine."""
    if tier is None:
        return []
    chosen = {"chat": tier.chat.model.name, "completion": tier.completion_model.name}
    return [role for role, model in chosen.items() if model == name]


def _document(model: InstalledModel) -> dict[str, Any]:
    row = _row(model.name, model.entry, model)
    return {**row, "sha256": model.sha256, "usable": model.usable}


def _show(model: InstalledModel, as_json: bool) -> None:
    if as_json:
        print_json(_document(model))
        return
    pin = "" if model.status == "ok" else ", no published digest"
    click.echo(f"{model.name}: {model.path} ({gigabytes(model.bytes)}{pin})")
