"""`copilot ask`: one question, one streamed and cited answer."""

from collections.abc import Generator
from contextlib import closing, nullcontext
from dataclasses import asdict
from pathlib import Path

import click

from copilot.cli.markdown import MarkdownStream
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
from copilot.events import Notice, Progress, Text, Usage
from copilot.tasks.ask import Answer, AskEvent, Asking, Question
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
            answer = _show(answer_question(asked, tools, Cancel()), terminal, quiet=as_json)
        finally:
            session.close()
    if as_json:
        print_json(
            {
                "answer": answer.text,
                "citations": [asdict(citation) for citation in answer.citations],
                "usage": asdict(answer.usage),
                "reason": answer.reason,
                "prefix": answer.prefix,
            }
        )
    return 0


def _show(events: Generator[AskEvent, None, None], terminal: Terminal, *, quiet: bool) -> Answer:
    """Render the stream until the Answer; with `quiet`, the answer's text is not shown."""
    answer: Answer | None = None
    after: list[Notice] = []
    with closing(events), nullcontext() if quiet else MarkdownStream(terminal.out) as stream:
        for event in events:
            match event:
                case Progress():
                    terminal.report(event)
                case Notice() if answer is None:
                    terminal.notice(event)
                case Notice():
                    after.append(event)
                case Text():
                    terminal.stop_progress()
                    if stream is not None:
                        stream.write(event.text)
                case Answer():
                    answer = event
        terminal.stop_progress()
    assert answer is not None, "asking ends with an Answer"
    if terminal.err.is_terminal:
        after.insert(0, _cost(answer.usage))
    for notice in after:
        terminal.notice(notice)
    return answer


def _cost(usage: Usage) -> Notice:
    return Notice(
        f"{usage.generated_tokens} tokens in {usage.decode_ms / 1000:.1f} s, after reading {usage.evaluated_tokens:,} "
        f"tokens in {usage.prefill_ms / 1000:.1f} s and reusing {usage.reused_tokens:,}"
    )
