"""An LSP client for tests of this server and of what is built on it, which may run in a thread of the same process.

It waits for messages, never for time. Does not know: what any message means.
"""

import asyncio
import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import IO, Any, Protocol

from lsp.framing import frame, read_frame
from lsp.projects import OpenApp
from lsp.start import served
from lsp.stdio import Writer

ANSWER_S = 60.0
"""When a test gives up; no test measures time by it."""
INLINE: Mapping[str, Any] = {"textDocument": {"inlineCompletion": {}}}


class Running(Protocol):
    """A server that runs."""

    stdin: IO[bytes]
    stdout: IO[bytes]

    @property
    def log(self) -> str: ...

    def code(self) -> int:
        """The exit code, once it has ended."""

    def close(self) -> None: ...


class Served:
    """A server in a thread of this process, between two pipes: the same bytes, without the start of a process."""

    def __init__(self, open_app: OpenApp) -> None:
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        self.stdin: IO[bytes] = os.fdopen(ours_out, "wb")
        self.stdout: IO[bytes] = os.fdopen(ours_in, "rb")
        self._reader, self._stream = os.fdopen(theirs_in, "rb"), os.fdopen(theirs_out, "wb")
        self._codes: Queue[int] = Queue()
        self._thread = Thread(target=self._serve, args=(open_app,), daemon=True)
        self._thread.start()

    @property
    def log(self) -> str:
        return "in this process"

    def code(self) -> int:
        """The exit code, once it has ended."""
        return self._codes.get(timeout=ANSWER_S)

    def close(self) -> None:
        self.stdin.close()
        self._thread.join(ANSWER_S)
        for stream in (self.stdout, self._reader):
            stream.close()

    def _serve(self, open_app: OpenApp) -> None:
        writer = Writer(self._stream)
        try:
            self._codes.put(asyncio.run(served(open_app, self._reader, writer)))
        finally:
            writer.close()
            self._stream.close()


