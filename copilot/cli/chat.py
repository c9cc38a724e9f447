"""`copilot chat`: questions and answers about the repository, each knowing those before it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
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
from copilot.events import Notice
from copilot.tasks.ask import Answer, Asking, Question, ask

PROMPT = "> "


@click.command()
@path_option
@json_option
@click.option("--think", is_flag=True, help="Let a model that can think do so first (slower).")
@model_option
@budget_option
@allow_secret_option
def chat(
    path: Path, as_json: bool, think: bool, model: str | None, budget: int | None, allowed: tuple[str, ...]
) -> int:
    """Talk about the repository: every question may refer to what was said before.

    Ctrl-C stops an answer, Ctrl-D ends the conversation. From a pipe, each line is a question.
    """
    terminal = Terminal()
    app = app_at(path, model=model)
    with repository_at(app, path, terminal, allowed) as repository:
        chat_model = app.chat_model(terminal.report)
        session = app.session(chat_model)
        tools = Asking(repository, app.prefixes(repository, chat_model), chat_model, session, app.speed(chat_model))

        def answered(text: str, history: tuple[tuple[str, str], ...]) -> Answer:
            repository.refresh()
            asked = Question(text, think, budget, app.settings.max_answer_tokens, history)
            with terminal.working():
                return show(ask(asked, tools, Cancel()), terminal, quiet=as_json)

        terminal.stop_progress()
        try:
            _converse(_questions(terminal), answered, terminal, as_json=as_json)
        finally:
            session.close()
    return 0


def _converse(
    questions: Iterator[str],
    answered: Callable[[str, tuple[tuple[str, str], ...]], Answer],
    terminal: Terminal,
    *,
    as_json: bool,
) -> None:
    history: tuple[tuple[str, str], ...] = ()
    for text in questions:
        try:
            answer = answered(text, history)
        except KeyboardInterrupt:
            if not sys.stdin.isatty():
                raise
            terminal.stop_progress()
            terminal.notice(Notice("stopped; the conversation goes on without this question"))
            continue
        if as_json:
            print_json(document(answer))
            sys.stdout.flush()
        history = (*history, (text, answer.text))


def _questions(terminal: Terminal) -> Iterator[str]:
    """What the user types, or the lines of a pipe; nothing of blank lines."""
    typed = sys.stdin.isatty()
    if typed:
        with suppress(ImportError):  # editing of lines and earlier ones, where the platform has it
            import readline  # noqa: F401
        terminal.notice(Notice("ask about the repository; Ctrl-C stops an answer, Ctrl-D ends"))
    while True:
        try:
            line = input(PROMPT) if typed else _line()
        except EOFError:
            return
        except KeyboardInterrupt:
            if not typed:
                raise
            terminal.out.print()
            continue
        if line.strip():
            yield line.strip()


def _line() -> str:
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line
