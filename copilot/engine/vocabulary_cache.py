"""Keeps built vocabularies on disk, by the digest of the header they come from: a warm start parses no GGUF.

A file that cannot be read is built anew; nothing is lost but time.
"""

import io
import json
import zipfile
from dataclasses import asdict
from pathlib import Path

import numpy as np

from copilot.engine.gguf import ModelCard
from copilot.engine.gguf_header import read_header
from copilot.engine.gguf_keys import Keys
from copilot.engine.split_patterns import Split
from copilot.engine.vocabulary import Vocabulary, build_vocabulary
from copilot.files import keep_file

VOCABULARY_VERSION = 1
_ARRAYS = ("offsets", "ranks", "byte_ids")


def load_vocabulary(card: ModelCard, cache_dir: Path | None) -> Vocabulary:
    """Return the card's vocabulary, from the cache if it is there; ModelFileError if it is not supported."""
    if cache_dir is None:
        return build_vocabulary(Keys(read_header(card.path)))
    path = cache_dir / f"vocabulary-{card.header_digest[:32]}-{VOCABULARY_VERSION}.npz"
    try:
        return _read(path)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        vocabulary = build_vocabulary(Keys(read_header(card.path)))
        _write(path, vocabulary)
        return vocabulary


def _read(path: Path) -> Vocabulary:
    # zipfile checks the CRC of each member, so damage is an error and not a wrong token.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in _ARRAYS}
        fields = json.loads(stored["fields"].tobytes())
        pieces = stored["pieces"].tobytes()
    fields["split"] = Split(**fields["split"])
    fields["eog"] = frozenset(fields["eog"])
    vocabulary = Vocabulary(pieces=pieces, **arrays, **fields)
    if len(vocabulary.offsets) != len(vocabulary.ranks) + 1 or len(vocabulary.byte_ids) != 256:
        raise ValueError("inconsistent vocabulary")
    return vocabulary


def _write(path: Path, vocabulary: Vocabulary) -> None:
    fields = {
        "name": vocabulary.name,
        "split": asdict(vocabulary.split),
        "spaced": vocabulary.spaced,
        "n_vocab": vocabulary.n_vocab,
        "special": vocabulary.special,
        "eog": sorted(vocabulary.eog),
    }
    arrays = {name: getattr(vocabulary, name) for name in _ARRAYS}
    arrays["pieces"] = np.frombuffer(vocabulary.pieces, dtype=np.uint8)
    arrays["fields"] = np.frombuffer(json.dumps(fields).encode(), dtype=np.uint8)
    packed = io.BytesIO()
    np.savez(packed, **arrays)
    keep_file(path, packed.getvalue())
