"""Have code written: in place of what an editor shows, or as a new file about it.

The model sees the repository as it does for a question. Does not know: editors, how the code gets into a file.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Literal

from copilot.engine.base import Cancel
from copilot.engine.requests import Request, Sampling
from copilot.errors import BudgetError
from copilot.events import Done, Notice, Progress, Text, Usage
from copilot.prompts import rewrite as words
from copilot.tasks.ask import Asking
from copilot.tasks.prefix import MAP_TOKENS, choose_prefix, prefix_budget


@dataclass(frozen=True, slots=True)
class Rewriting:
    """What is to be written."""

    kind: Literal["lines", "file"]
    """In place of the code, or a file of its own about it."""
    instruction: str
    code: str
    where: str
    """`path:first-last` of the code."""
    max_answer_tokens: int = 1024


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The end: the new code, "" where there is none."""

    text: str
    usage: Usage
    reason: str
    """"stop", or why it is not whole: "length", "cancelled"."""


RewriteEvent = Progress | Notice | Text | Rewritten


def rewrite(asked: Rewriting, tools: Asking, cancel: Cancel) -> Generator[RewriteEvent, None, None]:
    """Stream what the model writes; the last event is Rewritten. BudgetError if the code does not fit."""
    model, session = tools.model, tools.session
    budget = prefix_budget(model, asked.max_answer_tokens)
    full, small = tools.prefixes.full(budget, session), tools.prefixes.map(min(MAP_TOKENS, budget))
    prefix, _ = choose_prefix(full, small, session)
    ask_for = words.rewriting if asked.kind == "lines" else words.writing
    turn = model.encode(model.chat.user(ask_for(asked.instruction, asked.code, asked.where)))
    room = model.n_ctx - len(prefix.tokens) - min(asked.max_answer_tokens, model.n_ctx // 8)
    if len(turn) > room:
        raise BudgetError(f"the code has {len(turn)} tokens, {room} are left beside the repository; select less of it")
    request = Request(prefix.tokens, turn, Sampling(asked.max_answer_tokens, hidden=model.thought_ids))
    written: list[str] = []
    done: Done | None = None
    for event in session.generate(request, cancel):
        if isinstance(event, Done):
            done = event
            continue
        if isinstance(event, Text):
            written.append(event.text)
        yield event
    assert done is not None, "a generation ends with Done"
    if done.reason != "cancelled":
        prefix.keep()
    tools.speed.record(done.usage)
    code = words.code_in("".join(written))
    yield Rewritten(as_indented(code, asked.code) if asked.kind == "lines" else code, done.usage, done.reason)


def as_indented(code: str, like: str) -> str:
    """Code moved so far in that it begins where other code does; models tend to begin at the margin."""
    lines = code.split("\n")
    had, wanted = _indent(lines), _indent(like.split("\n"))
    if had == wanted or not code.strip():
        return code
    return "\n".join(wanted + line[len(had) :] if line.strip() else "" for line in lines)


def _indent(lines: Sequence[str]) -> str:
    """The white space that all lines which hold anything begin with."""
    heads = [line[: len(line) - len(line.lstrip())] for line in lines if line.strip()]
    if not heads:
        return ""
    first, last = min(heads), max(heads)
    return first[: next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))]
