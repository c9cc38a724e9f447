"""Words of source text: identifiers, the parts they are made of, and prose told apart from code.

Knows no files, no index and no query.
"""

import re
from collections.abc import Iterable

_WORD = re.compile(r"\w\w+")
_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_A-Za-z]+")
_MIXED = re.compile(r"_|[a-z0-9][A-Z]|[A-Z][A-Z][a-z]|[A-Za-z]\d|\d[A-Za-z]")

_HASH = r"#[^\n]*"
_SLASHES = r"/\*[\s\S]*?(?:\*/|\Z)|//[^\n]*"
_TRIPLE = r'"""[\s\S]*?(?:"""|\Z)|' + r"'''[\s\S]*?(?:'''|\Z)"
_PROSE = {
    "python": re.compile(f"({_TRIPLE}|{_HASH})"),
    "slashes": re.compile(f"({_SLASHES})"),
    "dashes": re.compile(rf"(--\[\[[\s\S]*?(?:\]\]|\Z)|--[^\n]*|{_SLASHES})"),
    "hash": re.compile(f"({_HASH})"),
}
_HASH_LANGUAGES = frozenset({"bash", "shell", "sh", "ruby", "perl", "r", "julia", "elixir", "make", "toml", "yaml"})
_DASH_LANGUAGES = frozenset({"lua", "sql"})

LONGEST_WORD = 64
"""Longer runs are data (digests, base64), not words."""

_MEMO_LIMIT = 200_000


def words(text: str) -> list[str]:
    """All runs of two or more letters, digits and underscores, in order."""
    return _WORD.findall(text)


def parts(identifier: str) -> list[str]:
    """`HTTPServer2_port` -> `HTTP`, `Server`, `2`, `port`."""
    if identifier.isascii():
        return _PART.findall(identifier)
    return [part for part in identifier.split("_") if part]


def is_compound(identifier: str) -> bool:
    """Whether the identifier is made of several parts, as `snake_case` and `camelCase` are."""
    return bool(_MIXED.search(identifier.strip("_")))


def prose_and_code(text: str, language: str | None) -> tuple[str, str]:
    """Comments and docstrings, and the rest; text in no known language is all prose."""
    if language is None:
        return text, ""
    family = "hash" if language in _HASH_LANGUAGES else "dashes" if language in _DASH_LANGUAGES else "slashes"
    pieces = _PROSE["python" if language == "python" else family].split(text)
    return " ".join(pieces[1::2]), " ".join(pieces[::2])


def searchable(found: Iterable[str]) -> str:
    """The distinct words as one line for the text index: each as written, a compound one with its parts."""
    if len(_spelled) > _MEMO_LIMIT:
        _spelled.clear()
    return " ".join(map(_spelled.__getitem__, dict.fromkeys(found)))


class _Spelled(dict[str, str]):
    """Word -> the word and its parts; made on first use, since the same words return in every file."""

    def __missing__(self, word: str) -> str:
        split = parts(word) if len(word) <= LONGEST_WORD else []
        spelled = "" if len(word) > LONGEST_WORD else word if len(split) < 2 else " ".join([word, *split])
        self[word] = spelled
        return spelled


_spelled = _Spelled()
