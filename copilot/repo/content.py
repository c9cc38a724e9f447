"""What the index keeps of one file's bytes: its structure, outline, and the names it gives and takes.

All of it is taken from the text without its secrets, unless the file's secrets are allowed. A pure
function of (language by name, bytes, allowed): knows no root, no database, no other file.
"""

import codecs
import functools
import hashlib
import json
import re
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from copilot.repo.headings import headings
from copilot.repo.languages import language_of
from copilot.repo.nesting import TITLES
from copilot.repo.outline import outline
from copilot.repo.redact import Finding, Redacted, redact
from copilot.repo.tags import Definition, Structure, structure
from copilot.repo.words import is_compound

_SNIFFED_BYTES = 8192
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_GENERATED = re.compile(
    r"@generated\b|\bdo not (?:edit|modify)\b|\bauto-?generated\b|\bautomatically generated\b"
    r"|^\W*(?:this |the )?(?:code|file|class|module|script|header|source(?: code| file)?)\b.{0,20}\bgenerated\b"
    r"|^\W*generated (?:by|from|with|using|automatically)\b",
    re.IGNORECASE | re.MULTILINE,
)
_BUILT = re.compile(
    r"^(?:/\*{6}/ \(|\(\(\) => \{ // webpackBootstrap|\(function\(\)\{function \w\(\w,\w,\w\)\{)|__webpack_require__"
    r'|^Object\.defineProperty\(exports, "__esModule", \{ value: true \}\);|^var __\w+ = \(this && this\.__\w+\)'
    r"|^import \{ createRequire as __|^var __defProp = Object\.defineProperty;",
    re.MULTILINE,
)
"""What TypeScript, webpack, browserify and esbuild begin their output with."""
_SOURCE_MAP = re.compile(r"(?://|/\*)# sourceMappingURL=")
_HEAD_LINES = 8
_WIDE_LINE = 400
_LONG_LINE = 5000
_PROSE_SPACES = 0.1
"""Prose with a paragraph to a line has more; so has code that is not for machines alone."""
_GIST_LINES = 16
_README_LINES = 40
_README_HEADINGS = 40
_FEW_LINES = 3
_GIST_CHARS = 160
_SHOUTED = frozenset({"constant", "field", "macro"})
_COMMON_TEXT = """
    add append args assert bool bytes call clear close copy count data default delete dict equals
    error extend false find first float format free get handle hash head index info init insert int
    item items iter join key keys kind last len length line lines list load log main map max message
    min name new next none null object open options parse path pop post print process put range read
    remove replace reset result run save self send set setup size sort source split start state
    status step stop str string strip sum super test text this time toString true tuple type update
    url user value values version view void write zip
"""
_COMMON = frozenset(_COMMON_TEXT.split())

_NO_STRUCTURE = Structure((), (), (), None)


@dataclass(frozen=True, slots=True)
class Content:
    """One file's bytes, read."""

    text: str
    """Decoded, without a byte order mark and secrets; "" where there is a problem."""
    problem: str = ""
    """"binary", "not UTF-8", or "" for text."""
    marks: str = ""
    """"generated", "compiled", "minified" or ""."""
    structure: Structure = _NO_STRUCTURE
    outline: str = ""
    redactions: tuple[Finding, ...] = ()
    """The secrets that `text` is without."""

    @property
    def lines(self) -> int:
        """Number of lines, the last one counted with or without its newline."""
        return self.text.count("\n") + (not self.text.endswith("\n") if self.text else 0)


def content_key(path: str, raw: bytes, allowed: bool = False) -> bytes:
    """Identity of what will be stored: the bytes, their language by name, and whether secrets stay. 20 bytes."""
    language = language_of(path)
    person = language.name.encode() if language else b""
    salt = b"allowed" if allowed else b""
    return hashlib.blake2b(raw, digest_size=20, person=person[:16], salt=salt).digest()


def decode(raw: bytes) -> tuple[str, str]:
    """Return (text, problem); one of them is empty. UTF-16 is known by its byte order mark."""
    if raw.startswith(_UTF_16) and not raw.startswith(codecs.BOM_UTF32_LE):
        try:
            return raw.decode("utf-16"), ""
        except UnicodeDecodeError:
            return "", "binary"
    if b"\0" in raw[:_SNIFFED_BYTES]:
        return "", "binary"
    try:
        return raw.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        return "", "not UTF-8"


def read_content(path: str, raw: bytes, allowed: bool = False) -> Content:
    """Decode one file, take its secrets out unless they are `allowed`, parse and cut it. Never raises on bad text."""
    text, problem = decode(raw)
    if problem:
        return Content("", problem)
    redacted = Redacted(text, ()) if allowed else redact(text, path)
    text = redacted.text
    marks = marks_of(text)
    if marks == "minified":
        return Content(text, "", marks, redactions=redacted.found)
    language = language_of(path)
    parsed = structure(text, language)
    is_code = language is not None and language.is_code
    shape = outline(text, parsed) if is_code else _sketch(path, text, parsed)
    return Content(text, "", marks, parsed, shape or gist(path, text), redacted.found)


