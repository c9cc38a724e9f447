"""`copilot warm`: read the repository once."""

from contextlib import closing
from pathlib import Path

import click

from copilot.cli.options import (
    allow_secret_option,
    app_at,
    budget_option,
    json_option,
    model_option,
    path_option,
    repository_at,
)
from copilot.cli.render import Terminal, print_json
from copilot.engine.base import Cancel
from copilot.events import Notice, Progress
from copilot.tasks.prefix import Prefix, prefix_budget
from copilot.tasks.warm import Warmed
from copilot.tasks.warm import warm as warm_prefix


@click.command()
@path_option
@budget_option
@allow_secret_option
@json_option
@model_option
def warm(path: Path, budget: int | None, as_json: bool, model: str | None, allowed: tuple[str, ...]) -> int:
    """Read the repository once and keep it, in memory-sized segments on disk, for every later question.

    An interrupted reading goes on where it stopped.
    """
    terminal = Terminal()
    app = app_at(path, model=model)
    with repository_at(app, path, terminal, allowed) as repository:
        chat_model = app.chat_model(terminal.report)
        whole = prefix_budget(chat_model, app.settings.max_answer_tokens)
        session = app.session(chat_model)
        prefix = app.prefixes(repository, chat_model).full(min(budget or whole, whole), session)
        warmed: Warmed | None = None
        try:
            with closing(warm_prefix(prefix, session, app.speed(chat_model), Cancel())) as events:
                for event in events:
                    match event:
                        case Progress():
                            terminal.report(event)
                        case Notice():
                            terminal.notice(event)
                        case Warmed():
                            warmed = event
        finally:
            session.close()
    assert warmed is not None, "warming ends with Warmed"
    _show(warmed, prefix, as_json=as_json)
    return 0


def _show(warmed: Warmed, prefix: Prefix, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "tokens": warmed.tokens,
                "reused_tokens": warmed.reused_tokens,
                "evaluated_tokens": warmed.evaluated_tokens,
                "prefill_ms": warmed.prefill_ms,
                "segments": warmed.segments,
                "bytes": warmed.size_bytes,
            }
        )
    else:
        forms = [sum(held == form for held in prefix.forms.values()) for form in ("full", "outline", "path")]
        click.echo(
            f"{warmed.tokens:,} tokens kept ({warmed.evaluated_tokens:,} read, {warmed.reused_tokens:,} reused): "
            f"{forms[0]} files in full, {forms[1]} outlined, {forms[2]} named; "
            f"{warmed.segments} segments, {warmed.size_bytes / 1e6:,.0f} MB"
        )