class Process:
    """A server in a process of its own."""

    def __init__(self, command: Sequence[str | Path]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert self._process.stdin is not None and self._process.stdout is not None
        self.stdin: IO[bytes] = self._process.stdin
        self.stdout: IO[bytes] = self._process.stdout
        self.pid = self._process.pid
        self._log: list[bytes] = []
        self._logging = Thread(target=self._read_log, daemon=True)
        self._logging.start()

    @property
    def log(self) -> str:
        return b"".join(self._log).decode("utf-8", "replace")

    def code(self) -> int:
        """The exit code, once it has ended."""
        return self._process.wait(ANSWER_S)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._logging.join(ANSWER_S)
        self.stdin.close()
        self.stdout.close()

    def _read_log(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stream:
            for line in stream:
                self._log.append(line)


class LspSession:
    """The client's side of one server."""

    def __init__(self, server: Running) -> None:
        self.server = server
        self.notifications: list[dict[str, Any]] = []
        """Everything the server said unasked, in order."""
        self.requests: list[dict[str, Any]] = []
        """Everything the server asked, in order."""
        self.replies: dict[str, Callable[[Any], Any]] = {}
        """What the client answers, by method; null where there is nothing here."""
        self.result: dict[str, Any] = {}
        """Of `initialize`."""
        self.arrived: dict[int | str | None, float] = {}
        """When each answer came, on the clock of `time.perf_counter`."""
        self._answers: dict[int | str | None, dict[str, Any]] = {}
        self._came: Queue[dict[str, Any] | None] = Queue()
        self._next_id = 0
        self._reading = Thread(target=self._read, daemon=True)
        self._reading.start()

    def close(self) -> None:
        with suppress(BrokenPipeError):
            self.server.close()
        self._reading.join(ANSWER_S)

    # -- messages --------------------------------------------------------------------------------------------------

    def request(self, method: str, params: Any = None) -> Any:
        """The result of a request; an error fails the test."""
        answer = self.answer_to(self.begin(method, params))
        assert "error" not in answer, answer["error"]
        return answer.get("result")

    def error(self, method: str, params: Any = None) -> dict[str, Any]:
        """The error of a request that fails."""
        answer = self.answer_to(self.begin(method, params))
        assert "error" in answer, answer
        error: dict[str, Any] = answer["error"]
        return error

    def begin(self, method: str, params: Any = None) -> int:
        """Make a request; returns its id."""
        self._next_id += 1
        self.send({"jsonrpc": "2.0", "id": self._next_id, "method": method, "params": params})
        return self._next_id

    def notify(self, method: str, params: Any = None) -> None:
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def send(self, message: Any) -> None:
        self.send_raw(frame(json.dumps(message).encode()))

    def send_raw(self, data: bytes) -> None:
        self.server.stdin.write(data)
        self.server.stdin.flush()

    def answer_to(self, request_id: int | str | None) -> dict[str, Any]:
        """The response to a request, as it came."""
        self.until(lambda: request_id in self._answers)
        return self._answers.pop(request_id)

    def has_answer(self, request_id: int) -> bool:
        return request_id in self._answers

    def notified(self, method: str, accept: Callable[[Any], bool] = lambda params: True) -> Any:
        """The parameters of the first notification of a method that is accepted, past or to come."""
        found: list[Any] = []

        def look() -> bool:
            said = [each["params"] for each in self.notifications if each["method"] == method]
            found[:] = [params for params in said if accept(params)]
            return bool(found)

        self.until(look)
        return found[0]

    def asked(self, method: str) -> Any:
        """The parameters of the first request of the server's for a method, past or to come."""
        self.until(lambda: any(each["method"] == method for each in self.requests))
        return next(each.get("params") for each in self.requests if each["method"] == method)

    def until(self, condition: Callable[[], bool]) -> None:
        """Take messages until a condition holds."""
        while not condition():
            try:
                message = self._came.get(timeout=ANSWER_S)
            except Empty:
                raise AssertionError(f"the server went quiet; its log: {self.server.log}") from None
            assert message is not None, f"the server left; its log: {self.server.log}"
            self._take(message)

    def eventually(self, condition: Callable[[], bool]) -> None:
        """Wait until something holds that no message tells of; messages that come are taken."""
        for _ in range(int(ANSWER_S / 0.01)):
            if condition():
                return
            with suppress(Empty):
                message = self._came.get(timeout=0.01)
                assert message is not None, f"the server left; its log: {self.server.log}"
                self._take(message)
        raise AssertionError("what was waited for did not happen")

    # -- a session -------------------------------------------------------------------------------------------------

    def initialize(
        self, root: Path | None, capabilities: Mapping[str, Any] | None = None, options: Any = None
    ) -> dict[str, Any]:
        """Shake hands; returns the server's capabilities."""
        folders = [{"uri": root.as_uri(), "name": root.name}] if root is not None else None
        self.result = self.request(
            "initialize",
            {
                "processId": os.getpid(),
                "rootUri": root.as_uri() if root is not None else None,
                "workspaceFolders": folders,
                "capabilities": INLINE if capabilities is None else capabilities,
                "initializationOptions": options,
            },
        )
        self.notify("initialized", {})
        found: dict[str, Any] = self.result["capabilities"]
        return found

    def open(self, uri: str, text: str, language: str = "python", version: int = 1) -> None:
        document = {"uri": uri, "languageId": language, "version": version, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})

    def change(self, uri: str, version: int, *changes: dict[str, Any]) -> None:
        document = {"uri": uri, "version": version}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": list(changes)})

    def complete(self, uri: str, line: int, character: int, trigger: int = 1) -> int:
        """Ask for ghost text; returns the request's id."""
        return self.begin(
            "textDocument/inlineCompletion",
            {
                "textDocument": {"uri": uri},
                "position": {"line": line, "character": character},
                "context": {"triggerKind": trigger},
            },
        )

    def leave(self) -> int:
        """Shut down; returns the exit code."""
        self.request("shutdown")
        self.notify("exit")
        return self.server.code()

    # -- threads ---------------------------------------------------------------------------------------------------

    def _read(self) -> None:
        with suppress(ValueError):  # closed at the end of the test
            while (body := read_frame(self.server.stdout)) is not None:
                message = json.loads(body)
                if "method" not in message:
                    self.arrived[message.get("id")] = time.perf_counter()
                self._came.put(message)
        self._came.put(None)

    def _take(self, message: dict[str, Any]) -> None:
        if "method" not in message:
            self._answers[message.get("id")] = message
        elif "id" in message:
            self.requests.append(message)
            reply = self.replies.get(message["method"])
            result = reply(message.get("params")) if reply is not None else None
            self.send({"jsonrpc": "2.0", "id": message["id"], "result": result})
        else:
            self.notifications.append(message)
