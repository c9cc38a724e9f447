"""A vocabulary as tiktoken takes it: which bytes each id stands for, and in which order bytes merge.

Knows no file format and not how text is cut or encoded; `vocabulary_draft` makes it.
"""

from array import array
from dataclasses import dataclass

from copilot.engine.split_patterns import Split


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Pieces of bytes and their ranks. The first `n_vocab` pieces are the tokens by id; the rest are only
    steps on the way to a token, or spell a character that has none, and become byte tokens."""

    name: str
    """Model, pre-tokenizer and content digest: equal names mean equal ids for every text."""
    split: Split
    spaced: bool
    """Text spells spaces as U+2581 (Gemma)."""
    n_vocab: int
    pieces: bytes
    offsets: "array[int]"
    """Piece i is `pieces[offsets[i]:offsets[i + 1]]`."""
    ranks: "array[int]"
    """Merge rank of each piece, -1 where text never becomes it (control tokens, unreachable ones)."""
    byte_ids: "array[int]"
    """The id of each single byte, -1 where the vocabulary has none."""
    special: dict[str, int]
    """Control and user-defined tokens by their text."""
    eog: frozenset[int]
