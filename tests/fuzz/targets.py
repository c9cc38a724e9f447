"""What is fuzzed: each parser with the inputs it starts from, and what it may raise."""

import importlib
import io
import json
import socket
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console

from copilot.cli.markdown import MarkdownStream
from copilot.cli.render import clean
from copilot.config import Settings
from copilot.engine.base import Request
from copilot.engine.gguf import read_card
from copilot.engine.segments import SegmentStore
from copilot.errors import DiffError, ModelFileError, UsageError
from copilot.host.rpc import Channel, ClosedError, MalformedError
from copilot.host.wire import WireError, decode
from copilot.models.elsewhere import MODEL_LAYER, found_in
from copilot.repo.diff_parser import parse
from copilot.repo.ignore import parse_rules, verdict
from copilot.tasks.citations import CitationCheck
from copilot.testing import write_tiny_model


@dataclass(frozen=True)
class Target:
    """`run` takes one input and raises nothing but `allowed`; a wrong result is an AssertionError."""

    run: Callable[[bytes], object]
    seeds: Callable[[], list[bytes]]
    allowed: tuple[type[Exception], ...] = ()
    words: tuple[bytes, ...] = (b"\n", b" ", b"\0", b"\xff", b"\xf0\x9f\x98\x80")


@cache
def place() -> Path:
    """A folder of this process for inputs that are files; in memory where there is such a disk."""
    memory = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="copilot-fuzz-", dir=memory if memory.is_dir() else None))


def _file(name: str, content: bytes) -> Path:
    path = place() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def _gguf_seeds() -> list[bytes]:
    seeds = []
    for shape in ("qwen2", "gemma4-e2b"):
        whole = write_tiny_model(place() / "seed.gguf", shape).read_bytes()
        seeds.append(whole[: 1 << 16])
    return seeds


_STORE = SegmentStore(Path(), b"f" * 32, 1 << 20)


def _segment(content: bytes) -> None:
    store = SegmentStore(place() / "kv", b"f" * 32, 1 << 20)
    [link] = store.links([1, 2, 3])
    store.save(link, b"payload" * 9)
    path = next((place() / "kv").rglob("*.kv"))
    path.write_bytes(content)
    there = store.has(link)
    loaded = store.load(link)
    assert loaded is None or (there and bytes(loaded) == content[-len(loaded) :])


def _segment_seeds() -> list[bytes]:
    store = SegmentStore(place() / "kv-seed", b"f" * 32, 1 << 20)
    [link] = store.links([1, 2, 3])
    store.save(link, b"payload" * 9)
    return [next((place() / "kv-seed").rglob("*.kv")).read_bytes()]


DIFF = b"""diff --git a/a b/b
similarity index 90%
rename from a
rename to b
index 1..2 100644
--- a/a
+++ b/b
@@ -1,2 +1,3 @@ def x
 one
-two
+2
+three
\\ No newline at end of file
"""


def _ignore(content: bytes) -> None:
    rules = parse_rules(content) + parse_rules(content, True)
    for path in (b"a", b"src/deep/er/file.py", b"a" * 300, b"x/" * 60 + b"y", "ü.c".encode()):
        verdict(rules, path, False)
        verdict(rules, path, True)


class _Files:
    """One file of ten lines, whatever its name."""

    @property
    def paths(self) -> list[str]:
        return ["src/a.py", "README.md", "a file.md"]

    def lines(self, path: str, /) -> list[str] | None:
        return [f"def name_{n}(): pass" for n in range(10)] if path in self.paths else None


def _answer(content: bytes) -> None:
    text = content.decode("utf-8", "replace")
    check = CitationCheck(_Files(), ())
    step = 1 + len(text) % 7
    said = "".join(check.decode(text[at : at + step]) for at in range(0, len(text), step)) + check.flush()
    screen = io.StringIO()
    with MarkdownStream(Console(file=screen, force_terminal=True, width=80, height=24, color_system=None)) as stream:
        stream.write(said)
    shown = screen.getvalue()
    # What moves the live block are the terminal's own codes; of the answer none may be left.
    assert not set(clean(said)) & {"\x1b", "\x07", "\x9b", "\u202e", "\r"}
    assert "\x07" not in shown and "\x9b" not in shown and "\u202e" not in shown


def _rpc(content: bytes) -> None:
    near, far = socket.socketpair()
    channel = Channel(far, 1)
    try:
        near.setblocking(False)
        sent = near.send(content[:60_000]) if content else 0
        assert sent == len(content[:60_000])
        near.close()
        for _ in range(1000):
            try:
                assert isinstance(channel.receive(1), dict)
            except MalformedError as error:
                if error.fatal:
                    return
    finally:
        near.close()
        channel.close()


