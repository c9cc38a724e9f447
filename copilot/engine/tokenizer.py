"""Text to token ids with a model's own vocabulary, exactly as llama.cpp does, without loading the model.

Text is only ever text: what looks like a control token in it becomes ordinary tokens. Control tokens are
asked for by name. Knows no prompts and no chat format.
"""

import re
from array import array
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from copilot.engine.gguf import ModelCard
from copilot.engine.vocabulary import Vocabulary
from copilot.engine.vocabulary_cache import load_vocabulary
from copilot.errors import ModelFileError

if TYPE_CHECKING:
    from tiktoken import Encoding

LONG_SPACE_CHARS = 1 << 15
"""White space of this length and more is cut by hand: the regular expressions' look-ahead would overflow."""

_SURROGATES = re.compile("[\ud800-\udfff]")
_BLANKS = r"\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_SPACES = re.compile(rf"[\t-\r {_BLANKS}]{{{LONG_SPACE_CHARS},}}")
_SPACES_IN_LINE = re.compile(rf"[\t\x0b\x0c {_BLANKS}]{{{LONG_SPACE_CHARS},}}")


class Tokenizer:
    """Immutable; safe to use from several threads."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        # Pieces beyond the tokens have to be spelled byte by byte.
        self._complete = len(vocabulary.ranks) == vocabulary.n_vocab

    @cached_property
    def _encoding(self) -> "Encoding":
        """Made for the first text: a command that finds all counts in the index takes little longer than this."""
        from tiktoken import Encoding

        vocabulary = self._vocabulary
        ends = vocabulary.offsets.tolist()
        pieces = map(vocabulary.pieces.__getitem__, map(slice, ends, ends[1:]))
        ranked = {piece: rank for piece, rank in zip(pieces, vocabulary.ranks, strict=True) if rank >= 0}
        return Encoding(vocabulary.name, pat_str=vocabulary.split.pattern, mergeable_ranks=ranked, special_tokens={})

    @cached_property
    def _by_rank(self) -> list[int]:
        """Rank -> index of its piece; empty if they are the same."""
        ranks = self._vocabulary.ranks
        n_ranked = max(ranks, default=-1) + 1
        if ranks[:n_ranked] == array("i", range(n_ranked)):
            return []
        found = [0] * n_ranked
        for index, rank in enumerate(ranks):
            if rank >= 0:
                found[rank] = index
        return found

    @classmethod
    def from_card(cls, card: ModelCard, cache_dir: Path | None = None) -> "Tokenizer":
        """Build from the card's file, or from what `cache_dir` keeps of it; ModelFileError if unsupported."""
        return cls(load_vocabulary(card, cache_dir))

    @property
    def name(self) -> str:
        """Identifies the vocabulary by content: equal names mean equal counts."""
        return self._vocabulary.name

    @property
    def n_vocab(self) -> int:
        return self._vocabulary.n_vocab

    @property
    def eog(self) -> frozenset[int]:
        """Ids that end a generation."""
        return self._vocabulary.eog

    def encode(self, text: str) -> list[int]:
        """Return the ids of plain text; lone surrogates count as U+FFFD."""
        try:
            ranks = self._encode(self._spaced(text))
        except UnicodeEncodeError:
            ranks = self._encode(self._spaced(_SURROGATES.sub("\ufffd", text)))
        by_rank = self._by_rank
        if not by_rank:
            return ranks
        ids = [by_rank[rank] for rank in ranks]
        if self._complete or not ids or max(ids) < self.n_vocab:
            return ids
        return [index for piece in ids for index in self._spelled(piece)]

    def encode_batch(self, texts: Iterable[str]) -> list[list[int]]:
        """Return the ids of each text."""
        return [self.encode(text) for text in texts]

    def count(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text."""
        return [len(self.encode(text)) for text in texts]

    def has_control(self, literal: str) -> bool:
        """Whether `literal` is a control or user-defined token."""
        return literal in self._vocabulary.special

    def control(self, literal: str) -> int:
        """Return the id of the control or user-defined token with exactly this text, or raise ModelFileError."""
        index = self._vocabulary.special.get(literal)
        if index is None:
            raise ModelFileError(f"the model's vocabulary has no token {literal}: choose another model")
        return index

    def piece(self, index: int) -> bytes:
        """Return the bytes of one token; a control token's are its text. IndexError outside the vocabulary."""
        if not 0 <= index < self.n_vocab:
            raise IndexError(f"token {index} is outside the vocabulary of {self.n_vocab}")
        return self._slice(index)

    def decode(self, ids: Iterable[int]) -> bytes:
        """Return the bytes of all tokens, one after the other; they may end inside a character."""
        return b"".join(map(self.piece, ids))

    def _slice(self, index: int) -> bytes:
        offsets = self._vocabulary.offsets
        return self._vocabulary.pieces[offsets[index] : offsets[index + 1]]

    def _spaced(self, text: str) -> str:
        # Gemma knows one space, spelled U+2581; here both are spelled " ".
        return text.replace("\u2581", " ") if self._vocabulary.spaced else text

    def _spelled(self, piece: int) -> list[int]:
        """Byte tokens of a piece that no token stands for; a byte without a token is lost, as in llama.cpp."""
        if piece < self.n_vocab:
            return [piece]
        return [index for byte in self._slice(piece) if (index := self._vocabulary.byte_ids[byte]) >= 0]

    def _encode(self, text: str) -> list[int]:
        """Ranks of a text. Long white space is taken out and merged on its own, as the pattern would cut it."""
        if self._vocabulary.spaced or not _has_long_space(text):
            return self._encoding.encode_ordinary(text)
        split = self._vocabulary.split
        ranks: list[int] = []
        start = 0
        for run in (_SPACES_IN_LINE if split.newlines_apart else _SPACES).finditer(text):
            following = text[run.end() : run.end() + 1]
            if split.newlines_apart and following and following in "\r\n":
                continue  # part of a word that ends with the line break, which needs no look-ahead
            end = run.end() if split.ends_space(following) else run.end() - 1
            ranks += self._encoding.encode_ordinary(text[start : run.start()])
            ranks += self._encoding._encode_single_piece(text[run.start() : end])
            start = end
        return ranks + self._encoding.encode_ordinary(text[start:])


def _has_long_space(text: str) -> bool:
    """Whether a run of `LONG_SPACE_CHARS` is possible: it would fill one of these windows. Cheap for any text."""
    step = LONG_SPACE_CHARS // 2
    return any(text[at : at + step].isspace() for at in range(0, len(text) - step + 1, step))
