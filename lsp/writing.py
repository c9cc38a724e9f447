"""Code written by the model into the client's documents: `copilot.fix`, `.refactor`, `.document`, `.tests`.

An edit is made only where the code is still what the model was given. Does not know: prompts, how code is written.
"""

from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from copilot.engine.base import Cancel
from copilot.errors import UsageError
from copilot.prompts.rewrite import DOCUMENT, REFACTOR, TESTS
from copilot.repo.customs import path_for_tests
from lsp.asking import Questions, Told
from lsp.documents import Document
from lsp.edits import document_edit, new_file, replacement, whole_lines
from lsp.findings import fix
from lsp.requests import Given
from lsp.reviewing import Reviews
from lsp.state import State
from lsp.uris import name_of, path_of, uri_of

if TYPE_CHECKING:  # it brings numpy and the tokenizer, which starting does without
    from copilot.tasks.rewrite import Rewriting, Rewritten


@dataclass(frozen=True, slots=True)
class Selected:
    """Code of a document at one version."""

    document: Document
    start: int
    end: int

    @property
    def code(self) -> str:
        return self.document.clean_text[self.start : self.end]


class Writing:
    """Commands that end in an edit. Each takes one object with `textDocument` and `range`."""

    def __init__(self, state: State, reviews: Reviews, questions: Questions) -> None:
        self._state = state
        self._reviews = reviews
        self._questions = questions

    async def refactor(self, *arguments: object) -> dict[str, Any]:
        """`copilot.refactor`; `instruction` says how."""
        given = _only(arguments)
        return await self._replaced(given, given.text("instruction", REFACTOR), "Refactor")

    async def document(self, *arguments: object) -> dict[str, Any]:
        """`copilot.document`."""
        return await self._replaced(_only(arguments), DOCUMENT, "Write documentation")

    async def fix(self, *arguments: object) -> dict[str, Any]:
        """`copilot.fix`: the finding's own suggestion where it fits, else what the model makes of it."""
        given = _only(arguments)
        document = self._document(given)
        fingerprint = given.text("fingerprint")
        found = [each for each in self._reviews.at(document) if each.finding.fingerprint == fingerprint]
        if not found:
            raise UsageError("this finding is no longer there; save the file to have it reviewed again")
        place, finding = found[0], found[0].finding
        edits = fix(finding.suggestion, document.text, document.lines) if finding.suggestion else None
        if edits:
            return await self._applied(self._edit(document, edits), f"Fix: {finding.title}", "")
        instruction = f"A review says of this code: {finding.title}. {finding.message}\nMend that and nothing else."
        span = (place.start, 0, place.end, len(document.lines.line(place.end)) + 1)
        return await self._written(Selected(document, *whole_lines(document, span)), instruction, "Fix")

    async def tests(self, *arguments: object) -> dict[str, Any]:
        """`copilot.tests`: a new file with tests."""
        given = _only(arguments)
        selected = self._selected(given)
        made = await self._made(given, selected, "file", TESTS, "Write tests")
        path = path_of(selected.document.uri)
        target = path_for_tests(path) if path is not None else None
        if target is None or target.exists() or not self._may_create:
            return {"applied": False, "reason": _no_file(target), "text": made.text, "usage": asdict(made.usage)}
        edit = new_file(uri_of(target), made.text.rstrip("\n") + "\n")
        return await self._applied(edit, "Write tests", made.text) | {
            "uri": uri_of(target),
            "usage": asdict(made.usage),
        }

    async def resolved(self, given: Given, command: str) -> types.WorkspaceEdit | None:
        """The edit of an action, for clients that apply what they resolve; None for what is no edit of a document."""
        if command not in ("copilot.refactor", "copilot.document"):
            return None
        instruction = given.text("instruction", REFACTOR) if command == "copilot.refactor" else DOCUMENT
        selected = self._selected(given)
        made = await self._made(given, selected, "lines", instruction, "Rewrite")
        return self._replacing(selected, made.text)

    async def _replaced(self, given: Given, instruction: str, title: str) -> dict[str, Any]:
        return await self._written(self._selected(given), instruction, title, given)

    async def _written(
        self, selected: Selected, instruction: str, title: str, given: Given | None = None
    ) -> dict[str, Any]:
        made = await self._made(given or Given({}), selected, "lines", instruction, title)
        edit = self._replacing(selected, made.text)
        return await self._applied(edit, title, made.text) | {"usage": asdict(made.usage)}

    def _replacing(self, selected: Selected, text: str) -> types.WorkspaceEdit:
        """The edit of the document as it is now; UsageError where the code has changed meanwhile."""
        now = self._state.documents.get(selected.document.uri)
        start, end = selected.start, selected.end
        if now is not None and now.text != selected.document.text and now.clean_text.count(selected.code) == 1:
            start = now.clean_text.index(selected.code)
            end = start + len(selected.code)
        if now is None or now.clean_text[start:end] != selected.code:
            raise UsageError("the code was changed while it was rewritten; nothing was done")
        return self._edit(now, [replacement(now, start, end, text)])

    def _edit(self, document: Document, edits: list[types.TextEdit]) -> types.WorkspaceEdit:
        with_versions = self._state.client.can("workspace", "workspace_edit", "document_changes")
        return document_edit(document, edits, with_versions=with_versions)

    @property
    def _may_create(self) -> bool:
        wanted = "create"
        edit = getattr(self._state.client.capabilities.workspace, "workspace_edit", None)
        return wanted in (getattr(edit, "resource_operations", None) or ())

    async def _made(self, given: Given, selected: Selected, kind: Any, instruction: str, title: str) -> "Rewritten":
        from copilot.tasks.rewrite import Rewriting, Rewritten

        document = selected.document
        place = self._state.place(document)
        project = self._state.projects.require(document.uri)
        first, last = (document.lines.position(at)[0] + 1 for at in (selected.start, selected.end))
        where = f"{place.path or name_of(document.uri)}:{first}-{last}"
        most = project.app.settings.max_answer_tokens
        asked = Rewriting(kind, instruction, selected.code, where, most)
        told = Told(given.token("partialResultToken", "token"), given.token("workDoneToken"))
        made = await self._questions.steps(project, title, told, _rewriting(asked))
        assert isinstance(made, Rewritten)
        if made.reason == "length":
            raise UsageError(f"the new code is longer than {most:,} tokens; select less, or set maxAnswerTokens")
        if not made.text.strip():
            raise UsageError("the model wrote no code; select more of it, or say more")
        return made

    async def _applied(self, edit: types.WorkspaceEdit, label: str, text: str) -> dict[str, Any]:
        reason = await self._state.client.apply(edit, label)
        return {"applied": not reason, "reason": reason or None, "text": text}

    def _document(self, given: Given) -> Document:
        """The document a command is about; UsageError for what may not or cannot be read."""
        document = self._state.documents.get(given.uri or "")
        if document is None:
            raise UsageError("the document is not open; open it and try again")
        if self._state.is_private(document.uri):
            raise UsageError(f"{name_of(document.uri)} holds secrets by its name, so nothing of it is read")
        return document

    def _selected(self, given: Given) -> Selected:
        document = self._document(given)
        span = given.range()
        if span is None:
            raise UsageError("select the code first")
        selected = Selected(document, *whole_lines(document, span))
        if not selected.code.strip():
            raise UsageError("the selected lines are empty; select some code")
        return selected


def _only(arguments: tuple[object, ...]) -> Given:
    return Given(arguments[0] if arguments else None, "the argument")


def _rewriting(asked: "Rewriting") -> Any:
    def steps(tools: Any, cancel: Cancel) -> Generator[Any, None, None]:
        from copilot.tasks.rewrite import rewrite

        return rewrite(asked, tools, cancel)

    return steps


def _no_file(target: Path | None) -> str:
    if target is None:
        return "the document is no file yet, so its tests have no place"
    return f"{target.name} is there already" if target.exists() else "this editor creates no files"
