"""A GGUF's vocabulary restated for tiktoken: which bytes each id stands for, and in which order bytes merge.

llama.cpp merges by a list of pairs, tiktoken by one rank per product. The two agree when the pairs of a product
stand together in the list and every product is what its own bytes merge to; both are checked here.
Knows the vocabulary's content, not how text is cut or encoded.
"""

import hashlib
from array import array
from collections.abc import Iterable, Iterator
from itertools import accumulate, pairwise

from copilot.engine.end_of_generation import END_TEXTS, end_ids
from copilot.engine.gguf_keys import BYTE, CONTROL, NORMAL, USER_DEFINED, Keys
from copilot.engine.merge_order import MergeOrder, Pair
from copilot.engine.split_patterns import split_lines, split_named
from copilot.engine.vocabulary import Vocabulary

SPACE = "\u2581"
"""Gemma's spelling of a space."""

RANKED_BY_ID = frozenset({"0ed85863a36ebb41"})
"""Digests of vocabularies known to merge in the order of their ids (Qwen2.5's): nothing has to be worked out again."""


def build_vocabulary(keys: Keys, known: frozenset[str] = RANKED_BY_ID) -> Vocabulary:
    """Build from a header; ModelFileError where the tokenizer is of a kind not supported here."""
    model, pre = keys.text("tokenizer.ggml.model"), keys.text("tokenizer.ggml.pre", "")
    if model not in ("gpt2", "gemma4"):
        raise keys.error(f"has a tokenizer of the kind {model!r}, supported are 'gpt2' and 'gemma4': choose another")
    texts = [token.decode(errors="replace") for token in keys.strings("tokenizer.ggml.tokens")]
    kinds = keys.integers("tokenizer.ggml.token_type").tolist() or [NORMAL] * len(texts)
    if len(kinds) < len(texts):
        raise keys.error("has tokens without a type: fetch it again")
    draft, digest = _Draft(texts, kinds, spaced=model == "gemma4"), _digest(keys)
    if digest in known and not draft.spaced:
        split = split_named(pre)
        draft.rank_by_id()
    else:
        order = MergeOrder(_merges(keys))
        split = split_lines(_before_space(order)) if draft.spaced else split_named(pre)
        draft.rank_bytes()
        if draft.spaced:
            draft.rank_characters()
        draft.rank_products(order, keep_unreachable=split.whole_words)
        if not order.by_product:
            raise keys.error("orders its merges in a way not supported here: choose another model")
    special = {
        **keys.special_tokens(),
        # llama.cpp makes these control tokens whatever type the file gives them.
        **{text: index for index, text in enumerate(texts) if text in END_TEXTS and draft.is_control(index)},
    }
    # Some GPT-NeoX vocabularies cut such tokens out of text, which text is never read for here.
    if any(text.isspace() for text in special):
        raise keys.error("has white space among its special tokens, which is not supported: choose another model")
    return Vocabulary(
        name=f"{model}-{pre or 'raw'}-{digest}",
        split=split,
        spaced=draft.spaced,
        n_vocab=len(texts),
        pieces=b"".join(draft.pieces),
        offsets=array("i", accumulate(map(len, draft.pieces), initial=0)),
        ranks=array("i", draft.ranks),
        byte_ids=array("i", draft.byte_ids),
        special=special,
        eog=end_ids(keys, {text: index for index, text in enumerate(texts) if text in END_TEXTS}),
    )


