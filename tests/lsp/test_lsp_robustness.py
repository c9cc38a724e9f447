"""Whatever a client sends, it gets an answer, and the next message gets one too."""

import asyncio
import os
import signal
import subprocess
import sys

import hypothesis
import pytest
from hypothesis import strategies as st

from copilot.app import App
from copilot.config import Settings
from lsp import lifecycle
from lsp.framing import frame
from lsp.server import create_server

METHODS = (
    "textDocument/inlineCompletion", "textDocument/completion", "textDocument/codeAction", "codeAction/resolve",
    "textDocument/hover", "textDocument/diagnostic", "workspace/executeCommand", "copilot/ask", "copilot/chat",
    "copilot/chat/end", "copilot/review",
)  # fmt: skip
WRONG = (
    None, [], 5, "x", {"textDocument": 5}, {"textDocument": {}}, {"question": 7, "message": ""},
    {"textDocument": {"uri": "file:///a"}, "position": {"line": -1, "character": "x"}}, {"command": 5},
)  # fmt: skip


def test_nothing_is_kept_of_notifications() -> None:
    """An editor sends one at every keystroke."""
    server = create_server(lambda path, flags: App(Settings()))

    async def change() -> None:
        await asyncio.sleep(0)

    async def changed() -> None:
        for number in range(10):
            server.protocol._execute_handler(f"n{number}", change, lambda future: None)
        await asyncio.sleep(0.01)

    asyncio.run(changed())
    assert not server.protocol._request_futures


def test_wrong_parameters_are_answered_with_an_error(start) -> None:
    """Every method answers -32602 to parameters that do not fit, and the server lives on."""
    server = start(answer="ok")
    for method in METHODS:
        for params in WRONG:
            answer = server.session.answer_to(server.session.begin(method, params))
            may_be_empty = method in ("copilot/review", "codeAction/resolve", "textDocument/diagnostic")
            code = answer.get("error", {}).get("code")
            assert may_be_empty or code == -32602, (method, params, answer)
    assert server.session.error("no/such/method", {})["code"] == -32601
    assert server.session.request("copilot/ask", {"question": "Why?"})["answer"] == "ok"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", -32700),
        (b"\xff\xfe", -32700),
        (b"[" * 100_000, -32700),
        (b"[]", -32600),
        (b'{"id": 7, "method": "copilot/status"}', -32600),
        (b'{"jsonrpc": "2.0", "id": true, "method": "copilot/status"}', -32600),
        (b'{"jsonrpc": "2.0", "id": 7, "method": 5}', -32600),
        (b'{"jsonrpc": "2.0", "id": 7, "method": "copilot/ask", "params": ' + b"[" * 300 + b"]" * 300 + b"}", -32602),
    ],
)
def test_what_is_no_message_is_said(start, body: bytes, code: int) -> None:
    """Broken JSON, wrong envelopes and deep nesting are answered, with the id where there is one."""
    server = start()
    server.session.send_raw(frame(body))
    answer = server.session.answer_to(7 if b'"id": 7' in body else None)
    assert answer["error"]["code"] == code
    assert server.session.request("copilot/status")["kind"] == "Normal"


def test_notifications_that_make_no_sense_are_passed_over(start) -> None:
    """Unknown documents, wrong shapes and unknown methods cost nothing."""
    server = start()
    for method, params in (
        ("textDocument/didChange", {"textDocument": {"uri": "file:///x", "version": 1}, "contentChanges": []}),
        ("textDocument/didChange", {"textDocument": 5}),
        ("textDocument/didClose", {"textDocument": {"uri": "file:///x"}}),
        ("workspace/didChangeConfiguration", {"settings": [1]}),
        ("textDocument/didPartiallyAcceptCompletion", {"acceptedLength": "x"}),
        ("$/cancelRequest", {"id": "nobody"}),
        ("no/such/notification", {}),
    ):
        server.session.notify(method, params)
    server.session.send({"jsonrpc": "2.0", "id": "nobody asked", "result": 5})
    assert server.session.request("copilot/status")["kind"] == "Normal"


