"""What the server asks of its client, each only where the client says it can. To be used on the loop's thread.

Does not know: repositories, models, what a message is about.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from copilot.events import Progress

Token = int | str
_log = logging.getLogger(__name__)
_LEVELS = {"error": types.MessageType.Error, "warning": types.MessageType.Warning, "hint": types.MessageType.Info}
_WORDS = {
    "walk": "looking for files",
    "parse": "indexing",
    "load": "loading the model",
    "restore": "restoring",
    "read": "reading",
    "fetch": "fetching",
    "verify": "checking the model file",
    "review": "reviewing",
}
PATIENCE_S = 3.0
"""How long an answer that nobody must think about may take before it is done without."""


REPORT_S = 0.1
"""Steps that follow each other more closely are not shown one by one."""


class Work:
    """One progress display of the client's; without one, nothing is shown."""

    def __init__(self, server: LanguageServer, token: Token | None) -> None:
        self._server = server
        self._token = token
        self._reported_at = -REPORT_S

    def report(self, progress: Progress) -> None:
        """Show one step, unless one was shown a moment ago."""
        now = time.monotonic()
        if now - self._reported_at < REPORT_S and progress.done != progress.total:
            return
        self._reported_at = now
        total = progress.total
        message = f"{_WORDS[progress.stage]}: {progress.done:,}" + (f" of {total:,}" if total else "")
        percentage = min(100, 100 * progress.done // total) if total else None
        self._notify(types.WorkDoneProgressReport(message=f"{message} {progress.unit}", percentage=percentage))

    def begin(self, title: str, *, cancellable: bool) -> None:
        self._notify(types.WorkDoneProgressBegin(title=title, cancellable=cancellable, percentage=0))

    def end(self) -> None:
        self._notify(types.WorkDoneProgressEnd())

    def _notify(self, value: Any) -> None:
        if self._token is not None:
            self._server.protocol.notify(types.PROGRESS, types.ProgressParams(token=self._token, value=value))


class Client:
    """The client of one server."""

    def __init__(self, server: LanguageServer) -> None:
        self._server = server
        self._said: set[str] = set()
        self._cancels: dict[Token, Callable[[], object]] = {}
        self.is_copilot_client = False
        """Whether it speaks the dialect of GitHub's language server."""

    @property
    def capabilities(self) -> types.ClientCapabilities:
        return self._server.client_capabilities

    def can(self, *names: str) -> bool:
        """Whether the client declared a capability, named by its path: can("window", "work_done_progress")."""
        found: Any = self._server.client_capabilities
        for name in names:
            found = getattr(found, name, None)
            if found is None or found is False:
                return False
        return True

    def notify(self, method: str, params: Any) -> None:
        self._server.protocol.notify(method, params)

    def say(self, text: str, level: str = "warning", *, once: bool = True) -> None:
        """Show one line to the user; the same line not twice."""
        if once:
            if text in self._said:
                return
            self._said.add(text)
        self._server.window_show_message(types.ShowMessageParams(type=_LEVELS[level], message=text))

    def forget_said(self) -> None:
        """What was said may be said again: something was changed since."""
        self._said.clear()

    def chunk(self, token: Token | None, value: dict[str, Any]) -> None:
        """One piece of a partial result."""
        if token is not None:
            self.notify(types.PROGRESS, types.ProgressParams(token=token, value=value))

    @asynccontextmanager
    async def work(self, title: str, token: Token | None, cancel: Callable[[], object] | None) -> AsyncIterator[Work]:
        """A progress display during the block: at the client's token, else at one of our own."""
        if token is None and self.can("window", "work_done_progress"):
            token = await self._created()
        work = Work(self._server, token)
        if token is not None and cancel is not None:
            self._cancels[token] = cancel
        work.begin(title, cancellable=cancel is not None)
        try:
            yield work
        finally:
            work.end()
            if token is not None:
                self._cancels.pop(token, None)

    async def _created(self) -> Token | None:
        token = str(uuid4())
        try:
            params = types.WorkDoneProgressCreateParams(token=token)
            await asyncio.wait_for(self._ask(types.WINDOW_WORK_DONE_PROGRESS_CREATE, params), PATIENCE_S)
        except (JsonRpcException, TimeoutError):
            return None
        return token

    def cancel_work(self, token: Token) -> None:
        """The user wants what is shown at a token to stop."""
        cancel = self._cancels.get(token)
        if cancel is not None:
            cancel()

    async def apply(self, edit: types.WorkspaceEdit, label: str) -> str:
        """Have an edit applied; returns "" or why it was not."""
        if not self.can("workspace", "apply_edit"):
            return "this editor applies no edits of a language server"
        try:
            params = types.ApplyWorkspaceEditParams(edit=edit, label=label)
            done = await self._ask(types.WORKSPACE_APPLY_EDIT, params)
        except JsonRpcException as error:
            return str(error)
        return "" if done.applied else done.failure_reason or "the editor did not apply the edit"

    async def show(self, uri: str, selection: types.Range | None = None) -> bool:
        """Have a document opened; False where the client cannot."""
        if not self.can("window", "show_document", "support"):
            return False
        try:
            params = types.ShowDocumentParams(uri=uri, take_focus=True, selection=selection)
            return bool((await self._ask(types.WINDOW_SHOW_DOCUMENT, params)).success)
        except JsonRpcException:
            return False

    async def configuration(self, section: str) -> Any:
        """The client's options of a section; None where it has none or cannot tell."""
        if not self.can("workspace", "configuration"):
            return None
        params = types.ConfigurationParams(items=[types.ConfigurationItem(section=section)])
        try:
            found = await asyncio.wait_for(self._ask(types.WORKSPACE_CONFIGURATION, params), PATIENCE_S)
        except (JsonRpcException, TimeoutError):
            return None
        return found[0] if found else None

    async def register(self, registration: types.Registration) -> bool:
        return await self._try(types.CLIENT_REGISTER_CAPABILITY, types.RegistrationParams([registration]))

    async def unregister(self, registration: types.Registration) -> bool:
        gone = types.Unregistration(id=registration.id, method=registration.method)
        return await self._try(types.CLIENT_UNREGISTER_CAPABILITY, types.UnregistrationParams([gone]))

    async def refresh_diagnostics(self) -> None:
        if self.can("workspace", "diagnostics", "refresh_support"):
            await self._try(types.WORKSPACE_DIAGNOSTIC_REFRESH, None)

    async def _try(self, method: str, params: Any) -> bool:
        try:
            await asyncio.wait_for(self._ask(method, params), PATIENCE_S)
        except JsonRpcException as error:
            _log.warning("%s: %s", method, error)
            return False
        except TimeoutError:
            _log.warning("%s: the client has not answered yet", method)
        return True

    async def _ask(self, method: str, params: Any) -> Any:
        return await self._server.protocol.send_request_async(method, params)
