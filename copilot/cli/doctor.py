"""`copilot doctor`: what is wrong with this machine, and what to do about it."""

from dataclasses import asdict
from pathlib import Path

import click
from rich.text import Text

from copilot.cli.options import app_at, json_option, model_option
from copilot.cli.render import Terminal, clean, print_json
from copilot.tasks.doctor import Patient, examine

MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "problem": ("✗", "red")}


@click.command()
@json_option
@model_option
def doctor(as_json: bool, model: str | None) -> int:
    """Check this machine: llama.cpp, git, folders, model, memory, speed. Exit code 2 if something must be mended."""
    terminal = Terminal()
    app = app_at(Path(), model=model)
    with terminal.working():
        patient = Patient(
            app.settings,
            lambda: app.installed_model(terminal.report),
            lambda: app.chat_model(terminal.report),
            app.speed,
            app.hosts,
        )
        checks = examine(patient)
    if as_json:
        print_json({"checks": [asdict(check) for check in checks]})
    else:
        for check in checks:
            mark, style = MARKS[check.status]
            terminal.out.print(Text(f"{mark} {check.name:<14}", style=style), Text(clean(check.found)))
            if check.cure:
                terminal.out.print(Text(f"  → {clean(check.cure)}", style="bold"))
    return 2 if any(check.status == "problem" for check in checks) else 0
