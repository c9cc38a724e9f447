"""Small vocabularies for tests, trained here from a few lines of text: byte-level BPE and Gemma's raw UTF-8 BPE.

Knows nothing of weights or files; a vocabulary is a value that `tiny_gguf` writes as key/values.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from copilot.engine.gguf_keys import BYTE, CONTROL, NORMAL, UNUSED, USER_DEFINED
from copilot.engine.vocabulary_draft import SPACE, byte_alphabet

N_MERGES = 480

_WORD = re.compile(r" ?[A-Za-z]+|[0-9]| ?[^\sA-Za-z0-9]+|\n+| +")

_CORPUS = '''
def read_config(path: str, default: dict[str, object] | None = None) -> dict[str, object]:
    """Return the settings of a file, or the default when the file is missing."""
    if default is None:
        default = {}
    try:
        with open(path, encoding="utf-8") as stream:
            return parse(stream.read())
    except FileNotFoundError as error:
        raise ConfigError(f"cannot read {path}: {error}") from error


class Parser:
    """Turns text into a list of tokens, one line after the other."""

    def __init__(self, text: str, limit: int = 100) -> None:
        self.text = text
        self.limit = limit
        self.position = 0

    def next_token(self) -> Token | None:
        for index, line in enumerate(self.text.splitlines()):
            if not line.strip() or line.startswith("#"):
                continue
            elif index > self.limit:
                break
            return Token(line=index, value=line.strip(), kind="word")
        return None

    @property
    def done(self) -> bool:
        return self.position >= len(self.text)


import os
import sys
from dataclasses import dataclass
from collections.abc import Iterator, Sequence

function render(items) { return items.map((item) => item.name).join(", "); }
const total = values.reduce((sum, value) => sum + value, 0);
public static void main(String[] args) { System.out.println("hello, world"); }
if (error != nil) { return fmt.Errorf("the request failed: %w", error) }
while i < n and result[i] != 0: result[i] += 1; i += 1
assert expected == actual, "the answer is not the expected one"

The repository is read once and its cache is kept. Which function reads the file, and where is it used?
The answer is in the file that defines the class; the other files only import it. This change breaks the
caller because the value may be None. You are a helpful assistant. Answer the question of the user and
say which lines of which file you have read. Review the change and list every problem that you can find.
{"path": "src/main.py", "start_line": 1, "end_line": 12, "severity": "high", "message": "wrong value"}
'''

_QWEN_CONTROL = (
    *("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>"),
    *("<|fim_pad|>", "<|repo_name|>", "<|file_sep|>"),
)
_QWEN_USER_DEFINED = ("<tool_call>", "</tool_call>")
_GEMMA_CONTROL = (
    *("<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<|tool>", "<tool|>", "<|think|>"),
    *("<|turn>", "<turn|>", "<|image>", "<|audio>"),
)
_GEMMA_USER_DEFINED = (
    *("<|tool_call>", "<tool_call|>", "<|tool_response>", "<tool_response|>", '<|"|>'),
    *("<|channel>", "<channel|>"),
)


@dataclass(frozen=True, slots=True)
class TinyVocab:
    """A vocabulary as GGUF stores it; the index in `tokens` is the id."""

    model: str
    """`tokenizer.ggml.model`."""
    pre: str | None
    """`tokenizer.ggml.pre`, or None where the model implies it."""
    tokens: tuple[str, ...]
    types: tuple[int, ...]
    merges: tuple[str, ...]

    def id(self, text: str) -> int:
        """Return the id of the token with exactly this stored text; ValueError if there is none."""
        return self.tokens.index(text)


@cache
def qwen2_vocab() -> TinyVocab:
    """Byte-level BPE with the Qwen2.5-Coder control tokens; about 750 tokens."""
    alphabet = byte_alphabet()
    words = ["".join(alphabet[b] for b in word.encode()) for word in _WORD.findall(_CORPUS)]
    pairs = _train(words, N_MERGES)
    texts = [alphabet[b] for b in sorted(alphabet, key=lambda b: ord(alphabet[b]))]
    texts += [left + right for left, right in pairs]
    types = [NORMAL] * len(texts) + [CONTROL] * len(_QWEN_CONTROL) + [USER_DEFINED] * len(_QWEN_USER_DEFINED)
    tokens = (*texts, *_QWEN_CONTROL, *_QWEN_USER_DEFINED, "[PAD0]", "[PAD1]")
    merges = tuple(f"{left} {right}" for left, right in pairs)
    return TinyVocab("gpt2", "qwen2", tokens, (*types, UNUSED, UNUSED), merges)


@cache
def gemma4_vocab() -> TinyVocab:
    """Raw UTF-8 BPE with byte fallback, newline runs and every two-part split of a token as a merge.

    As in the published vocabulary, white-space runs come first and longest-first in the merge list.
    """
    words = [word.replace(" ", SPACE) for word in _WORD.findall(_CORPUS) if not word.isspace()]
    chars = [*sorted(set("".join(words)) | set("\t\r")), "é", "ß", "中", "文", "🙂"]
    runs = [char * n for char in ("\n", SPACE, "\t") for n in range(31, 1, -1)]
    products = runs + [left + right for left, right in _train(words, N_MERGES)]
    products = list(dict.fromkeys(products))
    special = _GEMMA_CONTROL + _GEMMA_USER_DEFINED
    types = [CONTROL] * len(_GEMMA_CONTROL) + [USER_DEFINED] * len(_GEMMA_USER_DEFINED) + [BYTE] * 256
    plain = list(dict.fromkeys(["\n", *products, *chars]))
    tokens = (*special, *(f"<0x{b:02X}>" for b in range(256)), *plain)
    known = set(plain)
    merges = tuple(
        f"{text[:cut]} {text[cut:]}"
        for text in products
        for cut in range(len(text) - 1, 0, -1)
        if text[:cut] in known and text[cut:] in known
    )
    return TinyVocab("gemma4", None, tokens, (*types, *[NORMAL] * len(plain)), merges)


def _train(words: Sequence[str], n_merges: int) -> list[tuple[str, str]]:
    """Return merges, most frequent pair first; ties go to the smaller pair, pairs seen once are left."""
    spelled = {tuple(word): count for word, count in sorted(Counter(words).items())}
    merges: list[tuple[str, str]] = []
    while len(merges) < n_merges:
        pairs: Counter[tuple[str, str]] = Counter()
        for symbols, count in spelled.items():
            for pair in pairwise(symbols):
                pairs[pair] += count
        best = min(pairs, key=lambda pair: (-pairs[pair], pair), default=None)
        if best is None or pairs[best] < 2:
            break
        merges.append(best)
        spelled = {_joined(symbols, best): count for symbols, count in spelled.items()}
    return merges


def _joined(symbols: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    """Return the symbols with each occurrence of the pair merged, leftmost first."""
    if pair[0] not in symbols:
        return symbols
    out: list[str] = []
    i = 0
    while i < len(symbols):
        if symbols[i : i + 2] == pair:
            out.append(pair[0] + pair[1])
            i += 2
        else:
            out.append(symbols[i])
            i += 1
    return tuple(out)
