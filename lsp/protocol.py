"""The JSON-RPC side of the server: every request is answered, whatever its bytes, shape or moment.

pygls leaves requests unanswered that do not parse, do not fit their types, or come before `initialize` or after
`shutdown`; here each of them gets an error. Documents and exit codes are left to others. Does not know: features.
"""

import asyncio
import json
from collections.abc import Callable, Generator
from typing import Any

import cattrs
from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams
from pygls.protocol import (
    JsonRPCNotification,
    JsonRPCRequestMessage,
    JsonRPCResponseMessage,
    LanguageServerProtocol,
    default_converter,
    lsp_method,
)

MAX_DEPTH = 200
PARSE_ERROR, INVALID_REQUEST, INVALID_PARAMS, NOT_INITIALIZED = -32700, -32600, -32602, -32002
_REPLACED = (
    types.TEXT_DOCUMENT_DID_OPEN,
    types.TEXT_DOCUMENT_DID_CHANGE,
    types.TEXT_DOCUMENT_DID_CLOSE,
    types.NOTEBOOK_DOCUMENT_DID_OPEN,
    types.NOTEBOOK_DOCUMENT_DID_CHANGE,
    types.NOTEBOOK_DOCUMENT_DID_CLOSE,
)
"""What pygls does itself and does wrong: it splits lines where LSP does not, and moves positions at ends of lines."""


def converter() -> cattrs.Converter:
    """Types of LSP from JSON and back; parameters of our own methods stay as they came."""
    made: cattrs.Converter = default_converter()  # type: ignore[no-untyped-call]
    kind = types.InlineCompletionTriggerKind

    def trigger(value: Any, _: type) -> types.InlineCompletionTriggerKind:
        # Clients from before 3.18 was final count from 0.
        return kind(value) if value in (1, 2) else kind.Invoked if value == 0 else kind.Automatic

    made.register_structure_hook(kind, trigger)
    for message in (JsonRPCRequestMessage, JsonRPCResponseMessage, JsonRPCNotification):
        made.register_structure_hook(message, _as_it_came)
    return made


def _as_it_came(message: dict[str, Any], wanted: type) -> Any:
    names = [field.name for field in wanted.__attrs_attrs__]  # type: ignore[attr-defined]
    return wanted(**{name: message.get(name) for name in names})


