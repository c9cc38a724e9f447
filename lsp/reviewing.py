"""Reviews of uncommitted changes: run after a file is saved or on command, shown as diagnostics, pushed or pulled.

Does not know: what is looked for.
"""

import logging
import time
from asyncio import Task, current_task, shield, sleep
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lsprotocol import types

from copilot.engine.base import Cancel
from copilot.errors import CopilotError, DiffError, UsageError
from copilot.events import Progress
from copilot.review.catalogue import Selection
from copilot.review.document import document as review_document
from copilot.review.facts import Deadline
from copilot.review.finding import Finding, Severity
from copilot.tasks.review import Review, ReviewEvent, Subject
from lsp.client import Token
from lsp.documents import Document
from lsp.findings import Placed, diagnostic, placed, result_id
from lsp.lanes import Background, Lane, relayed
from lsp.positions import Lines
from lsp.projects import Project
from lsp.requests import Given
from lsp.state import State
from lsp.uris import path_of, uri_of

_log = logging.getLogger(__name__)
PAUSE_S = 0.2
"""Several files are often saved at once."""


class _StoppedError(Exception):
    """Whoever wanted the review does not any more."""


@dataclass(slots=True)
class Reviewed:
    """What the last review of a repository found, by path."""

    findings: dict[str, list[Finding]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    """The text that each was found in."""


class Reviews:
    """Runs reviews and remembers the last one of each repository."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._known: dict[Path, Reviewed] = {}
        self._tasks: dict[Path, Task[None]] = {}
        self._due: set[Path] = set()
        self._background = Background()

    # -- when ------------------------------------------------------------------------------------------------------

    def saved(self, uri: str) -> None:
        """A file was written: review its repository soon, if that is wanted."""
        wants = self._state.settings.review
        if wants.enabled and wants.run == "save":
            self._schedule(uri)

    def opened(self, uri: str) -> None:
        """A document was opened: review its repository if that was never done."""
        place = self._state.projects.place(uri)
        if place.project is not None and place.path and place.project.root not in self._known:
            self.saved(uri)

    def files_changed(self, root: Path) -> None:
        """Files were changed outside: what is shown of a repository may have changed, too."""
        wants = self._state.settings.review
        if wants.enabled and wants.run == "save" and root in self._known:
            self._plan(self._state.projects.project(root))

    def _schedule(self, uri: str) -> None:
        place = self._state.projects.place(uri)
        if place.project is None or not place.path:
            return
        self._plan(place.project)

    def _plan(self, project: Project) -> None:
        self._due.add(project.root)
        if project.root not in self._tasks:
            self._tasks[project.root] = self._background.start(self._run_due(project))

    async def _run_due(self, project: Project) -> None:
        try:
            while project.root in self._due:
                await sleep(PAUSE_S)
                self._due.discard(project.root)
                try:
                    await self._reviewed(project, Subject("uncommitted"), self._state.chores, None, with_model=False)
                except DiffError:  # no repository, or one without changes to speak of: nothing to show
                    self._known.setdefault(project.root, Reviewed())
                except CopilotError as error:
                    self._state.board.set(kind="Warning", message=str(error))
                except Exception:  # nobody waits for it, so nobody would hear of it
                    _log.exception("a review failed")
        finally:
            self._tasks.pop(project.root, None)

    async def command(self, uri: str | None, subject: Subject, token: Token | None) -> Review:
        """Review now, whatever the settings say; CopilotError where that cannot be."""
        project = self._state.projects.require(uri)
        asks = self._state.settings.review.model
        return await self._reviewed(project, subject, self._state.questions, token, with_model=asks)

    async def asked(self, params: object) -> dict[str, Any]:
        """`copilot/review`: review now and tell all of it; what is shown as diagnostics changes, too."""
        given = Given(params)
        which = given.choice("which", ("uncommitted", "default", "staged", "unstaged", "range", "diff"))
        subject = Subject(
            which,  # type: ignore[arg-type]
            given.words("revisions") if which == "range" else "",
            given.words("diff").encode("utf-8", "surrogateescape") if which == "diff" else b"",
        )
        done = await self.command(given.uri, subject, given.token("workDoneToken"))
        return {"label": done.label} | review_document(done.findings, done.coverage, done.usage)

    async def _reviewed(
        self, project: Project, subject: Subject, lane: Lane, token: Token | None, *, with_model: bool
    ) -> Review:
        wants = self._state.settings.review
        task = current_task()
        assert task is not None
        async with self._state.client.work("Review", token, task.cancel) as work:

            def hear(event: ReviewEvent) -> None:
                if isinstance(event, Progress):
                    work.report(event)

            tell = relayed(hear)

            def look(cancel: Cancel) -> Review:
                def heard(event: ReviewEvent) -> None:
                    if cancel.is_set():
                        raise _StoppedError
                    tell(event)

                deadline = Deadline(time.monotonic() + wants.time_limit_s)
                return project.review(subject, selection, deadline, heard, cancel if with_model else None)

            selection = self._selection()
            with self._state.board.working():
                done = await lane.run(look)
        if subject.which not in ("range", "diff"):
            self._show(project, done)
        return done

    def _selection(self) -> Selection:
        wants = self._state.settings.review
        try:
            return Selection.of(wants.enabled_rules, wants.disabled_rules)
        except UsageError as error:
            self._state.client.say(f"copilot.review: {error}")
            return Selection.of()

    # -- what is shown ---------------------------------------------------------------------------------------------

    def _show(self, project: Project, done: Review) -> None:
        """Replace what was shown of a repository."""
        least = Severity(self._state.settings.review.severity).rank
        now = Reviewed(texts={file.path: file.new_text for file in done.changes.files if file.new_text is not None})
        for finding in done.findings:
            if finding.severity.rank >= least:
                now.findings.setdefault(finding.path, []).append(finding)
        before = self._known.get(project.root, Reviewed())
        self._known[project.root] = now
        for path in sorted({*before.findings, *now.findings}):
            self._publish(project.root, path)
        # A client may answer this only after what it waits for here.
        self._background.start(self._state.client.refresh_diagnostics())

    def _publish(self, root: Path, path: str) -> None:
        """Push the findings of a file, unless the client pulls those of what it has open."""
        document = self._document(root, path)
        if document is not None:
            if not self.is_pulled:
                self._push(document.uri, self.diagnostics(document), document.version)
            return
        known = self._known[root]
        lines = Lines(known.texts.get(path, ""), self._state.documents.encoding)
        found = placed(known.findings.get(path, ()), lines.text, lines)
        self._push(uri_of(root / path), [diagnostic(each, lines) for each in found], None)

    @property
    def is_pulled(self) -> bool:
        return self._state.client.can("text_document", "diagnostic")

    def _push(self, uri: str, found: list[types.Diagnostic], version: int | None) -> None:
        params = types.PublishDiagnosticsParams(uri, found, version)
        self._state.client.notify(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS, params)

    def _document(self, root: Path, path: str) -> Document | None:
        """The open document of a file."""
        full = root / path
        for each in self._state.documents:
            named = path_of(each.uri)
            if named is not None and named.name == full.name and named.resolve() == full.resolve():
                return each
        return None

    def taken_over(self, uri: str) -> None:
        """A file was opened by a client that pulls: what was pushed of it gives way."""
        place = self._state.projects.place(uri)
        known = self._known.get(place.project.root) if place.project is not None else None
        if self.is_pulled and known is not None and place.path in known.findings:
            self._push(uri, [], None)

    def given_back(self, uri: str) -> None:
        """A file was closed: a client that pulls is told of it by push again."""
        place = self._state.projects.place(uri)
        if self.is_pulled and place.project is not None and place.project.root in self._known:
            self._publish(place.project.root, place.path)

    def at(self, document: Document) -> list[Placed]:
        """The findings that hold for a document as it is now."""
        if self._state.documents.surroundings(document) is not None:
            return []
        place = self._state.projects.place(document.uri)
        known = self._known.get(place.project.root) if place.project is not None else None
        if known is None or place.path not in known.findings:
            return []
        return placed(known.findings[place.path], known.texts.get(place.path, document.text), document.lines)

    def diagnostics(self, document: Document) -> list[types.Diagnostic]:
        return [diagnostic(each, document.lines) for each in self.at(document)]

    async def pull(self, params: types.DocumentDiagnosticParams) -> types.DocumentDiagnosticReport:
        """The diagnostics of a document; waits for a review that is under way or was never made."""
        uri = params.text_document.uri
        self.opened(uri)
        project = self._state.projects.place(uri).project
        task = self._tasks.get(project.root) if project is not None else None
        if task is not None and project is not None and project.root not in self._known:
            await shield(task)
        document = self._state.documents.get(uri)
        found = self.diagnostics(document) if document is not None else []
        identity = result_id(found)
        if identity == params.previous_result_id:
            return types.RelatedUnchangedDocumentDiagnosticReport(identity)
        return types.RelatedFullDocumentDiagnosticReport(found, result_id=identity)

    def close(self) -> None:
        self._background.cancel()
