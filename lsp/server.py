"""The language server: which method is whose, from the first message to the last.

`create_server` builds one around anything that opens Apps, so that it can be built around a fake. Does not know: how
anything is done.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.exceptions import FeatureRequestError, JsonRpcException, JsonRpcInternalError
from pygls.lsp.server import LanguageServer

from copilot import __version__
from copilot.errors import CopilotError
from lsp.acting import KINDS, Actions
from lsp.asking import Questions
from lsp.client import Client
from lsp.completing import Completions
from lsp.copilot_client import CopilotClient
from lsp.lifecycle import Lifecycle
from lsp.projects import OpenApp, Projects
from lsp.protocol import Protocol, converter
from lsp.reporting import Reporting
from lsp.reviewing import Reviews
from lsp.state import State
from lsp.status import Board
from lsp.synchronising import Synchronising
from lsp.writing import Writing

NAME = "copilot-offline"
REQUEST_FAILED = -32803
_log = logging.getLogger(__name__)
_NOTEBOOKS = types.NotebookDocumentSyncOptions([types.NotebookDocumentFilterWithNotebook(notebook="*")])


class Server(LanguageServer):
    """pygls' server, which bothers its user with no mistake that is not the user's."""

    protocol: Protocol

    def __init__(self) -> None:
        super().__init__(
            NAME, __version__, protocol_cls=Protocol, converter_factory=converter, notebook_document_sync=_NOTEBOOKS
        )

    def report_server_error(self, error: Exception, source: Any) -> None:
        if source is not FeatureRequestError:  # the answer says it
            _log.error("%s: %s", source.__name__, error)


@dataclass(frozen=True, slots=True)
class Features:
    """Everything one server does."""

    state: State
    lifecycle: Lifecycle
    documents: Synchronising
    completions: Completions
    reviews: Reviews
    questions: Questions
    actions: Actions
    writing: Writing
    reporting: Reporting
    copilot: CopilotClient


def create_server(open_app: OpenApp) -> Server:
    """A server that opens repositories with `open_app`; it has no state beyond its own."""
    server = Server()
    client = Client(server)
    board = Board(lambda: features.reporting.changed())
    state = State(Projects(open_app), client, board)
    completions, reviews, questions = Completions(state), Reviews(state), Questions(state)
    writing = Writing(state, reviews, questions)
    actions = Actions(state, reviews, questions, writing)
    reporting = Reporting(state, completions)
    features = Features(
        state,
        Lifecycle(state, server.protocol),
        Synchronising(state),
        completions,
        reviews,
        questions,
        actions,
        writing,
        reporting,
        CopilotClient(state, completions),
    )
    _connect(features)
    server.protocol.advertise = features.lifecycle.advertise
    for method, handler in _notifications(features).items():
        server.feature(method)(_noted(method, handler))
    for method, (handler, options) in _requests(features).items():
        server.feature(method, options)(_answered(method, handler))
    for name, command in _commands(features).items():
        server.command(name)(_commanded(name, command))
    return server


def _connect(features: Features) -> None:
    """Who hears of documents besides the one who keeps them."""
    documents, reviews, completions = features.documents, features.reviews, features.completions

    def opened(uri: str) -> None:
        reviews.opened(uri)
        reviews.taken_over(uri)
        completions.opened(uri)

    async def files_changed(root: Path) -> None:
        reviews.files_changed(root)
        await completions.refresh(root)

    completions.failed = features.lifecycle.lost
    documents.opened = opened
    documents.typed = completions.typed
    documents.saved = reviews.saved
    documents.closed = reviews.given_back
    documents.files_changed = files_changed


def _notifications(features: Features) -> dict[str, Callable[[Any], Any]]:
    documents, lifecycle, copilot = features.documents, features.lifecycle, features.copilot
    return {
        types.INITIALIZED: lambda params: lifecycle.initialized(),
        types.TEXT_DOCUMENT_DID_OPEN: documents.open,
        types.TEXT_DOCUMENT_DID_CHANGE: documents.change,
        types.TEXT_DOCUMENT_DID_SAVE: documents.save,
        types.TEXT_DOCUMENT_DID_CLOSE: documents.close,
        types.NOTEBOOK_DOCUMENT_DID_OPEN: documents.open_notebook,
        types.NOTEBOOK_DOCUMENT_DID_CHANGE: documents.change_notebook,
        types.NOTEBOOK_DOCUMENT_DID_SAVE: documents.save_notebook,
        types.NOTEBOOK_DOCUMENT_DID_CLOSE: documents.close_notebook,
        types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS: documents.change_folders,
        types.WORKSPACE_DID_CHANGE_WATCHED_FILES: documents.change_files,
        types.WORKSPACE_DID_CHANGE_CONFIGURATION: lambda params: lifecycle.reconfigure(params.settings),
        types.WINDOW_WORK_DONE_PROGRESS_CANCEL: lambda params: features.state.client.cancel_work(params.token),
        "textDocument/didFocus": copilot.focused,
        "textDocument/didShowCompletion": copilot.shown,
        "textDocument/didPartiallyAcceptCompletion": copilot.accepted_partly,
        "textDocument/didShowInlineEdit": copilot.shown,
    }


def _requests(features: Features) -> dict[str, tuple[Callable[[Any], Any], Any]]:
    """Method -> who answers it, and what `initialize` says about it."""
    questions, reviews, copilot, actions = features.questions, features.reviews, features.copilot, features.actions
    return {
        types.INITIALIZE: (features.lifecycle.initialize, None),
        types.SHUTDOWN: (lambda params: _shut_down(features), None),
        types.TEXT_DOCUMENT_INLINE_COMPLETION: (features.completions.inline, types.InlineCompletionOptions()),
        types.TEXT_DOCUMENT_COMPLETION: (features.completions.listed, types.CompletionOptions()),
        types.TEXT_DOCUMENT_DIAGNOSTIC: (reviews.pull, types.DiagnosticOptions(True, False, identifier="copilot")),
        types.TEXT_DOCUMENT_HOVER: (actions.hover, None),
        types.TEXT_DOCUMENT_CODE_ACTION: (actions.actions, types.CodeActionOptions(KINDS, resolve_provider=True)),
        types.CODE_ACTION_RESOLVE: (actions.resolve, None),
        "copilot/ask": (questions.ask, None),
        "copilot/chat": (questions.chat, None),
        "copilot/chat/end": (questions.forget, None),
        "copilot/warm": (questions.warm, None),
        "copilot/review": (reviews.asked, None),
        "copilot/status": (features.reporting.asked, None),
        "signIn": (copilot.sign_in, None),
        "signInInitiate": (copilot.sign_in, None),
        "signInConfirm": (copilot.sign_in, None),
        "signOut": (copilot.sign_out, None),
        "checkStatus": (copilot.check_status, None),
        "getVersion": (copilot.version, None),
        "setEditorInfo": (copilot.set_editor, None),
        "textDocument/copilotInlineEdit": (copilot.no_edits, None),
        "textDocument/copilotPanelCompletion": (copilot.panel, None),
    }


def _commands(features: Features) -> dict[str, Callable[..., Any]]:
    actions, writing, copilot = features.actions, features.writing, features.copilot

    def by_argument(handler: Callable[[Any], Any]) -> Callable[..., Any]:
        return lambda *arguments: handler(arguments[0] if arguments else None)

    return {
        "copilot.accepted": copilot.accept,
        "copilot.ask": actions.ask,
        "copilot.explain": actions.explain,
        "copilot.fix": writing.fix,
        "copilot.refactor": writing.refactor,
        "copilot.document": writing.document,
        "copilot.tests": writing.tests,
        "copilot.review": by_argument(features.reviews.asked),
        "copilot.warm": by_argument(features.questions.warm),
        "copilot.status": by_argument(features.reporting.asked),
        "github.copilot.didAcceptCompletionItem": copilot.accept,
        "github.copilot.finishDeviceFlow": by_argument(copilot.sign_in),
    }


async def _shut_down(features: Features) -> None:
    features.completions.close()
    features.reviews.close()
    await features.lifecycle.shutdown()
    await features.state.close()


def _noted(method: str, handler: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A notification's handler. What goes wrong is logged: nobody waits for an answer.

    Whatever it does before its first pause is done before the next message is looked at.
    """

    async def noted(params: Any) -> None:
        try:
            done = handler(params)
            if isinstance(done, Awaitable):
                await done
        except CopilotError as error:
            _log.warning("%s: %s", method, error)
        except Exception:  # a notification must not end the connection
            _log.exception("%s failed", method)

    return noted


def _answered(method: str, handler: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A request's handler: whatever goes wrong becomes an error the client can show."""

    async def answered(params: Any) -> Any:
        return await _outcome(method, handler, params)

    return answered


def _commanded(name: str, command: Callable[..., Any]) -> Callable[..., Any]:
    async def commanded(*arguments: Any) -> Any:
        return await _outcome(name, command, *arguments)

    return commanded


async def _outcome(name: str, handler: Callable[..., Any], *arguments: Any) -> Any:
    try:
        done = handler(*arguments)
        return await done if isinstance(done, Awaitable) else done
    except CopilotError as error:
        raise JsonRpcException(str(error), REQUEST_FAILED, {"code": error.code}) from error
    except JsonRpcException:
        raise
    except Exception as error:  # the client gets an answer, the log the reason
        _log.exception("%s failed", name)
        raise JsonRpcInternalError(f"{name} failed: {type(error).__name__}; the server's log tells more") from error
