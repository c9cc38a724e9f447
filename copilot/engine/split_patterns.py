"""How text is cut into words before merging, by the pre-tokenizer that a GGUF names.

Each entry restates the splitting code of llama.cpp (src/llama-vocab.cpp, src/unicode.cpp at the build named
in pyproject.toml) as one regular expression, because tiktoken takes one; a word never merges with its neighbour.
"""

import re
from dataclasses import dataclass
from unicodedata import category

from copilot.errors import ModelFileError

_GPT2_TAIL = r" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_CONTRACTIONS = r"'s|'t|'re|'ve|'m|'ll|'d"
_ANY_CASE = r"'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]"
_GPT2 = f"{_CONTRACTIONS}|{_GPT2_TAIL}"
_SPACES = r"\s*[\r\n]+|\s+(?!\S)|\s+"
_WORDS = rf"(?:{_ANY_CASE})|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+"
_SYMBOLS = r" ?[^\s\p{L}\p{N}]+[\r\n]*"
_QWEN2 = rf"{_WORDS}|\p{{N}}|{_SYMBOLS}|{_SPACES}"
_LLAMA3 = rf"{_WORDS}|\p{{N}}{{1,3}}|{_SYMBOLS}|{_SPACES}"
_QWEN35 = (
    rf"(?:{_ANY_CASE})|[^\r\n\p{{L}}\p{{N}}]?[\p{{L}}\p{{M}}]+|\p{{N}}| ?[^\s\p{{L}}\p{{M}}\p{{N}}]+[\r\n]*|{_SPACES}"
)
# Digits are cut out first, so white space before one is at the end of its stretch of text.
_DIGITS_FIRST = rf"\p{{N}}|{_CONTRACTIONS}| ?\p{{L}}+| ?[^\s\p{{L}}\p{{N}}]+|\s+(?=\p{{N}})|\s+(?!\S)|\s+"
# Punctuation is cut out first; then GPT-2's words, numbers without their space, and those in threes.
_DEFAULT = (
    r"[\p{P}$+<=>^~|]+| ?\p{L}+|[0-9]{3}|(?:(?![0-9]{3})\p{N})+| (?=\p{N})| ?[^\s\p{L}\p{N}\p{P}$+<=>^~|]+"
    r"|\s+(?=[\p{P}$+<=>^~|])|\s+(?!\S)|\s+"
)

_PATTERNS = {
    _GPT2: ("gpt-2", "phi-2", "olmo", "jais", "mellum", "exaone4", "modern-bert", "gigachat", "a.x-4.0"),
    _QWEN2: ("qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2", "megrez", "stablelm2", "hunyuan"),
    _QWEN35: ("qwen35",),
    _LLAMA3: ("llama-bpe", "llama3", "llama-v3", "falcon3", "lfm2", "dbrx", "smaug-bpe", "glm4", "chatglm-bpe"),
    _DIGITS_FIRST: ("starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b"),
    _DEFAULT: ("default", ""),
}
_BY_NAME = {name: pattern for pattern, names in _PATTERNS.items() for name in names}
# These look a whole word up before merging its bytes.
_WHOLE_WORDS = frozenset({"llama-bpe", "llama3", "llama-v3", "falcon3", "lfm2", "glm4"})


@dataclass(frozen=True, slots=True)
class Split:
    """One way of cutting text into words."""

    pattern: str
    """For tiktoken (Rust regular expressions with look-around)."""
    newlines_apart: bool
    """White space up to the last line break of a run is a word of its own."""
    whole_words: bool = False
    """A word that is a token stays one, whether or not merges lead to it."""
    cut_first: str = ""
    """The Unicode category (first letter) whose characters are cut out before words are looked for,"""
    cut_also: str = ""
    """and other characters cut out like it."""

    def ends_space(self, following: str) -> bool:
        """Whether white space before this character (or the end) is one word; else its last goes with the next."""
        return not following or following in self.cut_also or category(following)[0] == self.cut_first


def split_named(pre: str) -> Split:
    """Return the split for a `tokenizer.ggml.pre`; ModelFileError names an unknown one."""
    pattern = _BY_NAME.get(pre)
    if pattern is None:
        raise ModelFileError(f"the pre-tokenizer {pre!r} is not supported: choose a Qwen2, Llama 3 or Gemma 4 model")
    cut_first, cut_also = {_DIGITS_FIRST: ("N", ""), _DEFAULT: ("P", "$+<=>^~|")}.get(pattern, ("", ""))
    return Split(pattern, r"\s*[\r\n]+" in pattern, pre in _WHOLE_WORDS, cut_first, cut_also)


def split_lines(before_space: str) -> Split:
    """Return the split of Gemma's raw text, where merging knows no words but ends at line breaks.

    Cutting before a space changes nothing unless some token has a space inside: `before_space` holds the
    characters that such tokens have before it, and there the text stays whole.
    """
    if not before_space:
        return Split(r"\n+| *[^\n ]+| +", newlines_apart=True)
    if len(before_space) > 16:
        return Split(r"\n+|[^\n]+", newlines_apart=True)
    joint = "".join(re.escape(char) for char in before_space)
    return Split(rf"\n+| *(?:[^\n ]*[{joint}] +)+[^\n ]*| *[^\n ]+| +", newlines_apart=True)
