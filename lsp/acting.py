"""What can be done at a place of a document: fixes of findings, and what the model can be asked about a selection.

Does not know: how it is done.
"""

from collections.abc import Iterable
from typing import Any

from lsprotocol import types

from copilot.prompts.rewrite import EXPLAIN
from lsp.answers import show_answer
from lsp.asking import Questions
from lsp.documents import Document
from lsp.edits import document_edit
from lsp.findings import Placed, diagnostic, fix, hover
from lsp.requests import Given, quadruple
from lsp.reviewing import Reviews
from lsp.state import State
from lsp.writing import Writing

QUICK_FIX = types.CodeActionKind.QuickFix.value
ON_SELECTION = (
    ("copilot.explain", "Explain this code", "refactor.explain.copilot"),
    ("copilot.document", "Write documentation for this code", "refactor.rewrite.copilot"),
    ("copilot.refactor", "Refactor this code", "refactor.rewrite.copilot"),
    ("copilot.tests", "Write tests for this code", "refactor.tests.copilot"),
)
KINDS = (QUICK_FIX, *sorted({kind for _, _, kind in ON_SELECTION}))


class Actions:
    """Offers code actions, resolves them, and runs the commands that answer with words."""

    def __init__(self, state: State, reviews: Reviews, questions: Questions, writing: Writing) -> None:
        self._state = state
        self._reviews = reviews
        self._questions = questions
        self._writing = writing

    async def hover(self, params: types.HoverParams) -> types.Hover | None:
        """What there is to say about the findings at a position."""
        document = self._state.documents.get(params.text_document.uri)
        if document is None:
            return None
        here = [each for each in self._reviews.at(document) if each.start <= params.position.line <= each.end]
        return hover(here, document.lines)

    async def actions(self, params: types.CodeActionParams) -> list[types.CodeAction | types.Command]:
        """Fixes of the findings in a range, and what can be asked about the code in it."""
        document = self._state.documents.get(params.text_document.uri)
        if document is None or self._state.is_private(document.uri):
            return []
        span = quadruple(params.range)
        made = [*self._fixes(document, span[0], span[2]), *self._on_selection(document, params.range)]
        only = params.context.only
        wanted = [each for each in made if only is None or _is_wanted(each.kind, only)]
        if self._state.client.can("text_document", "code_action", "code_action_literal_support"):
            return list(wanted)
        return [each.command for each in wanted if each.command is not None]

    def _fixes(self, document: Document, first: int, last: int) -> Iterable[types.CodeAction]:
        for place in self._reviews.at(document):
            if place.end >= first and place.start <= last:
                yield self._fix(document, place)

    def _fix(self, document: Document, place: Placed) -> types.CodeAction:
        """The fix of one finding: its suggestion where it fits the text as it is now, else a command for the model."""
        finding = place.finding
        argument = {"textDocument": {"uri": document.uri}, "fingerprint": finding.fingerprint}
        made = types.CodeAction(
            title=f"Fix: {finding.title}", kind=QUICK_FIX, diagnostics=[diagnostic(place, document.lines)]
        )
        edits = fix(finding.suggestion, document.text, document.lines) if finding.suggestion else None
        if not edits:
            made.title = f"Have the model fix: {finding.title}"
        if not edits or not self._takes_literals:
            made.command = types.Command(title=made.title, command="copilot.fix", arguments=[argument])
            return made
        made.is_preferred = True
        if self._resolves:
            made.data = argument
        else:
            made.edit = self._edit(document, edits)
        return made

    def _on_selection(self, document: Document, span: types.Range) -> Iterable[types.CodeAction]:
        lines = document.lines
        code = document.clean_text[slice(*(lines.offset(*each) for each in _ends(span)))]
        if not code.strip():
            return
        argument = {"textDocument": {"uri": document.uri}, "range": _json(span)}
        for command, title, kind in ON_SELECTION:
            yield self._asked(title, kind, command, argument)
        question = asked_in(code)
        if question:
            title = f"Ask: {question}"
            yield self._asked(title, "refactor.explain.copilot", "copilot.ask", argument | {"question": question})

    def _asked(self, title: str, kind: str, command: str, argument: dict[str, Any]) -> types.CodeAction:
        """An action that the model is needed for. A client that applies no edits of ours resolves them itself."""
        made = types.CodeAction(title=title, kind=kind)
        writes = command in ("copilot.document", "copilot.refactor")
        if writes and self._resolves and not self._state.client.can("workspace", "apply_edit"):
            made.data = argument | {"command": command}
        else:
            made.command = types.Command(title=title, command=command, arguments=[argument])
        return made

    async def resolve(self, action: types.CodeAction) -> types.CodeAction:
        """An action with its edit, made from the text as it is now; as it came where there is none any more."""
        given = Given(action.data, "data")
        document = self._state.documents.get(given.uri or "")
        if document is None:
            return action
        if command := given.optional("command"):
            action.edit = await self._writing.resolved(given, command)
            return action
        fingerprint = given.text("fingerprint", "")
        for place in self._reviews.at(document):
            suggestion = place.finding.suggestion
            if place.finding.fingerprint == fingerprint and suggestion:
                edits = fix(suggestion, document.text, document.lines)
                action.edit = self._edit(document, edits) if edits else None
        return action

    async def explain(self, *arguments: object) -> dict[str, Any]:
        """`copilot.explain`: what the code in a range does, shown and returned."""
        return await self._shown(arguments, EXPLAIN)

    async def ask(self, *arguments: object) -> dict[str, Any]:
        """`copilot.ask`: `question`, about the code in a range where there is one; shown and returned."""
        question = Given(arguments[0] if arguments else None, "the argument").words("question")
        return await self._shown(arguments, question)

    async def _shown(self, arguments: tuple[object, ...], question: str) -> dict[str, Any]:
        given = arguments[0] if arguments else {}
        values = dict(given) if isinstance(given, dict) else {}
        answer = await self._questions.ask(values | {"question": question})
        project = self._state.projects.require(Given(values).uri)
        folder = project.app.kept("answers")
        await show_answer(self._state.client, self._state.settings.ask.show, folder, question, answer["answer"])
        return answer

    def _edit(self, document: Document, edits: list[types.TextEdit]) -> types.WorkspaceEdit:
        with_versions = self._state.client.can("workspace", "workspace_edit", "document_changes")
        return document_edit(document, edits, with_versions=with_versions)

    @property
    def _takes_literals(self) -> bool:
        return self._state.client.can("text_document", "code_action", "code_action_literal_support")

    @property
    def _resolves(self) -> bool:
        """Whether the client fetches an action's edit when it is chosen."""
        ability = getattr(self._state.client.capabilities.text_document, "code_action", None)
        support = getattr(ability, "resolve_support", None)
        return bool(getattr(ability, "data_support", None)) and "edit" in (getattr(support, "properties", None) or ())


def asked_in(code: str) -> str:
    """The question that a comment among some code asks, "" where there is none."""
    for line in code.splitlines():
        bare = line.strip()
        text = bare.lstrip("#/*-;%!< ").removesuffix("*/").removesuffix("-->").strip()
        if text != bare and text.endswith("?") and " " in text:
            return text
    return ""


def _is_wanted(kind: Any, only: Iterable[Any]) -> bool:
    """Whether a kind is one of those asked for, or below one."""
    asked = [str(getattr(each, "value", each)) for each in only]
    return any(not each or kind == each or str(kind).startswith(f"{each}.") for each in asked)


def _ends(span: types.Range) -> tuple[tuple[int, int], tuple[int, int]]:
    return (span.start.line, span.start.character), (span.end.line, span.end.character)


def _json(span: types.Range) -> dict[str, Any]:
    return {
        side: {"line": line, "character": at} for side, (line, at) in zip(("start", "end"), _ends(span), strict=True)
    }