def _sketch(path: str, text: str, parsed: Structure) -> str:
    """The outline of a text that is no code, "" where its first lines say more: a README, or hardly any structure."""
    if _is_readme(path):
        return ""
    shape = outline(text, parsed)
    return shape if shape.count("\n") >= _FEW_LINES else ""


def gist(path: str, text: str) -> str:
    """What stands for a text without structure: its first lines; more of a README, and the headings of its rest.

    "" for another text hardly longer than its gist would be.
    """
    lines = text.split("\n")
    if _is_readme(path):
        rest = [f"{'#' * level} {title}\n" for line, level, title in headings(lines) if line > _README_LINES]
        return _head(lines, _README_LINES) + "".join(rest[:_README_HEADINGS])
    if len(lines) <= 2 * _GIST_LINES and len(text) <= 2 * _GIST_LINES * _GIST_CHARS:
        return ""
    return _head(lines, _GIST_LINES)


def _is_readme(path: str) -> bool:
    return path.rpartition("/")[2].lower().startswith("readme")


def _head(lines: Sequence[str], most: int) -> str:
    head = "\n".join(_cut(line.rstrip()) for line in lines[:most]).strip()
    return head + ("\n…\n" if len(lines) > most else "\n") if head else ""


def _cut(line: str) -> str:
    return line if len(line) <= _GIST_CHARS else line[: _GIST_CHARS - 1].rstrip() + "…"


def marks_of(text: str) -> str:
    """Whether a machine wrote the text, by what it says of itself and by its line lengths."""
    if len(text) > 4000 and _is_wide(text) and text.count(" ") < _PROSE_SPACES * len(text):
        return "minified"
    head = "\n".join(text[:3000].split("\n", _HEAD_LINES)[:_HEAD_LINES])
    if _GENERATED.search(head):
        return "generated"
    return "compiled" if _BUILT.search(head) or _SOURCE_MAP.search(text, max(0, len(text) - 300)) else ""


def _is_wide(text: str) -> bool:
    """Whether lines are long on the average, or one of them is nearly all of the text."""
    if len(text) > _WIDE_LINE * (text.count("\n") + 1):
        return True
    if text.find("\n", len(text) // 10 + 1, len(text) * 9 // 10) >= 0:
        return False  # the middle of a line that is nearly all of the text has no line end
    return max(map(len, text.split("\n"))) > max(_LONG_LINE, len(text) * 9 // 10)


@functools.lru_cache(maxsize=1 << 16)
def name_hash(name: str) -> int:
    """64-bit identity of a name, the same on every machine."""
    return int.from_bytes(hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def weight_of(definition: Definition) -> float:
    """How surely a use of this name means this definition: 1 for a long compound name, 0 for `get` and `__init__`."""
    if definition.kind in TITLES:
        return 0.0
    name = definition.name
    bare = name.strip("_")
    if len(bare) < 3 or bare in _COMMON or (name.startswith("__") and name.endswith("__")):
        return 0.0
    weight = 1.0
    if not is_compound(bare):
        named_type = bare[:1].isupper() and not bare.isupper()
        weight = 0.8 if named_type else 0.5 if len(bare) >= 8 else 0.2 if len(bare) >= 5 else 0.1
    if name.startswith("_"):
        weight *= 0.1
    if definition.kind in _SHOUTED:
        weight *= 0.5
    return weight * (0.6 if definition.parent else 1.0)


def pack_defines(definitions: Iterable[Definition]) -> bytes:
    """Name hashes and weights of what a text defines, by hash: `<Qf` each."""
    best: dict[int, float] = {}
    for definition in definitions:
        weight = weight_of(definition)
        if weight:
            key = name_hash(definition.name)
            best[key] = max(best.get(key, 0.0), weight)
    return b"".join(struct.pack("<Qf", key, best[key]) for key in sorted(best))


def pack_refers(parsed: Structure) -> bytes:
    """Name hashes and use counts of what a text uses, as one block of hashes and one of counts."""
    uses = {
        name_hash(reference.name): min(len(reference.lines), 65535)
        for reference in parsed.references
        if len(reference.name) >= 3 and reference.name not in _COMMON
    }
    keys = sorted(uses)
    return struct.pack(f"<{len(keys)}Q{len(keys)}H", *keys, *(uses[key] for key in keys))


def definitions_json(definitions: Iterable[Definition]) -> str:
    """Definitions as compact JSON rows; `definitions_from` reads them back."""
    rows = [[d.name, d.kind, d.start_line, d.end_line, d.parent, d.signature, d.doc] for d in definitions]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":")) if rows else ""


def definitions_from(stored: str) -> tuple[Definition, ...]:
    """Read what `definitions_json` wrote."""
    return tuple(Definition(*row) for row in json.loads(stored)) if stored else ()
