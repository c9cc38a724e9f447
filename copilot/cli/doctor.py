"""`copilot doctor`: what is wrong with this machine, and what to do about it."""

from dataclasses import asdict
from pathlib import Path

import click
from rich.text import Text

from copilot.app import App
from copilot.cli.options import json_option, model_option
from copilot.cli.render import Terminal, clean, print_json
from copilot.engine.machine import Machine
from copilot.models import shipped_catalogue
from copilot.tasks import calibration
from copilot.tasks.doctor import Check, Patient, examine
from copilot.tasks.tiers import Contender, contenders

MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "problem": ("✗", "red")}


@click.command()
@json_option
@model_option
@click.option(
    "--measure", is_flag=True, help="Measure reading and writing with the installed model, about ten seconds."
)
@click.option(
    "--offline", is_flag=True, help="Prove that commands open no connection, by running some without a network."
)
def doctor(as_json: bool, model: str | None, measure: bool, offline: bool) -> int:
    """Check this machine: llama.cpp, processor, git, folders, model files, tier, memory, speed.

    Exit code 2 if something must be mended.
    """
    terminal = Terminal()
    app, wrong = App.despite(Path(), {"model": model})
    with terminal.working():
        if offline:
            from copilot.cli.offline import prove

            checks = prove(app.settings.model if model else None, app.settings.models_dir)
        else:
            checks = examine(_patient(app, wrong, terminal, measure))
    if as_json:
        print_json({"checks": [asdict(check) for check in checks]})
    else:
        _print(checks, terminal)
    return 2 if any(check.status == "problem" for check in checks) else 0


def _patient(app: App, wrong: tuple[str, ...], terminal: Terminal, measure: bool) -> Patient:
    machine = Machine.here()
    path = app.calibration_file
    if measure:
        calibration.keep(path, _measured(app, machine, terminal))
    return Patient(
        app.settings,
        wrong,
        machine,
        calibration.kept(path, machine),
        app.store,
        shipped_catalogue(),
        lambda: app.installed_model(terminal.report),
        lambda: app.chat_model(terminal.report),
        app.speed,
        app.hosts,
    )


def _measured(app: App, machine: Machine, terminal: Terminal) -> calibration.Calibration:
    model = app.chat_model(terminal.report)
    engine = app.bare_engine(model, min(calibration.CONTEXT_TOKENS, model.n_ctx))
    try:
        clock = calibration.own_clock(app.settings.threads or machine.cores)
        speed = calibration.measure(engine, model.card.vocab_size, clock, terminal.report)
    finally:
        engine.close()
    known = contenders(shipped_catalogue())
    measured = next((each for each in known if each.shape.weight_bytes == model.card.file_bytes), None)
    measured = measured or Contender.from_shape(model.card, ("chat",))
    return calibration.calibration_of(measured, machine, speed)


def _print(checks: list[Check], terminal: Terminal) -> None:
    for check in checks:
        mark, style = MARKS[check.status]
        terminal.out.print(Text(f"{mark} {check.name:<16}", style=style), Text(clean(check.found)))
        if check.cure:
            terminal.out.print(Text(f"  → {clean(check.cure)}", style="bold" if check.status != "ok" else "dim"))
