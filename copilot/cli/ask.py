"""`copilot ask`: one question, one streamed and cited answer."""

from pathlib import Path

import click

from copilot.cli.answer import document, show
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
from copilot.tasks.ask import Asking, Question
from copilot.tasks.ask import ask as answer_question


@click.command()
@click.argument("question")
@path_option
@json_option
@click.option("--think", is_flag=True, help="Let a model that can think do so first (slower).")
@model_option
@budget_option
@allow_secret_option
def ask(
    question: str,
    path: Path,
    as_json: bool,
    think: bool,
    model: str | None,
    budget: int | None,
    allowed: tuple[str, ...],
) -> int:
    """Answer QUESTION about the repository, with citations checked against its files.

    A repository that was never read is answered from a small map and excerpts; `copilot warm` reads all of it.
    """
    if not question.strip():
        raise click.UsageError("the question is empty; put it in quotes after `copilot ask`")
    terminal = Terminal()
    app = app_at(path, model=model)
    with repository_at(app, path, terminal, allowed) as repository:
        chat_model = app.chat_model(terminal.report)
        session = app.session(chat_model)
        try:
            prefixes = app.prefixes(repository, chat_model)
            tools = Asking(repository, prefixes, chat_model, session, app.speed(chat_model))
            asked = Question(question, think, budget, app.settings.max_answer_tokens)
            answer = show(answer_question(asked, tools, Cancel()), terminal, quiet=as_json)
        finally:
            session.close()
    if as_json:
        print_json(document(answer))
    return 0
