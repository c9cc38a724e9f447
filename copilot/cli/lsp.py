"""`copilot lsp`: the language server on stdin and stdout."""

from importlib import import_module

import click


@click.command()
@click.option("--stdio", is_flag=True, help="Speak over stdin and stdout; there is no other way.")
@click.option("--clientProcessId", "client", hidden=True, help="Some clients say it; `initialize` says it, too.")
def lsp(stdio: bool, client: str | None) -> int:
    """The language server, for editors: suggestions, findings, questions (docs/editors.md).

    An editor starts it; it serves until the editor leaves.
    """
    code = import_module("lsp.start").main([])
    assert isinstance(code, int)
    return code
