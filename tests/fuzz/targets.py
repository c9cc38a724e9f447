"""What is fuzzed: each parser with the inputs it starts from, and what it may raise."""

import importlib
import io
import json
import re
import socket
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from copilot.config import Settings
from copilot.engine.gguf import read_card
from copilot.engine.grammar import from_schema
from copilot.engine.requests import Request
from copilot.engine.segments import SegmentStore
from copilot.errors import DiffError, ModelFileError, SchemaError, UsageError
from copilot.host.rpc import Channel, ClosedError, MalformedError
from copilot.host.wire import WireError, decode
from copilot.models.elsewhere import MODEL_LAYER, found_in
from copilot.repo.diff_parser import parse
from copilot.repo.ignore import parse_rules, verdict
from copilot.review.checks import parsed
from copilot.testing import write_tiny_model
from tests.fuzz import model_output


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


def _schema(content: bytes) -> None:
    grammar = from_schema(json.loads(content))
    rules = [line.partition(" ::= ") for line in grammar.removesuffix("\n").split("\n")]
    names = {name for name, _, _ in rules}
    assert "root" in names and len(names) == len(rules)
    for _, _, body in rules:
        bare = re.sub(r'"(?:\\.|[^"\\])*"|\[(?:\\.|[^]\\])*\]|\{[0-9,]*\}', " ", body)
        assert set(re.findall(r"[^\s()|*?]+", bare)) <= names, bare


def _check(content: bytes) -> None:
    check = parsed(content.decode("utf-8", "replace"), "a.md")
    for path in ("a.py", "src/deep/er/file.py", "a" * 200, "x/" * 60 + "y", "ü.c", "\udcff"):
        check.applies(path)


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
_SCHEMAS = [
    b'{"type": "object", "properties": {"a": {"type": "string", "maxLength": 9}}, "required": ["a"]}',
    b'{"anyOf": [{"type": "array", "items": {"enum": [1, "x"]}, "minItems": 2}, {"type": "integer", "minimum": -7}]}',
]
_SCHEMA_WORDS = (
    *("type", "object", "array", "string", "integer", "number", "null", "properties", "required", "items", "enum"),
    *("const", "anyOf", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"),
)
_REQUEST = b'{"prefix":"AQAAAA==","turn":"","sampling":{"max_tokens":3,"stop":["x"],"hidden":[1,2]},"priority":1}'
_OLLAMA = json.dumps({"layers": [{"mediaType": MODEL_LAYER, "digest": "sha256:" + "a" * 64, "size": 4}]}).encode()

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
        model_output.answer,
        lambda: [model_output.ANSWER],
        (),
        (b"```", b"src/a.py:1-2", b"\x1b[2J", b"\x9b", b"[x](http://y)", b"|", b"\n\n", b"&#27;", b"<!--", b"    "),
    ),
    "review": Target(
        lambda content: model_output.review(place(), content),
        lambda: model_output.SENTENCES,
        (),
        (*_JSON_WORDS, b'{"problem": "', b"`", b"\\n", b"\\u202e", b"\\ud800", b"a <= b", b"()", b"::error::", b"%0A"),
    ),
    "completion": Target(
        model_output.completion,
        lambda: model_output.COMPLETIONS,
        (),
        (b"\n", b"    ", b"\t", b"(", b")", b"]}", b"print(x)", b"```", b"# path:", b"<|", b"\r\n", b'"""', b"\x1b["),
    ),
    "rewriting": Target(
        model_output.rewriting,
        lambda: model_output.REWRITINGS,
        (),
        (b"```", b"````", b"```py\n", b"\n", b"    ", b"\t", b"\r", b"\x0b", b"\xe2\x80\xa8"),
    ),
    "schema": Target(
        _schema,
        lambda: _SCHEMAS,
        (SchemaError, ValueError, RecursionError),
        (*_JSON_WORDS, *(f'"{word}"'.encode() for word in _SCHEMA_WORDS)),
    ),
    "checks": Target(
        _check,
        lambda: [b'---\nname: no-print\nfiles: "src/**/*.py, *.pyx"\nseverity: low\n---\nCode prints nothing.\n'],
        (UsageError,),
        (b"---\n", b"*", b"**/", b"**", b"[", b"files: ", b"name: a\n", b"severity: high\n", b",", b"#", b'"'),
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
