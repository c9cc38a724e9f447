"""What the index keeps of one file's bytes: its structure, outline, places, and the names it gives and takes.

All of it is taken from the text without its secrets, unless the file's secrets are allowed. A pure
function of (language by name, bytes, allowed): knows no root, no database, no other file.
"""

import hashlib
import json
import re
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from copilot.repo.chunks import Chunk, chunk
from copilot.repo.languages import language_of
from copilot.repo.nesting import TITLES
from copilot.repo.outline import outline
from copilot.repo.redact import Finding, Redacted, redact
from copilot.repo.tags import Definition, Structure, structure
from copilot.repo.words import is_compound

_SNIFFED_BYTES = 8192
_GENERATED = re.compile(r"@generated|auto-?generated|generated (by|from|with|file)|do not edit", re.IGNORECASE)
_WIDE_LINE = 400
_GIST_LINES = 16
_README_LINES = 40
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
    """"generated", "minified" or ""."""
    structure: Structure = _NO_STRUCTURE
    outline: str = ""
    chunks: tuple[Chunk, ...] = ()
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
    """Return (text, problem); one of them is empty."""
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
    lines = text.split("\n")
    if language is not None and language.is_code:
        shape, places = outline(text, parsed), parsed.definitions
    else:
        # Prose and data are searched in windows: their sections are too short to be told apart by their words.
        shape, places = _sketch(path, text, parsed), ()
    shape = shape or gist(path, lines)
    return Content(text, "", marks, parsed, shape, tuple(chunk(lines, places)), redacted.found)


def _sketch(path: str, text: str, parsed: Structure) -> str:
    """The outline of a text that is no code, "" where its first lines say more: a README, or hardly any structure."""
    if path.rpartition("/")[2].lower().startswith("readme"):
        return ""
    shape = outline(text, parsed)
    return shape if shape.count("\n") >= _FEW_LINES else ""


def gist(path: str, lines: Sequence[str]) -> str:
    """What stands for a text without structure: its first lines, more of a README.

    "" for another text hardly longer than its gist would be.
    """
    name = path.rpartition("/")[2].lower()
    if name.startswith("readme"):
        return _head(lines, _README_LINES)
    if len(lines) <= 2 * _GIST_LINES:
        return ""
    return _head(lines, _GIST_LINES)


def _head(lines: Sequence[str], most: int) -> str:
    head = "\n".join(line[:_GIST_CHARS].rstrip() for line in lines[:most]).strip()
    return head + ("\n…\n" if len(lines) > most else "\n") if head else ""


def marks_of(text: str) -> str:
    """Whether a machine wrote the text, by what it says of itself and by its line lengths."""
    newlines = text.count("\n")
    if len(text) > 4000 and len(text) > _WIDE_LINE * (newlines + 1):
        return "minified"
    head = "\n".join(text[:3000].split("\n", 8)[:8])
    return "generated" if _GENERATED.search(head) else ""


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


def chunks_json(chunks: Iterable[Chunk]) -> str:
    """Where the chunks are and what they are called, as compact JSON rows."""
    rows = [[c.start_line, c.end_line, c.symbol, c.kind, *([c.names] if c.names else ())] for c in chunks]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":")) if rows else ""


def chunks_from(stored: str) -> list[Chunk]:
    """Read what `chunks_json` wrote."""
    return [Chunk(*row) for row in json.loads(stored)] if stored else []
