"""From `initialize` to `shutdown`: what client and server can do, the user's settings, and whether there is a model.

Features that need a model are registered when it is found and taken back when it is lost, where the client can do so.
Does not know: the features.
"""

import logging
from asyncio import Task, sleep
from typing import Any

import psutil
from lsprotocol import types

from copilot.errors import CopilotError, ModelFileError, ModelMissingError
from lsp.lanes import Background
from lsp.protocol import Protocol
from lsp.settings import SECTION, merged, settings_from
from lsp.state import State

WATCH_S = 10.0
"""How often it is looked whether the client's process is still there, and whether a missing model is there now."""
_log = logging.getLogger(__name__)


class Lifecycle:
    """One server's life with one client."""

    def __init__(self, state: State, protocol: Protocol) -> None:
        self._state = state
        self._protocol = protocol
        self._registered: types.Registration | None = None
        self._background = Background()
        self._given: Any = None
        """The client's `initializationOptions`, which its configuration stands above."""
        self._looking: Task[None] | None = None
        self.is_inline = False
        """Suggestions are ghost text and not entries of the completion list."""

    def initialize(self, params: types.InitializeParams) -> None:
        """Before the capabilities are made."""
        state, options = self._state, params.initialization_options
        state.documents.encoding = self._encoding()
        state.client.is_copilot_client = isinstance(options, dict) and "editorPluginInfo" in options
        folders = [folder.uri for folder in params.workspace_folders or ()]
        if not folders and params.root_uri:
            folders = [params.root_uri]
        state.projects.set_folders(folders)
        self._given = options
        self._configure(options)
        mode = state.settings.completion.mode
        can_inline = state.client.can("text_document", "inline_completion") or state.client.is_copilot_client
        self.is_inline = mode == "inline" or (mode == "auto" and can_inline)
        # A client in another container has an id that means nothing here.
        if params.process_id is not None and psutil.pid_exists(params.process_id):
            self._background.start(self._watch(params.process_id))

    def advertise(self, capabilities: types.ServerCapabilities) -> None:
        """Ghost text or list entries, never both; neither, where it can be registered once there is a model."""
        if self.is_inline or self._may_register:
            capabilities.completion_provider = None
        if not self.is_inline or self._may_register:
            capabilities.inline_completion_provider = None

    async def initialized(self) -> None:
        """The client is ready for our own requests."""
        await self._watch_files()
        configured = await self._state.client.configuration(SECTION)
        if configured is not None:
            self._configure_above(configured)
        await self.look_for_model()

    async def reconfigure(self, given: Any) -> None:
        """The configuration changed: `given`, or what the client says when it is asked."""
        asked = await self._state.client.configuration(SECTION)
        found = given if asked is None else asked
        if found is not None:
            self._configure_above(found)
            await self.look_for_model()

    def _configure_above(self, given: Any) -> None:
        self._state.client.forget_said()
        self._configure(given if self._given is None else merged(self._given, given))

    async def look_for_model(self) -> None:
        """See whether there is a model, say it once, and offer what it is needed for only then."""
        roots = self._state.projects.roots()
        if not roots:
            await self._offer()
            return
        try:
            project = self._state.projects.project(roots[0])
            models = await self._state.chores.run(lambda cancel: project.models())
        except CopilotError as error:
            self._state.board.set(kind="Error", message=str(error), model=None)
            self._state.client.say(str(error), "error")
            await self._withdraw()
            self._look_again()
            return
        is_on = self._state.settings.completion.enabled
        kind = "Warning" if models.trouble else "Normal" if is_on else "Inactive"
        status = self._state.board.status
        stays = status.message if status.kind == "Normal" else ""  # why nothing was offered, if that was said
        self._state.board.set(kind=kind, message=models.trouble or stays, model=models.names)
        if models.trouble:
            self._state.client.say(models.trouble)
        await self._offer()

    def lost(self, error: CopilotError) -> None:
        """A feature met an error: one of the model takes completion back until there is a model again."""
        if isinstance(error, (ModelMissingError, ModelFileError)) and self._registered is not None:
            self._background.start(self.look_for_model())

    def _look_again(self) -> None:
        """Look for a model from time to time: one may be installed while the editor runs."""
        if self._looking is None or self._looking.done():
            self._looking = self._background.start(self._until_found())

    async def _until_found(self) -> None:
        while self._state.board.status.model is None:
            await sleep(WATCH_S)
            await self.look_for_model()

    async def shutdown(self) -> None:
        self._background.cancel()

    def _encoding(self) -> Any:
        encoding = self._protocol.workspace.position_encoding
        return getattr(encoding, "value", encoding) or "utf-16"

    def _configure(self, given: Any) -> None:
        settings, wrong = settings_from(given)
        self._state.settings = settings
        for line in wrong:
            self._state.client.say(line)
        self._state.projects.configure(settings.flags)

    # -- what the client lets us register --------------------------------------------------------------------------

    @property
    def _may_register(self) -> bool:
        feature = "inline_completion" if self.is_inline else "completion"
        return self._state.client.can("text_document", feature, "dynamic_registration")

    async def _offer(self) -> None:
        """Register completion, if it is not."""
        if self._registered is not None or not self._may_register:
            return
        if self.is_inline:
            made = types.Registration("copilot-inline", types.TEXT_DOCUMENT_INLINE_COMPLETION, {})
        else:
            made = types.Registration("copilot-list", types.TEXT_DOCUMENT_COMPLETION, {})
        self._registered = made
        if not await self._state.client.register(made):
            self._registered = None

    async def _withdraw(self) -> None:
        """Take completion back."""
        made, self._registered = self._registered, None
        if made is not None:
            await self._state.client.unregister(made)

    async def _watch_files(self) -> None:
        if self._state.client.can("workspace", "did_change_watched_files", "dynamic_registration"):
            watchers = [types.FileSystemWatcher(glob_pattern="**/*")]
            options = types.DidChangeWatchedFilesRegistrationOptions(watchers)
            method = types.WORKSPACE_DID_CHANGE_WATCHED_FILES
            await self._state.client.register(types.Registration("copilot-files", method, options))
        if self._state.client.can("workspace", "did_change_configuration", "dynamic_registration"):
            method = types.WORKSPACE_DID_CHANGE_CONFIGURATION
            await self._state.client.register(types.Registration("copilot-settings", method, {"section": SECTION}))

    # -- a client that dies without a word ---------------------------------------------------------------------------

    async def _watch(self, process_id: int) -> None:
        while psutil.pid_exists(process_id):
            await sleep(WATCH_S)
        _log.error("the client's process %d is gone", process_id)
        self._protocol.ended(1)
