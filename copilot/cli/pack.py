"""`copilot pack`: the prefix as the model would see it, and why each file is in it."""

import json
import sys
from pathlib import Path

import click
from click.core import ParameterSource

from copilot.app import App
from copilot.cli.options import allow_secret_option, app_at, repository_at
from copilot.cli.render import Terminal, clean
from copilot.errors import UsageError
from copilot.repo.forms import shown
from copilot.repo.pack import Pack, PackRequest
from copilot.tasks.repository import Repository

TIERS = {"e2b": 131_072, "e4b": 131_072, "12b": 262_144, "26b": 262_144, "31b": 262_144}
"""Contexts of the Gemma 4 tiers, in tokens (Google's model card)."""


@click.command()
@click.argument("path", type=click.Path(path_type=Path), default=Path())
@click.option("--tier", type=click.Choice(sorted(TIERS)), help="The budget of a Gemma 4 tier.")
@click.option("--budget", type=click.IntRange(min=1), metavar="TOKENS", help="At most so many tokens.")
@click.option("--tokenizer", metavar="MODEL", help="Count with this model's vocabulary; default: the chat model's.")
@click.option("--format", "form", type=click.Choice(["markdown", "json"]), default="markdown", show_default=True)
@click.option("--json", "form", flag_value="json", help="The same as --format json.")
@click.option("-o", "output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
@click.option("--explain", is_flag=True, help="Why each file is in, in which form and at what price.")
@click.option(
    "--html",
    "html",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write what --explain tells, with a map of the budget, as one page for a browser.",
)
@allow_secret_option
@click.pass_context
def pack(
    ctx: click.Context,
    path: Path,
    tier: str | None,
    budget: int | None,
    tokenizer: str | None,
    form: str,
    output: Path | None,
    explain: bool,
    html: Path | None,
    allowed: tuple[str, ...],
) -> int:
    """Pack the repository at PATH into one text of exactly counted tokens."""
    if tier and budget:
        raise click.UsageError("give --tier or --budget, one of the two")
    if html and output and html.absolute() == output.absolute():
        raise click.UsageError("-o and --html name the same file; name two")
    if explain and output:
        raise click.UsageError("-o writes the pack, --explain shows an account of it; give one of the two")
    terminal = Terminal()
    app = app_at(path, model=tokenizer)
    with repository_at(app, path, terminal, allowed) as repository:
        asked_for = TIERS[tier] if tier else budget
        if asked_for:
            request = PackRequest(asked_for, repository.history, "full")
            packed = repository.pack(request, app.tokenizer(terminal.report))
        else:
            packed = _as_warmed(app, repository, terminal)
    if html:
        from copilot.cli.pack_page import page

        _save(html, page(packed).encode(), "--html")
        terminal.err.print(f"wrote {clean(str(html))}: {_spent(packed)}", markup=False, soft_wrap=True)
        if not (output or explain or ctx.get_parameter_source("form") is ParameterSource.COMMANDLINE):
            return 0
    if explain and form == "markdown":
        _explain(packed, terminal)
        return 0
    text = json.dumps(packed.to_json(), ensure_ascii=False) + "\n" if form == "json" else packed.text
    _write(text, output)
    return 0


def _as_warmed(app: App, repository: Repository, terminal: Terminal) -> Pack:
    """What `copilot warm` would read."""
    from copilot.tasks.prefix import prefix_budget

    model = app.chat_model(terminal.report)
    return app.prefixes(repository, model).pack(prefix_budget(model, app.settings.max_answer_tokens))


def _write(text: str, output: Path | None) -> None:
    encoded = text.encode("utf-8", "surrogateescape")
    if output is None and sys.stdout.isatty():
        sys.stdout.write(clean(text))  # files may hold what steers a terminal; a pipe gets them as they are
        return
    if output is None:
        sys.stdout.buffer.write(encoded)
        return
    _save(output, encoded, "-o")


def _save(path: Path, content: bytes, option: str) -> None:
    try:
        path.write_bytes(content)
    except OSError as exc:
        raise UsageError(f"{path} cannot be written ({exc.strerror}); name another file with {option}") from exc


def _spent(packed: Pack) -> str:
    return f"{packed.tokens:,} of {packed.budget_tokens:,} tokens ({packed.tokenizer})"


def _explain(packed: Pack, terminal: Terminal) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, justify in (("rank", "right"), ("tokens", "right"), ("form", "left"), ("path", "left"), ("why", "left")):
        table.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for path, form, tokens, rank, reasons in packed.explain():
        table.add_row(f"{rank:.4f}", f"{tokens:,}", form, Text(shown(path)), Text(shown(reasons), style="dim"))
    terminal.out.print(table)
    terminal.out.print(f"\n{_spent(packed)}", style="bold")
    for skipped in packed.skipped:
        terminal.out.print(Text(f"skipped {shown(skipped.path)}: {skipped.reason}", style="dim"))
    for redaction in packed.redactions:
        terminal.out.print(Text(f"redacted {shown(redaction.path)}:{redaction.line}: {redaction.kind}", style="dim"))
