"""A small LSP client for tests: starts a server in a process of its own and speaks JSON-RPC with it over stdio."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any, Self

import pytest

from copilot.testing import Shape, make_repo
from lsp.framing import frame, read_frame

ANSWER_S = 60.0
"""When a test gives up; no test measures time by it."""
INLINE = {"textDocument": {"inlineCompletion": {}}}


class LspSession:
    """One server process and the client side of it."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | dict(environment or {}),
        )
        self.notifications: list[dict[str, Any]] = []
        """Everything the server said unasked, in order."""
        self.requests: list[dict[str, Any]] = []
        """Everything the server asked, in order."""
        self.replies: dict[str, Callable[[Any], Any]] = {}
        """What the client answers, by method; null where there is nothing here."""
        self.result: dict[str, Any] = {}
        """Of `initialize`."""
        self._answers: dict[int | str | None, dict[str, Any]] = {}
        self._came: Queue[dict[str, Any] | None] = Queue()
        self._next_id = 0
        self._log: list[bytes] = []
        Thread(target=self._read, daemon=True).start()
        Thread(target=self._read_log, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()

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
        return answer["error"]

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
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

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
        return next(each["params"] for each in self.requests if each["method"] == method)

    def until(self, condition: Callable[[], bool]) -> None:
        """Take messages until a condition holds."""
        while not condition():
            try:
                message = self._came.get(timeout=ANSWER_S)
            except Empty:
                raise AssertionError(f"the server went quiet; its log: {self.log}") from None
            assert message is not None, f"the server left; its log: {self.log}"
            self._take(message)

    @property
    def log(self) -> str:
        return b"".join(self._log).decode("utf-8", "replace")

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
        return self.result["capabilities"]

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
        return self.process.wait(ANSWER_S)

    # -- threads ---------------------------------------------------------------------------------------------------

    def _read(self) -> None:
        assert self.process.stdout is not None
        try:
            while (body := read_frame(self.process.stdout)) is not None:
                self._came.put(json.loads(body))
        except ValueError:  # closed at the end of the test
            pass
        self._came.put(None)

    def _read_log(self) -> None:
        assert self.process.stderr is not None
        try:
            while piece := self.process.stderr.readline():
                self._log.append(piece)
        except ValueError:  # closed at the end of the test
            pass

    def _take(self, message: dict[str, Any]) -> None:
        if "method" not in message:
            self._answers[message.get("id")] = message
        elif "id" in message:
            self.requests.append(message)
            reply = self.replies.get(message["method"], lambda params: None)
            self.send({"jsonrpc": "2.0", "id": message["id"], "result": reply(message.get("params"))})
        else:
            self.notifications.append(message)


@dataclass(frozen=True)
class Scripted:
    """A repository and a server beside it whose engine answers from a script."""

    session: LspSession
    root: Path
    folder: Path

    def says(self, **script: object) -> None:
        """What the engine does from now on: `answer`, `suggestion`, `reason`, `delay_s`, `replaces`, `error`."""
        (self.folder / "script.json").write_text(json.dumps(script))

    def heard(self, key: str) -> list[Any]:
        """What the engine was told under a key, in order."""
        path = self.folder / "heard.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [each[key] for each in map(json.loads, lines) if key in each]

    def uri(self, path: str) -> str:
        return (self.root / path).as_uri()


FILES = {
    "net.py": 'TIMEOUT_S = 30\n\n\ndef open_line(host):\n    """Dial a host."""\n    return host, TIMEOUT_S\n',
    "mail.py": "from net import open_line\n\n\ndef send(text):\n    return open_line(text)\n",
    "README.md": "# Lines\n\nDials hosts.\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_repo(tmp_path / "lines", FILES)


@pytest.fixture
def start(tmp_path: Path, root: Path, tiny_model: Callable[[Shape], Path]) -> Iterator[Callable[..., Scripted]]:
    """Start a server around a script; `initialize` takes the client's capabilities and options."""
    with ExitStack() as sessions:

        def begin(
            capabilities: Mapping[str, Any] | None = None,
            options: Any = None,
            *,
            folder: Path | None = root,
            **script: object,
        ) -> Scripted:
            place = tmp_path / "script"
            place.mkdir(exist_ok=True)
            if not (place / "tiny.gguf").exists():
                (place / "tiny.gguf").symlink_to(tiny_model("qwen2"))
            command = [sys.executable, str(Path(__file__).with_name("scripted_server.py")), str(place)]
            session = LspSession(command)
            sessions.enter_context(session)
            made = Scripted(session, root, place)
            made.says(**script)
            session.initialize(folder, capabilities, options)
            return made

        yield begin