class Protocol(LanguageServerProtocol):
    """One connection. `receive` takes the body of each message; it is to be called on the loop's thread."""

    _leaves = False

    def __init__(self, server: Any, made: cattrs.Converter) -> None:
        super().__init__(server, made)
        self.ended: Callable[[int], None] = lambda code: None
        """Told the exit code once the client says `exit`."""
        self.advertise: Callable[[types.ServerCapabilities], None] = lambda capabilities: None
        """May change what `initialize` answers."""
        for name in _REPLACED:
            self.fm.builtin_features.pop(name, None)

    @property
    def is_initialized(self) -> bool:
        return self._workspace is not None

    @property
    def is_shut_down(self) -> bool:
        """Whether the client said `shutdown`; some do not wait for the answer."""
        return self._leaves

    def damaged(self, reason: str) -> None:
        """Say that what came was no message."""
        self._refuse(None, PARSE_ERROR, reason)

    def receive(self, body: bytes) -> None:
        """Deal with one message. Never raises for what a client can send."""
        try:
            message = json.loads(body)
        except (ValueError, RecursionError) as error:
            self._refuse(None, PARSE_ERROR, f"the message is not JSON: {error}")
            return
        if not isinstance(message, dict):
            self._refuse(None, INVALID_REQUEST, "a message is one JSON object; there are no batches in LSP")
            return
        request_id = message.get("id")
        if "id" in message and (isinstance(request_id, bool) or not isinstance(request_id, (int, str))):
            if "method" in message:
                self._refuse(None, INVALID_REQUEST, "an id is a number or a text")
            return
        if wrong := self._wrong(message):
            if "method" in message and "id" in message:
                self._refuse(request_id, *wrong)
            return
        try:
            parsed = self.structure_message(message)
        except (JsonRpcInvalidParams, RecursionError) as error:
            reason = str(error) or "the parameters are nested too deeply"
            if "method" not in message and isinstance(request_id, (int, str)):
                self._handle_response(request_id, None, types.ResponseError(INVALID_PARAMS, reason))
            elif "id" in message:
                self._refuse(request_id, INVALID_PARAMS, reason)
            return
        self._leaves = self._leaves or message.get("method") == types.SHUTDOWN
        self.handle_message(parsed)

    def _wrong(self, message: dict[str, Any]) -> tuple[int, str] | None:
        """Why a message cannot be dealt with: an error code and what to tell."""
        if message.get("jsonrpc") != "2.0":
            return INVALID_REQUEST, 'a message says "jsonrpc": "2.0"'
        method = message.get("method")
        if "method" not in message:
            return None
        if not isinstance(method, str):
            return INVALID_REQUEST, "a method is a text"
        if _is_deeper(message, MAX_DEPTH):
            return INVALID_PARAMS, f"the parameters are nested more than {MAX_DEPTH} deep"
        if method == types.EXIT:
            return None
        if self._leaves:
            return INVALID_REQUEST, f"{method} came after shutdown"
        if method == types.INITIALIZE and self.is_initialized:
            return INVALID_REQUEST, "the server is initialized already"
        if method != types.INITIALIZE and not self.is_initialized:
            return NOT_INITIALIZED, f"{method} came before initialize"
        return None

    def _execute_handler(self, msg_id: int | str, *rest: Any, **more: Any) -> None:
        """As pygls does it, which keeps what became of a notification for ever."""
        super()._execute_handler(msg_id, *rest, **more)
        future = self._request_futures.get(msg_id)

        def let_go(_: object) -> None:
            if self._request_futures.get(msg_id) is future:
                del self._request_futures[msg_id]

        if isinstance(future, asyncio.Future):  # others tell at once, also while pygls goes through all of them
            future.add_done_callback(let_go)

    def structure_message(self, data: dict[str, Any]) -> Any:
        """A message as the types of LSP; JsonRpcInvalidParams says what does not fit."""
        method = data.get("method")
        params = data.get("params")
        if method == types.TEXT_DOCUMENT_INLINE_COMPLETION and isinstance(params, dict):
            params.setdefault("context", {"triggerKind": 1})
        if method == types.INITIALIZE and isinstance(params, dict):
            params["capabilities"] = self._known(params.get("capabilities"))
        if method in (types.SHUTDOWN, types.EXIT):
            data.pop("params", None)
        wanted: Any = None
        if isinstance(method, str):
            is_request = "id" in data
            fallback = JsonRPCRequestMessage if is_request else JsonRPCNotification
            wanted = self.get_message_type(method) or fallback
        elif "error" in data:
            wanted = types.ResponseErrorMessage
        else:
            wanted = self._result_types.pop(data.get("id", ""), None) or JsonRPCResponseMessage
        try:
            return self._converter.structure(data, wanted)
        except RecursionError:
            raise
        except Exception as error:  # cattrs passes on whatever its hooks and validators raise
            raise JsonRpcInvalidParams("; ".join(cattrs.transform_error(error))) from error

    def _known(self, capabilities: Any) -> dict[str, Any]:
        """Capabilities without those that have another shape here: a newer client is no reason to refuse it."""
        if not isinstance(capabilities, dict):
            return {}
        if self._fits(capabilities):
            return capabilities
        known: dict[str, Any] = {}
        for section, features in capabilities.items():
            if not isinstance(features, dict):
                continue
            fitting = {name: value for name, value in features.items() if self._fits({section: {name: value}})}
            known[section] = fitting
        return known

    def _fits(self, capabilities: dict[str, Any]) -> bool:
        try:
            self._converter.structure(capabilities, types.ClientCapabilities)
        except Exception:  # cattrs passes on whatever its hooks and validators raise
            return False
        return True

    def _refuse(self, request_id: int | str | None, code: int, message: str) -> None:
        # A response whose id is null, and so written by hand: pygls leaves null fields out.
        error = {"code": code, "message": message}
        self._send_data({"jsonrpc": self.VERSION, "id": request_id, "error": error})

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(self, params: types.InitializeParams) -> Generator[Any, Any, types.InitializeResult]:
        result = yield from super().lsp_initialize(params)
        self.advertise(result.capabilities)
        return result

    @lsp_method(types.EXIT)
    def lsp_exit(self, *_: Any) -> Generator[Any, Any, None]:
        self.ended(0 if self._leaves else 1)
        yield from ()


def _is_deeper(value: Any, limit: int) -> bool:
    """Whether lists and objects are nested more than `limit` deep."""
    level = [value]
    for _ in range(limit):
        level = [inner for each in level for inner in _inner(each)]
        if not level:
            return False
    return True


def _inner(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [each for each in value.values() if isinstance(each, (dict, list))]
    return [each for each in value if isinstance(each, (dict, list))] if isinstance(value, list) else []
