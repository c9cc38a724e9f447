"""Completion at a cursor: what stands around it, what the repository says, what the model writes, what is shown of it.

Knows no editor. A keystroke asks; what an earlier one brought serves as long as the user types along it.
"""

import math
from dataclasses import dataclass, replace
from threading import Lock, Timer
from typing import Protocol

from copilot.engine.base import Cancel, Session
from copilot.engine.requests import InfillRequest, Priority
from copilot.errors import CopilotError
from copilot.events import Usage
from copilot.prompts.complete import Snippet, Surroundings
from copilot.repo.secrets import is_secret
from copilot.tasks.complete.extent import Extent, Site, extent
from copilot.tasks.complete.filter import Draft, DroppedError, filtered
from copilot.tasks.complete.model import CompletionModel
from copilot.tasks.complete.results import Asked, Result, Results
from copilot.tasks.complete.statistics import Statistics
from copilot.tasks.complete.underway import Underway
from copilot.tasks.complete.window import Size, window
from copilot.tasks.complete.writing import Terms, gap_of, request_of, write

BOX_S, BOX_BY_HAND_S = 2.5, 20.0
"""Seconds of writing; while one types, a late suggestion is worth little."""
IDLE_S = 0.2
"""Without a request for so long, the next ones are prepared."""
AHEAD_S = 0.7
"""For so long; then the machine is left alone. What was read by then stays."""
BY_HAND_THRESHOLD = 0.0
"""Who asks by hand wants to see what there is."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a document as the editor has it."""

    path: str
    """POSIX, relative to the root; "" for a document that is no file of the repository."""
    text: str
    """The whole document."""
    offset: int
    """Index into `text`, in code points."""
    end: int | None = None
    """`text[offset:end]` is to be written anew; None = nothing is."""
    automatic: bool = True
    """Asked while typing, not by hand."""

    @property
    def before(self) -> str:
        return self.text[: self.offset]

    @property
    def after(self) -> str:
        return self.text[self.replaced_to :]

    @property
    def replaced_to(self) -> int:
        return self.offset if self.end is None else max(self.end, self.offset)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What to show at a cursor, or why nothing is shown."""

    text: str
    """"" where nothing is offered."""
    replace_end: int
    """Index in `Cursor.text` up to which accepting replaces."""
    reason: str | None
    """Why nothing is offered; the codes are listed in docs/completion.md. None where something is."""
    confidence: float | None
    """Geometric mean of the tokens' probabilities; None where nothing was written."""
    usage: Usage


class Context(Protocol):
    """What else of a repository a completion sees."""

    @property
    def name(self) -> str:
        """The repository's."""

    def snippets(self, path: str, before: str, after: str) -> tuple[Snippet, ...]:
        """Parts of other files, the least important first; the same ones from keystroke to keystroke."""

    def edited(self, path: str, before: str, after: str) -> None:
        """A document has changed."""