class _Draft:
    """Collects pieces and ranks; ranks are given in the order of the calls."""

    def __init__(self, texts: list[str], kinds: list[int], *, spaced: bool) -> None:
        self.texts = texts
        self.kinds = kinds
        self.spaced = spaced
        self._ids = {text: index for index, text in enumerate(texts)}
        self._alphabet = byte_alphabet()
        # From the characters that stand for bytes to those bytes; what else is below 256 becomes no byte.
        self._bytes_of = dict.fromkeys(range(256), "\uffff") | {ord(c): byte for byte, c in self._alphabet.items()}
        self.pieces = [self._piece(index) for index in range(len(texts))]
        self.ranks = [-1] * len(texts)
        self.byte_ids = [-1] * 256
        self._ranked: set[bytes] = set()

    def is_control(self, index: int) -> bool:
        return self.kinds[index] in (CONTROL, USER_DEFINED) or self.texts[index] in END_TEXTS

    def rank_by_id(self) -> None:
        """Every token that text can become has its id as rank."""
        self._find_bytes()
        self.ranks = [
            index if kind == NORMAL and text not in END_TEXTS else -1
            for index, (text, kind) in enumerate(zip(self.texts, self.kinds, strict=False))
        ]

    def rank_bytes(self) -> None:
        """Give the first 256 ranks to the single bytes, in the order of their ids where they have one."""
        self._find_bytes()
        # Rank and id are the same for most files, and then nothing has to be mapped.
        order = sorted(range(256), key=lambda byte: (self.byte_ids[byte] < 0, self.byte_ids[byte], byte))
        self._rank((bytes([byte]), self.byte_ids[byte]) for byte in order)

    def rank_characters(self) -> None:
        """Let the bytes of every character used in a token join before anything else merges."""
        chars = {char for char in set("".join(self._ids)) if ord(char) > 127 and char != SPACE}
        spelled = sorted((char.encode(), char) for char in chars)
        steps = {raw[:n] for raw, _ in spelled for n in range(2, len(raw))}
        self._rank((raw, -1) for raw in sorted(steps, key=lambda raw: (len(raw), raw)))
        ids = ((raw, self._ids.get(char, -1)) for raw, char in spelled)
        self._rank((raw, -1 if index >= 0 and self.is_control(index) else index) for raw, index in ids)

    def rank_products(self, order: MergeOrder, *, keep_unreachable: bool) -> None:
        """Rank what merging makes, in list order."""
        self._rank(
            spelled
            for text, left in order.products()
            if (left == 1 or (keep_unreachable and left > 2)) and (spelled := self._spelled_product(text))
        )

    def _find_bytes(self) -> None:
        for byte in range(256):
            texts = [f"<0x{byte:02X}>"] if self.spaced else [self._alphabet[byte]]
            if self.spaced and byte < 128:
                texts.insert(0, SPACE if byte == 0x20 else chr(byte))
            found = [self._ids[text] for text in texts if text in self._ids]
            self.byte_ids[byte] = found[0] if found else -1

    def _spelled_product(self, text: str) -> tuple[bytes, int] | None:
        """Bytes and id of a product; None for a control token, which text never becomes."""
        index = self._ids.get(text, -1)
        if index < 0 or self.kinds[index] != NORMAL:
            return None if index >= 0 and self.is_control(index) else (self._spell(text), index)
        return None if text in END_TEXTS else (self.pieces[index], index)

    def _rank(self, spelled: Iterable[tuple[bytes, int]]) -> None:
        """Give the next ranks to pieces, each once: to a token's own, or to a new one where the id is -1."""
        pieces, ranks, ranked = self.pieces, self.ranks, self._ranked
        for raw, index in spelled:
            if raw in ranked:
                continue
            if index < 0:
                pieces.append(raw)
                ranks.append(len(ranked))
            else:
                pieces[index] = raw
                ranks[index] = len(ranked)
            ranked.add(raw)

    def _piece(self, index: int) -> bytes:
        text, kind = self.texts[index], self.kinds[index]
        if kind == BYTE and len(text) == 6 and text.startswith("<0x"):
            return bytes.fromhex(text[3:5])
        if kind == NORMAL:
            return self._spell(text)
        return text.encode() if kind in (CONTROL, USER_DEFINED) else b""

    def _spell(self, text: str) -> bytes:
        """The bytes that a stored text stands for."""
        if self.spaced:
            return text.replace(SPACE, " ").encode()
        if text.isascii():  # stands for itself, or for no byte
            return text.encode()
        try:
            return text.translate(self._bytes_of).encode("latin-1")
        except UnicodeEncodeError:  # a character that stands for no byte
            return text.encode()


def _before_space(order: MergeOrder) -> str:
    """Characters that some product has directly before a space."""
    found: set[str] = set()
    for text in order.texts:
        if text.rfind(SPACE) > 0:
            found.update(a for a, b in pairwise(text) if b == SPACE and a != SPACE)
    return "".join(sorted(found))


def byte_alphabet() -> dict[int, str]:
    """Return GPT-2's printable character for each byte: itself where printable, else 256 + n in order."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = sorted(set(range(256)) - set(printable))
    return {byte: chr(byte) for byte in printable} | {byte: chr(256 + n) for n, byte in enumerate(others)}


def _merges(keys: Keys) -> Iterator[Pair]:
    """As llama.cpp reads them: divided at the first space after the first character."""
    for raw in keys.strings("tokenizer.ggml.merges"):
        text = raw.decode(errors="replace")
        cut = text.find(" ", 1)
        if cut > 0:
            yield text[:cut], text[cut + 1 :]


def _digest(keys: Keys) -> str:
    """16 hex digits over all that decides which ids a text gets."""
    digest = hashlib.sha256()
    for key in ("tokens", "merges"):
        digest.update(keys.strings(f"tokenizer.ggml.{key}").data)
    digest.update(keys.integers("tokenizer.ggml.token_type").tobytes())
    return digest.hexdigest()[:16]
