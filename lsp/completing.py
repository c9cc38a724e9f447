"""Suggestions while typing: one under way at a time, begun when the user pauses, and never shown for a changed text.

Does not know: how suggestions come about.
"""

import logging
import time
from asyncio import sleep
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from lsprotocol import types

from copilot.engine.base import Cancel
from copilot.errors import CopilotError
from copilot.tasks.complete import Completer, Suggestion
from lsp.completers import Completers
from lsp.documents import MAX_CHARS, Document
from lsp.lanes import Background, Latest
from lsp.offers import Offer, Offers, Verdict
from lsp.projects import Project
from lsp.rhythm import Rhythm
from lsp.state import State
from lsp.suggestions import Spot, as_manual, inline_item, list_item, spot

ACCEPTED, COPILOT_ACCEPTED = "copilot.accepted", "github.copilot.didAcceptCompletionItem"
_log = logging.getLogger(__name__)
QUIET_S = 1.0
"""After changes on the disk; builds and checkouts change many files one after the other."""
SECRET, LONG, OFF = "secret-file", "file-too-long", "switched-off"


class Completions:
    """Answers `textDocument/inlineCompletion` and `textDocument/completion`."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._latest = Latest()
        self._completers = Completers(state)
        self._clock = time.monotonic
        self._offers: Offers[Suggestion] = Offers()
        self._background = Background()
        self._changed: dict[Path, float] = {}
        self.is_inline = False
        """The client asks for ghost text."""
        self.failed: Callable[[CopilotError], None] = lambda error: None
        """Who else wants to know."""
        self.rhythm = Rhythm()
        self.counts: Counter[str] = Counter()
        """How many suggestions were asked for, offered, shown, accepted; and withheld, by reason."""

    async def inline(self, params: types.InlineCompletionParams) -> types.InlineCompletionList | None:
        self.is_inline = True
        is_manual = params.context.trigger_kind == types.InlineCompletionTriggerKind.Invoked
        selected = params.context.selected_completion_info
        found = await self._found(params.text_document.uri, params.position, is_manual, selected)
        if found is None:
            return None
        return types.InlineCompletionList([inline_item(*found, self._offered(*found))])

    async def listed(self, params: types.CompletionParams) -> types.CompletionList:
        """Lists are asked for automatically as well as by users; they are all answered as if automatic.

        Who asks for ghost text gets no list entries besides.
        """
        if self.is_inline:
            return types.CompletionList(is_incomplete=False, items=[])
        found = await self._found(params.text_document.uri, params.position, False, None)
        items = [] if found is None else [list_item(*found, self._offered(*found))]
        return types.CompletionList(is_incomplete=True, items=items)

    def opened(self, uri: str) -> None:
        """A document was opened: have its repository indexed before the first suggestion is asked for."""
        project = self._state.projects.place(uri).project
        if project is not None and self._state.settings.completion.enabled and not self._state.is_private(uri):
            self._background.start(self._prepared(project))

    async def _prepared(self, project: Project) -> None:
        with suppress(CopilotError):  # whoever asks for a suggestion meets it again, and is told
            await self._completers.ready(project)

    def typed(self) -> None:
        """A document changed."""
        self.rhythm.typed(self._clock())

    def accepted(self, number: int | None = None) -> None:
        """The client says that a suggestion was taken; None = the last one."""
        offer = self._offers.accept(number)
        if offer is not None:
            self._judged(offer, "accepted")

    async def refresh(self, root: Path) -> None:
        """Files changed on the disk: look at them once that has ended."""
        was_waiting = root in self._changed
        self._changed[root] = self._clock()
        if was_waiting:
            return
        while self._clock() - self._changed[root] < QUIET_S:
            await sleep(QUIET_S)
        del self._changed[root]
        await self._completers.refresh(root)

    def close(self) -> None:
        self._latest.supersede()
        self._background.cancel()
        self._completers.close()

    async def _found(
        self,
        uri: str,
        position: types.Position,
        is_manual: bool,
        selected: types.SelectedCompletionInfo | None,
    ) -> tuple[Document, Spot, Suggestion] | None:
        """The document, where in it, and what to offer there; None for nothing, and the status says why."""
        self.counts["asked"] += 1
        self._latest.supersede()
        document = self._state.documents.get(uri)
        reason = self._refusal(uri, document, is_manual)
        if reason or document is None:
            self._withheld(reason)
            return None
        try:
            place = self._state.place(document)
            wanted = spot(document, position, place.path, self._state.documents.surroundings(document), selected)
            wanted = as_manual(wanted) if is_manual else wanted
            if (judged := self._offers.judge(uri, document.clean_text[: wanted.start])) is not None:
                self._judged(*judged)
            project = place.project or self._state.projects.loose()
            self._completers.heading(project, wanted.cursor)  # before the older request learns that it is superseded
            suggestion = await self._latest.run(lambda: self._suggested(project, wanted, is_manual))
        except CopilotError as error:
            self._failed(error)
            return None
        if suggestion is None:
            self.counts["superseded"] += 1
            return None
        current = self._state.documents.get(uri)
        if current is None or current.text != document.text:
            self._withheld("the-text-has-changed")
            return None
        if not suggestion.text:
            self._withheld(suggestion.reason or "nothing-to-offer")
            return None
        self.counts["offered"] += 1
        self._state.board.set(message="", kind="Normal")
        return document, wanted, suggestion

    def _refusal(self, uri: str, document: Document | None, is_manual: bool) -> str:
        """Why nothing is even tried, "" if there is no such reason."""
        wants = self._state.settings.completion
        if document is None:
            return "not-open"
        if self._state.is_private(uri):
            return SECRET
        if len(document.text) > MAX_CHARS:
            return LONG
        is_on = wants.enabled and (wants.automatic or is_manual)
        if not is_on or document.language in wants.disabled_languages:
            return OFF
        return OFF if wants.languages and document.language not in wants.languages else ""

    async def _suggested(self, project: Project, wanted: Spot, is_manual: bool) -> Suggestion:
        fixed = self._state.settings.completion.debounce_ms
        await self._completers.ready(project)
        if not is_manual:
            now = self._clock()
            await sleep(self.rhythm.delay_s(now) if fixed is None else fixed / 1000)
        edits = [
            (self._path_in(project, document), before, document.clean_text)
            for document, before in self._state.documents.take_edits(lambda each: self._path_in(project, each) != "")
        ]

        def complete(completer: Completer, cancel: Cancel) -> Suggestion:
            for path, before, after in edits:
                completer.edited(path, before, after)
            return completer.complete(wanted.cursor, cancel)

        began = self._clock()
        with self._state.board.working():
            suggestion = await self._completers.run(project, complete)
        self.rhythm.took(self._clock() - began)
        return suggestion

    def _path_in(self, project: Project, document: Document) -> str:
        """The path of a document in a repository; "" for one that is not of it, or that nobody may read."""
        if self._state.is_private(document.uri):
            return ""
        try:
            place = self._state.place(document)
        except CopilotError:  # whoever completes in that other repository is told
            return ""
        return place.path if place.project is project else ""

    def _offered(self, document: Document, wanted: Spot, suggestion: Suggestion) -> types.Command:
        """Remember what is shown; returns what the client is to run when it is taken."""
        before = document.clean_text[: wanted.start]
        offer = self._offers.add(document.uri, before, wanted.selected + suggestion.text, suggestion)
        name = COPILOT_ACCEPTED if self._state.client.is_copilot_client else ACCEPTED
        return types.Command(title="Accept", command=name, arguments=[offer.number])

    def _judged(self, offer: Offer[Suggestion], verdict: Verdict) -> None:
        """Learn from what became of a suggestion; that stays on this machine."""
        self.counts[verdict] += 1
        self.rhythm.judged(verdict == "accepted")
        project = self._state.projects.place(offer.uri).project

        def tell(completer: Completer, cancel: Cancel) -> None:
            (completer.accepted if verdict == "accepted" else completer.rejected)(offer.shown)

        if project is not None:
            self._background.start(self._completers.run(project, tell))

    def _withheld(self, reason: str) -> None:
        self.counts[reason] += 1
        self._state.board.set(message=f"no suggestion: {reason.replace('-', ' ')}")

    def _failed(self, error: CopilotError) -> None:
        self.counts[error.code] += 1
        self._state.board.set(kind="Error", message=str(error))
        self._state.client.say(str(error), "error")
        self.failed(error)
