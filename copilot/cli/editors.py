"""`copilot editors`: which editors are here, what to put into their configuration, and putting it there."""

import sys
from typing import Any

import click

from copilot.cli.options import json_option
from copilot.cli.render import print_json
from copilot.errors import UsageError
from copilot.tasks.editor_catalogue import Editor, here
from copilot.tasks.editors import (
    PROGRAM,
    Detected,
    PlannedFile,
    detect,
    editor_named,
    example,
    extension_of,
    named_program,
    planned,
    write,
)


@click.command()
@click.argument("name", required=False)
@click.option("--write", "is_writing", is_flag=True, help="Put the files in place; nothing of yours is overwritten.")
@click.option("--yes", is_flag=True, help="Replace files of another version without asking.")
@json_option
def editors(name: str | None, is_writing: bool, yes: bool, as_json: bool) -> int:
    """List editors, print the configuration for one, or install it with --write."""
    if name is None:
        if is_writing:
            raise UsageError("--write needs an editor's name, such as `copilot editors neovim --write`")
        _list(as_json)
        return 0
    editor = editor_named(name)
    if is_writing:
        _write(editor, yes, as_json)
    else:
        _show(editor, as_json)
    return 0


def _list(as_json: bool) -> None:
    found = detect(here())
    if as_json:
        print_json({"editors": [_document(each) for each in found]})
        return
    for each in found:
        state = "not found" if each.program is None else each.version or "found"
        note = "set up" if each.is_set_up else f"copilot editors {each.editor.name}"
        click.echo(f"{each.editor.title:<15} {state:<12} {note:<26} {each.editor.shows}")


def _document(each: Detected) -> dict[str, Any]:
    return {
        "name": each.editor.name,
        "title": each.editor.title,
        "program": str(each.program) if each.program else None,
        "version": each.version,
        "config": str(each.config),
        "config_exists": each.has_config,
        "set_up": each.is_set_up,
        "shows": each.editor.shows,
    }


def _next(editor: Editor) -> str:
    """What is left for the user to do."""
    if editor.target is not None:
        return editor.then
    extension = extension_of(editor)
    if extension is None:
        return f"build and install the extension in editors/{editor.name} of the sources, as its README says"
    return f"{editor.programs[0]} --install-extension {extension}"


def _show(editor: Editor, as_json: bool) -> None:
    files, text = planned(editor, here()), example(editor)
    if as_json:
        print_json(_plan(editor, files) | {"configuration": text})
        return
    click.echo(text or _next(editor), nl=not text.endswith("\n"))
    if files:
        goes = sorted({file.target.parent for file in files})[0]
        click.echo(f"`copilot editors {editor.name} --write` puts {len(files)} files into {goes}", err=True)
        click.echo(f"then: {editor.then}", err=True)


def _plan(editor: Editor, files: list[PlannedFile]) -> dict[str, Any]:
    return {
        "name": editor.name,
        "files": [{"source": str(file.source), "target": str(file.target), "state": file.state} for file in files],
        "next": _next(editor),
    }


def _write(editor: Editor, yes: bool, as_json: bool) -> None:
    files = planned(editor, here())
    if not files:
        raise UsageError(f"{editor.title} installs its extension itself: {_next(editor)}")
    changed = [file for file in files if file.state == "different"]
    if changed and editor.owns and not yes:
        _ask(editor, changed)
    written = write(editor, files)
    if as_json:
        print_json(_plan(editor, planned(editor, here())) | {"written": [str(path) for path in written]})
        return
    for path in written:
        click.echo(f"wrote {path}")
    if not written:
        click.echo("all files are in place already")
    click.echo(f"then: {editor.then}", err=True)
    if (program := named_program()) != PROGRAM:
        click.echo(f"`copilot` is not on PATH: name it {program}, as `copilot editors {editor.name}` shows", err=True)


def _ask(editor: Editor, changed: list[PlannedFile]) -> None:
    first = f"{changed[0].target} differs from this version's"
    more = f", and {len(changed) - 1} more" if len(changed) > 1 else ""
    if not sys.stdin.isatty():
        raise UsageError(f"{first}{more}; `copilot editors {editor.name} --write --yes` replaces them")
    if not click.confirm(f"{first}{more}. Replace?", err=True):
        raise UsageError("nothing was written; answer yes, or add --yes, to replace the files")
