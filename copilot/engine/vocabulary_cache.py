"""Keeps built vocabularies on disk, by the digest of the header they come from: a warm start parses no GGUF.

A file is one line of JSON and the bytes of the arrays behind it. One that cannot be read is built anew; nothing is
lost but time.
"""

import json
import sys
import zlib
from array import array
from dataclasses import asdict
from pathlib import Path

from copilot.engine.gguf import ModelCard
from copilot.engine.split_patterns import Split
from copilot.engine.vocabulary import Vocabulary
from copilot.files import keep_file

VOCABULARY_VERSION = 3
_ARRAYS = ("offsets", "ranks", "byte_ids")


def load_vocabulary(card: ModelCard, cache_dir: Path | None) -> Vocabulary:
    """Return the card's vocabulary, from the cache if it is there; ModelFileError if it is not supported."""
    if cache_dir is None:
        return _built(card)
    path = cache_dir / f"vocabulary-{card.header_digest[:32]}-{VOCABULARY_VERSION}-{sys.byteorder}"
    try:
        return _read(path)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        vocabulary = _built(card)
        _write(path, vocabulary)
        return vocabulary


def _built(card: ModelCard) -> Vocabulary:
    # Numpy comes with these; a vocabulary from the cache does not need it.
    from copilot.engine.gguf_header import header_of
    from copilot.engine.gguf_keys import Keys
    from copilot.engine.vocabulary_draft import build_vocabulary

    return build_vocabulary(Keys(header_of(card.path, card.header_digest)))


def _read(path: Path) -> Vocabulary:
    head, _, body = path.read_bytes().partition(b"\n")
    fields = json.loads(head)
    if fields.pop("crc") != zlib.crc32(body):
        raise ValueError("damaged vocabulary")
    position = 0
    for name in _ARRAYS:
        start, position = position, position + fields[name]
        fields[name] = array("i", body[start:position])
    fields["split"] = Split(**fields["split"])
    fields["eog"] = frozenset(fields["eog"])
    return Vocabulary(pieces=body[position:], **fields)


def _write(path: Path, vocabulary: Vocabulary) -> None:
    arrays = {name: getattr(vocabulary, name).tobytes() for name in _ARRAYS}
    body = b"".join([*arrays.values(), vocabulary.pieces])
    fields = {
        "name": vocabulary.name,
        "split": asdict(vocabulary.split),
        "spaced": vocabulary.spaced,
        "n_vocab": vocabulary.n_vocab,
        "special": vocabulary.special,
        "eog": sorted(vocabulary.eog),
        "crc": zlib.crc32(body),
    }
    lengths = {name: len(raw) for name, raw in arrays.items()}
    keep_file(path, json.dumps(fields | lengths).encode() + b"\n" + body)
