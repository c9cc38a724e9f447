"""An answer as a person sees it while it is written, and as other programs get it."""

from collections.abc import Generator
from contextlib import closing, nullcontext
from dataclasses import asdict

from copilot.cli.markdown import MarkdownStream
from copilot.cli.render import Terminal
from copilot.events import Notice, Progress, Text, Usage
from copilot.tasks.ask import Answer, AskEvent


def document(answer: Answer) -> dict[str, object]:
    """What `--json` prints of an answer."""
    return {
        "answer": answer.text,
        "citations": [asdict(citation) for citation in answer.citations],
        "usage": asdict(answer.usage),
        "reason": answer.reason,
        "prefix": answer.prefix,
    }


def show(events: Generator[AskEvent, None, None], terminal: Terminal, *, quiet: bool) -> Answer:
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
