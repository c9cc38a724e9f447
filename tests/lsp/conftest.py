"""A small LSP client for tests, which speaks with a server in a process of its own or in a thread of this one."""

import json
import runpy
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from copilot.testing import Shape, make_repo
from lsp.testing import LspSession, Process, Served

SERVER = Path(__file__).with_name("scripted_server.py")
SCRIPTED = runpy.run_path(str(SERVER))


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

    def until_heard(self, key: str, times: int) -> None:
        """Wait until the engine was told something so many times."""
        self.session.eventually(lambda: len(self.heard(key)) >= times)

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


def scripted(folder: Path, root: Path, tiny: Path, *, is_process: bool) -> Scripted:
    """A server around a script in `folder`."""
    folder.mkdir(exist_ok=True)
    if not (folder / "tiny.gguf").exists():
        (folder / "tiny.gguf").symlink_to(tiny)
    (folder / "heard.jsonl").unlink(missing_ok=True)
    command = [sys.executable, str(SERVER), str(folder)]
    server = Process(command) if is_process else Served(SCRIPTED["open_app_in"](folder))
    made = Scripted(LspSession(server), root, folder)
    made.says()
    return made


@pytest.fixture
def connect() -> Iterator[Callable[[Sequence[str]], LspSession]]:
    """Start a command as a server, and say nothing to it."""
    with ExitStack() as sessions:

        def connect_one(command: Sequence[str]) -> LspSession:
            session = LspSession(Process(command))
            sessions.callback(session.close)
            return session

        yield connect_one


@pytest.fixture
def begin(tmp_path: Path, root: Path, tiny_model: Callable[[Shape], Path]) -> Iterator[Callable[..., Scripted]]:
    """Start a server around a script, and say nothing to it."""
    with ExitStack() as sessions:

        def begin_one(*, is_process: bool = False) -> Scripted:
            made = scripted(tmp_path / "script", root, tiny_model("qwen2"), is_process=is_process)
            sessions.callback(made.session.close)
            return made

        yield begin_one


@pytest.fixture
def start(begin: Callable[..., Scripted], root: Path) -> Callable[..., Scripted]:
    """Start a server around a script and shake hands with it; takes the client's capabilities and options."""

    def start_one(
        capabilities: Mapping[str, Any] | None = None,
        options: Any = None,
        *,
        folder: Path | None = root,
        is_process: bool = False,
        replies: Mapping[str, Callable[[Any], Any]] | None = None,
        **script: object,
    ) -> Scripted:
        made = begin(is_process=is_process)
        made.says(**script)
        made.session.replies |= replies or {}
        made.session.initialize(folder, capabilities, options)
        return made

    return start_one
