"""`copilot lsp` as an editor starts it, with a tiny model that runs the real engine."""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from copilot.app import App


@pytest.fixture
def editor(tiny_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, connect: Any) -> Callable[[], Any]:
    """Start `copilot lsp --stdio` with the tiny model."""
    monkeypatch.setenv("COPILOT_MODEL", str(tiny_model("qwen2")))
    monkeypatch.setenv("COPILOT_MAX_ANSWER_TOKENS", "8")
    return lambda: connect([sys.executable, "-m", "copilot", "lsp", "--stdio"])


@pytest.fixture
def hosts(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[int]]]:
    """The engine in a process of its own; its process ids, which are ended afterwards."""
    folder = tempfile.mkdtemp(prefix="lsp-")  # pytest's own are too long for a socket's name
    monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
    monkeypatch.setenv("COPILOT_HOST", "on")

    def running() -> list[int]:
        find = App.at(root, {}).hosts
        assert find is not None
        return [found.pid for found in find()]

    yield running
    for pid in running():
        psutil.Process(pid).kill()
    shutil.rmtree(folder)


def test_whole_session_with_the_real_engine(editor, root: Path) -> None:
    """Completion, a streamed answer, a conversation, a review and the end, in one process that leaves with 0."""
    session = editor()
    session.initialize(root)
    uri = (root / "net.py").as_uri()
    session.open(uri, (root / "net.py").read_text() + "\n\ndef close_line(")
    assert "error" not in session.answer_to(session.complete(uri, 8, 15))
    answer = session.request("copilot/ask", {"question": "Who dials?", "token": "t"})
    assert answer["usage"]["prompt_tokens"] > 100 and answer["usage"]["generated_tokens"] > 0
    again = session.request("copilot/chat", {"message": "And why?"})
    assert again["usage"]["reused_tokens"] > 0
    assert session.request("copilot/review")["coverage"]["files"] == 0
    assert session.request("copilot/status")["model"]
    assert session.leave() == 0


def test_server_outlives_the_engine(editor, hosts, root: Path) -> None:
    """The engine's process is killed between two questions; both are answered, and the answers are the same."""
    session = editor()
    session.initialize(root)
    first = session.request("copilot/ask", {"question": "Who dials?"})
    [pid] = hosts()
    os.kill(pid, signal.SIGKILL)
    second = session.request("copilot/ask", {"question": "Who dials?"})
    assert second["answer"] == first["answer"]
    assert hosts() != [pid]
    assert session.leave() == 0