def _wire(content: bytes) -> None:
    decode(Request, json.loads(content))


def _settings(content: bytes) -> None:
    root = place() / "root"
    _file("root/.copilot.toml", content)
    Settings.load(root, {"COPILOT_CONFIG_DIR": str(place() / "none")}, {})


def _manifest(content: bytes) -> None:
    _file("ollama/blobs/sha256-" + "a" * 64, b"GGUF")
    _file("ollama/manifests/registry.ollama.ai/library/m/latest", content)
    for found in found_in(place() / "ollama"):
        assert found.path.parent == place() / "ollama" / "blobs"


def _lsp(content: bytes) -> None:
    framing = importlib.import_module("lsp.framing")
    stream = io.BytesIO(content)
    while True:
        try:
            if framing.read_frame(stream, 1 << 20) is None:
                return
        except framing.FrameError as error:
            if error.is_over:
                return


_MESSAGES = [
    b'Content-Length: 2\r\n\r\n{}Content-Length: 14\r\n\r\n{"id":1,"a":[]}',
    b"content-length:1\r\nX: y\r\n\r\n1",
]
_JSON_WORDS = (b'"', b"{", b"}", b"[", b"]", b",", b":", b"1e999", b"-1", b"null", b"\\u0000", b"NaN")
_REQUEST = b'{"prefix":"AQAAAA==","turn":"","sampling":{"max_tokens":3,"stop":["x"],"hidden":[1,2]},"priority":1}'
_OLLAMA = json.dumps({"layers": [{"mediaType": MODEL_LAYER, "digest": "sha256:" + "a" * 64, "size": 4}]}).encode()
_ANSWER = "See `src/a.py:3-4` and [README](README.md:99).\n\n```py\nx\n```\n\x1b]0;t\x07 \u202e <b>|a|\n|-|\n".encode()

TARGETS: dict[str, Target] = {
    "gguf": Target(
        lambda content: read_card(_file("m.gguf", content)),
        _gguf_seeds,
        (ModelFileError,),
        (
            b"GGUF",
            b"general.architecture",
            b"tokenizer.ggml.tokens",
            b"split.count",
            bytes(8),
            b"\xff" * 8,
            b"\x09\0\0\0",
        ),
    ),
    "segments": Target(_segment, _segment_seeds, (), (b"cplt-kv\x01", bytes(32), b"\xff" * 8)),
    "diff": Target(
        parse,
        lambda: [DIFF, b"--- a\n+++ b\n@@ -0,0 +1 @@\n+x\n", b"diff --cc a\n@@@ -1 -1 +1 @@@\n++x\n"],
        (DiffError,),
        (b"@@ -1 +1 @@\n", b"--- ", b"+++ ", b"diff --git ", b'"a\\303\\n"', b"GIT binary patch\n", b"\n\\ ", b"@@@"),
    ),
    "gitignore": Target(
        _ignore,
        lambda: [b"*.py\n!a\n/b/**/c\n[a-z]?\\*\n**/x/\n", b"[[:alpha:]!^]-]\n"],
        (),
        (b"*", b"**", b"**/", b"[", b"]", b"[^", b"\\", b"!", b"/", b"[[:alpha:]]", b"?"),
    ),
    "answer": Target(
        _answer,
        lambda: [_ANSWER],
        (),
        (b"```", b"src/a.py:1-2", b"\x1b[2J", b"\x9b", b"[x](http://y)", b"|", b"\n\n", b"&#27;", b"<!--", b"    "),
    ),
    "rpc": Target(_rpc, lambda: _MESSAGES, (ClosedError,), (b"Content-Length: ", b"\r\n\r\n", *_JSON_WORDS)),
    "wire": Target(_wire, lambda: [_REQUEST], (WireError, ValueError, RecursionError), _JSON_WORDS),
    "settings": Target(
        _settings,
        lambda: [b"context_tokens = 3\nmax_answer_tokens = '5'\n"],
        (UsageError,),
        (b"[", b"]", b"=", b"'''", b"1e999", b"context_tokens", b"model"),
    ),
    "manifest": Target(_manifest, lambda: [_OLLAMA], (), (*_JSON_WORDS, b"../", b"sha256:")),
}
if find_spec("lsp") is not None and find_spec("lsp.framing") is not None:
    TARGETS["lsp"] = Target(
        _lsp, lambda: _MESSAGES, (), (b"Content-Length: ", b"\r\n\r\n", b"-1", b"\r", b"Content-Type: x")
    )