class Completer:
    """Completions of one repository in one session. Thread-safe; `complete` blocks."""

    def __init__(
        self,
        model: CompletionModel,
        session: Session,
        context: Context,
        statistics: Statistics,
        *,
        ahead: bool = True,
        size: Size | None = None,
    ) -> None:
        """`ahead`: whether to prepare the next requests while nobody asks. `size`: how much of a document is seen."""
        self._size = size or Size()
        self._model = model
        self._session = session
        self._context = context
        self._statistics = statistics
        self._ahead = ahead
        self._results = Results()
        self._lock = Lock()
        self._underway = Underway()
        self._idle: Timer | None = None
        self._idle_cancel = Cancel()

    def complete(self, cursor: Cursor, cancel: Cancel) -> Suggestion:
        """The suggestion for a cursor; at once where an earlier result serves."""
        self._wake()
        asked = Asked(cursor.path, cursor.before, cursor.after)
        if reason := self._refusal(cursor):
            return _nothing(cursor, reason)
        if (result := self._results.find(asked)) is not None and (result.text or cursor.automatic):
            return self._offered(cursor, result, Usage())
        with self._underway.request(asked, cancel) as pending:
            terms = replace(_terms(cursor), hear=pending.hear)
            result, usage = self._written(cursor, asked, terms, pending.cancel)
        if pending.result is not None:
            result = pending.result
        if result is None or cancel.is_set():
            return _nothing(cursor, "cancelled", usage)
        return self._offered(cursor, result, usage)

    def heading(self, cursor: Cursor) -> None:
        """Tell where a request will be made next; does not block.

        A request that is cancelled goes on as long as what it has written so far goes along with that: its result
        will be there sooner than another one.
        """
        self._underway.head(Asked(cursor.path, cursor.before, cursor.after))

    def edited(self, path: str, before: str, after: str) -> None:
        """Tell of a change, so that later completions know what was worked on."""
        self._context.edited(path, before, after)

    def accepted(self, suggestion: Suggestion) -> None:
        """Tell that a suggestion was taken; counts for the threshold only."""
        self._statistics.count(suggestion.confidence, taken=True)

    def rejected(self, suggestion: Suggestion) -> None:
        """Tell that a suggestion was shown and left."""
        self._statistics.count(suggestion.confidence, taken=False)

    def close(self) -> None:
        """End what is being prepared, and what nobody waits for."""
        self._underway.head(None)
        self._wake()

    def _refusal(self, cursor: Cursor) -> str | None:
        if cursor.path and is_secret(cursor.path):
            return "secret-file"
        if self._model.fim is None and self._model.chat is None:
            return "no-fim-model"
        return None

    def _request(self, cursor: Cursor, asked: Asked, terms: Terms) -> InfillRequest:
        """The prompt, without the rest of the repository where the context is too small for it."""
        seen = window(cursor.text, cursor.offset, cursor.replaced_to, self._size)
        around = Surroundings(self._context.name, cursor.path or "untitled", seen.before, seen.after)
        shown = replace(around, snippets=self._context.snippets(asked.path, asked.before, asked.after))
        request = self._encoded(shown, terms)
        if shown.snippets and request.n_tokens + request.sampling.max_tokens > self._model.n_ctx:
            request = self._encoded(around, terms)
        return request

    def _encoded(self, around: Surroundings, terms: Terms) -> InfillRequest:
        gap = gap_of(self._model, around)
        assert gap is not None, "refused before"
        return request_of(self._model, gap, terms)

    def _written(self, cursor: Cursor, asked: Asked, terms: Terms, cancel: Cancel) -> tuple[Result | None, Usage]:
        """What the model writes and the filters leave of it, kept for later requests; None when cancelled."""
        site = Site(cursor.path, asked.before, asked.after)
        written = write(self._session, self._request(cursor, asked, terms), site, terms, cancel)
        if written.reason == "cancelled":
            return None, written.usage
        try:
            text, replaced = filtered(Draft(written.text, site, terms.extent, automatic=cursor.automatic))
            reason = None
        except DroppedError as dropped:
            text, replaced, reason = "", 0, str(dropped)
        logprobs = written.logprobs(len(text) or len(written.text))
        sure = math.exp(sum(logprobs) / len(logprobs)) if logprobs else None
        result = Result(text, replaced, sure, reason)
        self._results.keep(asked, result)
        self._underway.serve(self._results)
        return result, written.usage

    def _offered(self, cursor: Cursor, result: Result, usage: Usage) -> Suggestion:
        suggestion = self._suggestion(cursor, result, usage)
        if self._ahead:
            self._prepare(cursor, suggestion)
        return suggestion

    def _suggestion(self, cursor: Cursor, result: Result, usage: Usage) -> Suggestion:
        if not result.text:
            return replace(_nothing(cursor, result.reason or "empty", usage), confidence=result.confidence)
        least = self._statistics.threshold if cursor.automatic else BY_HAND_THRESHOLD
        if result.confidence is not None and result.confidence < least:
            return replace(_nothing(cursor, "low-confidence", usage), confidence=result.confidence)
        return Suggestion(result.text, cursor.replaced_to + result.replaced, None, result.confidence, usage)

    # -- while nobody asks --------------------------------------------------------------------------------------

    def _wake(self) -> None:
        """Stop preparing: somebody asks."""
        with self._lock:
            if self._idle is not None:
                self._idle.cancel()
                self._idle = None
            self._idle_cancel.set()
            self._idle_cancel = Cancel()

    def _prepare(self, cursor: Cursor, suggestion: Suggestion) -> None:
        """Soon, unless somebody asks: complete as if this had been accepted, or read anew what was only moved."""
        with self._lock:
            if self._idle is not None:
                self._idle.cancel()
            self._idle = Timer(IDLE_S, self._work_ahead, (cursor, suggestion, self._idle_cancel))
            self._idle.daemon = True
            self._idle.start()

    def _work_ahead(self, cursor: Cursor, suggestion: Suggestion, cancel: Cancel) -> None:
        if suggestion.text:
            text = cursor.before + suggestion.text + cursor.text[suggestion.replace_end :]
            cursor = replace(cursor, text=text, offset=cursor.offset + len(suggestion.text), end=None)
        asked = Asked(cursor.path, cursor.before, cursor.after)
        terms = replace(_terms(cursor), priority=Priority.WARM)
        enough = Timer(AHEAD_S, cancel.set)
        enough.daemon = True
        enough.start()
        try:
            if self._results.find(asked) is None:
                self._written(cursor, asked, terms, cancel)
                return
            terms = replace(terms, exact=True, max_tokens=0)
            for _ in self._session.infill(self._request(cursor, asked, terms), cancel):
                pass
        except CopilotError:
            return  # the next request meets it again, and tells
        finally:
            enough.cancel()


def _terms(cursor: Cursor) -> Terms:
    how_much: Extent = extent(Site(cursor.path, cursor.before, cursor.after))
    return Terms(how_much, BOX_S if cursor.automatic else BOX_BY_HAND_S)


def _nothing(cursor: Cursor, reason: str, usage: Usage | None = None) -> Suggestion:
    return Suggestion("", cursor.replaced_to, reason, None, usage or Usage())
