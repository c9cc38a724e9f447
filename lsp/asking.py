"""Questions, conversations and reading: `copilot/ask`, `copilot/chat`, `copilot/warm`, each streamed to its token.

Does not know: how answers come about.
"""

from asyncio import current_task
from collections import OrderedDict
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from pygls.exceptions import JsonRpcInvalidParams

from copilot.engine.base import Cancel
from copilot.errors import UsageError
from copilot.events import Notice, Progress, Text
from copilot.prompts.rewrite import about_code
from lsp.client import Token
from lsp.lanes import relayed
from lsp.projects import Project
from lsp.requests import Given
from lsp.state import State
from lsp.uris import name_of, uri_of

if TYPE_CHECKING:  # they bring numpy and the tokenizer, which starting does without
    from copilot.tasks.ask import Answer, Asking, Question
    from copilot.tasks.warm import Warmed

MAX_CONVERSATIONS = 50
MAX_EXCHANGES = 20
Steps = Callable[["Asking", Cancel], Generator[Any, None, None]]


@dataclass(slots=True)
class Told:
    """What was said beside an answer."""

    token: Token | None
    """Where it is streamed to."""
    work: Token | None
    """The client's own progress display."""
    notices: list[Notice] = field(default_factory=list)


class Questions:
    """Answers questions, and keeps conversations."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._conversations: OrderedDict[str, list[tuple[str, str]]] = OrderedDict()

    async def ask(self, params: object) -> dict[str, Any]:
        """`copilot/ask`: one question, by itself."""
        given = Given(params)
        return await self._answered(given, given.words("question"), ())

    async def chat(self, params: object) -> dict[str, Any]:
        """`copilot/chat`: a question that may refer to what was said before in its conversation."""
        given = Given(params)
        name = given.optional("conversation")
        if name is not None and name not in self._conversations:
            raise JsonRpcInvalidParams(f"there is no conversation {name!r} any more; leave it out to begin one")
        name = name or uuid4().hex
        message = given.words("message")
        answer = await self._answered(given, message, tuple(self._conversations.get(name, ())))
        turns = self._conversations.setdefault(name, [])
        self._conversations.move_to_end(name)
        if answer["answer"]:
            turns.append((message, answer["answer"]))
            del turns[:-MAX_EXCHANGES]
        while len(self._conversations) > MAX_CONVERSATIONS:
            self._conversations.popitem(last=False)
        return {"conversation": name, "turns": len(turns), **answer}

    def forget(self, params: object) -> dict[str, Any]:
        """`copilot/chat/end`: nothing of a conversation is kept."""
        known = self._conversations.pop(Given(params).text("conversation"), None)
        return {"ended": known is not None}

    async def warm(self, params: object) -> dict[str, Any]:
        """`copilot/warm`: read the repository once and keep it."""
        given = Given(params)
        project = self._state.projects.require(given.uri)
        budget = given.number("budget")
        told = Told(given.token("partialResultToken", "token"), given.token("workDoneToken"))
        warmed: Warmed = await self.steps(project, "Reading the repository", told, _warming(project, budget))
        self._state.board.set(prefix="full")
        return {
            "tokens": warmed.tokens,
            "total": warmed.total,
            "reused_tokens": warmed.reused_tokens,
            "evaluated_tokens": warmed.evaluated_tokens,
            "prefill_ms": warmed.prefill_ms,
            "segments": warmed.segments,
            "bytes": warmed.size_bytes,
            "notices": [notice.text for notice in told.notices],
        }

    def about(self, given: Given, text: str) -> str:
        """A question with the code of the document and range it is about."""
        uri, span = given.uri, given.range()
        document = self._state.documents.get(uri) if uri is not None else None
        if uri is None or document is None or span is None:
            return text
        if self._state.is_private(uri):
            raise UsageError(f"{name_of(uri)} holds secrets by its name, so nothing of it is read")
        lines = document.lines
        start, end = lines.offset(*span[:2]), lines.offset(*span[2:])
        path = self._state.place(document).path or name_of(uri)
        first, last = lines.position(start)[0] + 1, lines.position(max(start, end - 1))[0] + 1
        return about_code(text, document.clean_text[start:end], f"{path}:{first}-{last}")

    async def _answered(self, given: Given, text: str, history: tuple[tuple[str, str], ...]) -> dict[str, Any]:
        from copilot.tasks.ask import Question

        project = self._state.projects.require(given.uri)
        settings = project.app.settings
        think = given.flag("think", self._state.settings.ask.think)
        about = self.about(given, text)
        asked = Question(about, think, given.number("budget"), settings.max_answer_tokens, history)
        told = Told(given.token("partialResultToken", "token"), given.token("workDoneToken"))
        answer: Answer = await self.steps(project, "Answering", told, _asking(asked))
        self._state.board.set(prefix=answer.prefix, kind="Normal", message="")
        citations = [asdict(each) | {"uri": uri_of(project.root / each.path)} for each in answer.citations]
        return {
            "answer": answer.text,
            "citations": citations,
            "usage": asdict(answer.usage),
            "reason": answer.reason,
            "prefix": answer.prefix,
            "notices": [notice.text for notice in told.notices],
        }

    async def steps(self, project: Project, title: str, told: Told, steps: Steps) -> Any:
        """Run a task's steps in a thread of their own; returns its last event that is no text, notice or progress."""
        state = self._state
        task = current_task()
        assert task is not None
        async with state.client.work(title, told.work, task.cancel) as work:

            def hear(event: object) -> None:
                match event:
                    case Progress():
                        work.report(event)
                        state.board.set(reading=event)
                    case Text():
                        state.client.chunk(told.token, {"text": event.text})
                    case Notice():
                        told.notices.append(event)
                        state.client.chunk(told.token, {"notice": event.text, "level": event.level})

            tell = relayed(hear)

            def take(cancel: Cancel) -> object:
                end: object = None
                with project.asking(tell) as tools, closing(steps(tools, cancel)) as events:
                    if tools.repository.warning:
                        tell(Notice(tools.repository.warning, "warning"))
                    for event in events:
                        if isinstance(event, (Progress, Text, Notice)):
                            tell(event)
                        else:
                            end = event
                return end

            with state.board.working():
                return await state.questions.run(take)


def _asking(asked: "Question") -> Steps:
    from copilot.tasks.ask import ask

    return lambda tools, cancel: ask(asked, tools, cancel)


def _warming(project: Project, budget: int | None) -> Steps:
    def steps(tools: "Asking", cancel: Cancel) -> Generator[Any, None, None]:
        from copilot.tasks.prefix import prefix_budget
        from copilot.tasks.warm import warm

        whole = prefix_budget(tools.model, project.app.settings.max_answer_tokens)
        prefix = tools.prefixes.full(min(budget or whole, whole), tools.session)
        return warm(prefix, tools.session, tools.speed, cancel)

    return steps
