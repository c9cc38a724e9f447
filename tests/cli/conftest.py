"""A small real repository and a way to run the command as a user does."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from copilot.testing import Shape, make_repo

SERVER = '''\
"""A tiny key-value server."""

import socket


class Server:
    """Keeps values in memory and serves them over a socket."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.values: dict[str, str] = {}

    def store_value(self, key: str, value: str) -> None:
        """Remember a value under a key."""
        self.values[key] = value


def open_socket(port: int) -> socket.socket:
    """Listen on loopback."""
    return socket.create_server(("127.0.0.1", port))
'''
CLIENT = '''\
"""The client."""

from server import Server


def put(server: Server, key: str) -> None:
    server.store_value(key, "x")
'''
FILES = {
    "README.md": "# kv\n\nA key-value server.\n",
    "server.py": SERVER,
    "client.py": CLIENT,
    ".gitignore": "build/\n",
    "build/out.py": "x = 1\n",
    ".env": "TOKEN=secret\n",
}


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_repo(tmp_path / "project", FILES)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run `copilot` in a process of its own; it must end in time."""

    def run_copilot(*arguments: str | Path, cwd: Path | None = None, stdin: str = "", **variables: str) -> Ran:
        finished = subprocess.run(
            [sys.executable, "-m", "copilot", *map(str, arguments)],
            cwd=cwd or tmp_path,
            input=stdin,
            env=os.environ | variables,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Ran(finished.returncode, finished.stdout, finished.stderr)

    return run_copilot


@pytest.fixture
def tiny(tiny_model: Callable[[Shape], Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny Qwen-shaped model as the chat model of every command."""
    path = tiny_model("qwen2")
    monkeypatch.setenv("COPILOT_MODEL", str(path))
    return path
