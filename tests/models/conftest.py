"""Tiny published "models": a catalogue as a value, wheels that hold their parts, and a hub on the loopback."""

import base64
import hashlib
import os
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from copilot.models import Catalogue, Model, Store, WheelParts

PARTS = (b"GGUF" + b"first part." * 4000, b"second part." * 5000, b"and the last" * 10)
CONTENT = b"".join(PARTS)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def parts() -> tuple[bytes, ...]:
    """The model's content, cut as its wheels hold it."""
    return PARTS


@pytest.fixture
def content() -> bytes:
    """The model's content."""
    return CONTENT


@pytest.fixture
def tiny() -> Model:
    """A pinned model of 104 kB that is published on the hub and as three wheels."""
    return Model(
        name="tiny",
        roles=("completion", "chat"),
        repository="maker/tiny",
        file="tiny.gguf",
        revision=COMMIT,
        bytes=len(CONTENT),
        licence="Apache-2.0",
        context=2048,
        sha256=SHA256,
        superseded=(hashlib.sha256(b"GGUF old release").hexdigest(),),
        wheels=WheelParts(project="tiny-test-part{n}", version="1.0", count=len(PARTS)),
    )


@pytest.fixture
def catalogue(tiny: Model) -> Catalogue:
    """`tiny`, and before it `large`: a chat model on the hub only, without a published digest."""
    large = replace(tiny, name="large", roles=("chat",), file="large.gguf", sha256=None, superseded=(), wheels=None)
    return Catalogue(models=(large, tiny), default="tiny")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty models folder that does not exist yet."""
    return Store(tmp_path / "models")


@pytest.fixture
def build_wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[tuple[bytes, ...]], Path]:
    """Write one wheel per part into a folder and make it the only place where pip looks."""

    def build(parts: tuple[bytes, ...]) -> Path:
        folder = tmp_path / "index"
        folder.mkdir(exist_ok=True)
        for number, part in enumerate(parts, start=1):
            _write_wheel(folder, number, part)
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        return folder

    return build


def _write_wheel(folder: Path, number: int, part: bytes) -> None:
    module, info = f"tiny_test_part{number}", f"tiny_test_part{number}-1.0.dist-info"
    members = {
        f"{module}/__init__.py": b"raise RuntimeError('the package of a part was imported')\n",
        f"{module}/data/part{number:02d}.bin": part,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: tiny-test-part{number}\nVersion: 1.0\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b'=').decode()},{len(body)}\n"
        for name, body in members.items()
    )
    members[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    with zipfile.ZipFile(folder / f"{module}-1.0-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, body in members.items():
            wheel.writestr(name, body)


@dataclass
class Hub:
    """What a hub serves and what it was asked; `cuts` are body sizes after which a connection breaks, in turn."""

    content: bytes = CONTENT
    etag: str = SHA256
    cuts: list[int] = field(default_factory=list)
    ranges: bool = True
    status: int = 200
    answers: list[int] = field(default_factory=list)
    """Statuses of the next GETs, before it answers as usual."""
    retry_after: str = ""
    shift: int = 0
    """How far a range is given from where it was asked."""
    longer: int = 0
    """Bytes that the body has beyond the size that was told."""
    most: list[int] = field(default_factory=list)
    """How many bytes the next bodies have at most; they end as if they were whole."""
    moved: bool = False
    """Whether the file is given by a redirect to another address."""
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    endpoint: str = ""

    @property
    def asked_ranges(self) -> list[str | None]:
        """The Range header of every GET."""
        return [headers.get("range") for method, _, headers in self.requests if method == "GET"]


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub on the loopback that serves one file under every path."""
    state = Hub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, body: bool) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            state.requests.append((self.command, self.path, headers))
            start = 0
            status = state.answers.pop(0) if body and state.answers else state.status
            if status == 200 and state.moved and not self.path.startswith("/cdn"):
                status = 302
            if status == 200 and body and state.ranges and "range" in headers:
                start, status = int(headers["range"].removeprefix("bytes=").removesuffix("-")) + state.shift, 206
            rest = state.content[start:] + b"x" * state.longer if status in (200, 206) else b""
            if rest and body and state.most:
                rest = rest[: state.most.pop(0)]
            self.send_response(status)
            if status == 302:
                self.send_header("Location", f"{state.endpoint}/cdn{self.path}")
            if status == 206:
                self.send_header("Content-Range", f"bytes {start}-{len(state.content) - 1}/{len(state.content)}")
            if state.retry_after:
                self.send_header("Retry-After", state.retry_after)
            self.send_header("ETag", f'"{state.etag}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("X-Linked-Etag", f'"{state.etag}"')
            self.send_header("X-Linked-Size", str(len(state.content)))
            self.send_header("Content-Length", str(len(rest)))
            self.end_headers()
            if not body:
                return
            if state.cuts and rest:
                self.wfile.write(rest[: state.cuts.pop(0)])
                self.close_connection = True
            else:
                self.wfile.write(rest)

        def log_message(self, format: str, *args: object) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    state.endpoint = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