@hypothesis.settings(max_examples=15, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(
    st.sampled_from(METHODS),
    st.recursive(
        st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["file:///a", "", "x"]),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(
                st.sampled_from(["textDocument", "uri", "position", "line", "character", "range", "start", "context"]),
                inner,
            )
        ),
        max_leaves=6,
    ),
)
def test_every_request_has_one_answer(served, method: str, params: object) -> None:
    """Random parameters: exactly one response, an error or a result."""
    answer = served.session.answer_to(served.session.begin(method, params))
    assert ("error" in answer) != ("result" in answer)


@pytest.fixture
def served(start):
    return start()


def test_order_of_life_is_kept(start) -> None:
    """Before `initialize`, after it a second time, and after `shutdown` requests are refused, never left open."""
    server = start()
    again = server.session.error("initialize", {"capabilities": {}, "processId": None, "rootUri": None})
    assert again["code"] == -32600
    server.session.request("shutdown")
    assert server.session.error("copilot/status")["code"] == -32600
    server.session.notify("exit")
    assert server.session.server.code() == 0


def test_request_before_initialize_is_refused(begin) -> None:
    """A client that skips the handshake is told."""
    server = begin()
    assert server.session.error("copilot/status")["code"] == -32002
    server.session.notify("exit")
    assert server.session.server.code() == 1


def test_newer_clients_are_understood(begin) -> None:
    """Capabilities of another shape are left out, the others count."""
    server = begin()
    capabilities = {
        "textDocument": {"inlineCompletion": {}, "completion": 5, "fromTheFuture": {"x": 1}},
        "general": {"positionEncodings": ["utf-8"]},
        "window": "none",
    }
    found = server.session.initialize(server.root, capabilities)
    assert (found["positionEncoding"], "inlineCompletionProvider" in found) == ("utf-8", True)


def test_client_that_hangs_up_is_an_unclean_end(start) -> None:
    """Without `exit`, the exit code is 1; the pending work is not waited for."""
    server = start(suggestion="x", delay_s=30)
    server.session.open(server.uri("net.py"), "a")
    server.session.complete(server.uri("net.py"), 0, 1)
    server.session.server.stdin.close()
    assert server.session.server.code() == 1


def test_exit_without_shutdown_is_an_unclean_end(start) -> None:
    """A client that says `exit` alone gets 1; shutdown and exit in one breath are a clean end."""
    rude, hasty = start(), start()
    rude.session.notify("exit")
    assert rude.session.server.code() == 1
    hasty.session.begin("shutdown")
    hasty.session.notify("exit")
    assert hasty.session.server.code() == 0


def test_process_keeps_its_streams_and_its_silence(start) -> None:
    """As a process: only messages on stdout, no code and no traceback in the log, and 130 after Ctrl-C."""
    server = start(is_process=True, suggestion="secret_code")
    uri = server.uri("net.py")
    server.session.open(uri, "secret_code = 1\n")
    assert server.session.answer_to(server.session.complete(uri, 0, 0))["result"]["items"]
    assert server.session.error("copilot/ask", {"question": 5})["code"] == -32602
    os.kill(server.session.server.pid, signal.SIGINT)
    assert server.session.server.code() == 130
    log = server.session.server.log
    assert "secret_code" not in log and "Traceback" not in log


def test_server_leaves_with_a_client_that_died(begin, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client's process that is gone while its pipe stays open ends the server."""
    monkeypatch.setattr(lifecycle, "WATCH_S", 0.02)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as client:
        server = begin()
        params = {"processId": client.pid, "rootUri": None, "capabilities": {}}
        server.session.request("initialize", params)
        client.kill()
    assert server.session.server.code() == 1


def test_model_that_is_installed_later_is_found(begin, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a restart and without a word from the client."""
    monkeypatch.setattr(lifecycle, "WATCH_S", 0.02)
    server = begin()
    model = server.folder / "tiny.gguf"
    target = model.readlink()
    model.unlink()
    capabilities = {"textDocument": {"inlineCompletion": {"dynamicRegistration": True}}}
    server.session.initialize(server.root, capabilities)
    server.session.notified("window/showMessage")
    model.symlink_to(target)
    server.session.asked("client/registerCapability")
    assert len([each for each in server.session.notifications if each["method"] == "window/showMessage"]) == 1
