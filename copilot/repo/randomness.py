"""Whether a value looks drawn at random, as keys and good passwords are, or written by a person.

A pure function of the value; knows no file, no language and no name the value is given to.
"""

import math
import re
from collections import Counter
from urllib.parse import unquote

LEAST_CHARS = 8

_ENTROPY_SHARE = 0.8
"""Of the most bits per character a value of this length can have."""
_MOST_NEEDED_BITS = 3.7
_HEX_BITS = 3.0
"""Sixteen digits allow four bits at most; real keys of 32 digits have about 3.6."""
_LEAST_HEX_CHARS = 16
_LEAST_LETTERS_ONLY = 16
_LEAST_ONE_CASE = 12
_NAME_CHARS = re.compile(r"[\w.-]*")
_WORDS_SHARE = 0.55
_LEAST_PASSWORD = 6
_PASSWORD_WORDS_SHARE = 0.7

_PLACEHOLDER = re.compile(
    r"example|sample|dummy|fake|mock|test|placeholder|change.?me|your|insert|default|invalid|redacted|todo|fixme"
    r"|xxx|\*\*\*|\.\.\.|…|12345|abcd|qwert|%[sd(]",
    re.IGNORECASE,
)
_BRACKETED = re.compile(r"\(.*\)|\[.*\]|\{.*\}|<.*>")
_NO_SECRET = re.compile(
    r"[a-f0-9]{8}-(?:[a-f0-9]{4}-){3}[a-f0-9]{12}|\d{4}-\d\d-\d\d.*|sha\d{1,3}[-:].*|md5[-:].*|[\w+.-]*://.*|[~$].*|\.{1,2}/.*"
    r"|data:.*|eyj[\w-]+\.eyj.*|[\d.,:+x-]*|#[0-9a-f]{3,8}|arn:.*|urn:.*",
    re.IGNORECASE,
)
_HEX = re.compile(r"[0-9a-f]+|[0-9A-F]+")
_RUN = re.compile(r"[A-Z]?[a-z]{2,}|[A-Z]{3,}")
_VOWEL = re.compile(r"[aeiouy]", re.IGNORECASE)
_CLUSTER = re.compile(r"[^aeiouy]{4}", re.IGNORECASE)


def entropy(value: str) -> float:
    """Shannon entropy in bits per character; 0 for an empty value."""
    counts = Counter(value)
    return sum(-n / len(value) * math.log2(n / len(value)) for n in counts.values())


def is_password(value: str, user: str) -> bool:
    """Tell whether what stands behind a user's name in a URL is meant: no placeholder, no plain word, not the name."""
    value = unquote(value)
    if value == unquote(user) or len(value) < _LEAST_PASSWORD or "$" in value or "\\" in value:
        return False
    if not (any(c.isalpha() for c in value) and any(c.isdigit() for c in value)):
        return False
    return not is_placeholder(value) and _chars_in_words(value) <= _PASSWORD_WORDS_SHARE * len(value)


def is_placeholder(value: str) -> bool:
    """Tell whether a value says itself that it stands for another: `your-key`, `${KEY}`, `xxxxxxxx`."""
    return bool(_PLACEHOLDER.search(value) or _BRACKETED.search(value))


def looks_random(value: str) -> bool:
    """Tell whether nobody would write this by hand: no words, no number, no address, hardly a repetition."""
    value = unquote(value)
    length = len(value)
    if length < LEAST_CHARS or not _has_classes(value) or "\\" in value:
        return False
    if _NO_SECRET.fullmatch(value) or is_placeholder(value):
        return False
    if _HEX.fullmatch(value):
        return length >= _LEAST_HEX_CHARS and entropy(value) >= _HEX_BITS
    if entropy(value) < min(_MOST_NEEDED_BITS, _ENTROPY_SHARE * math.log2(length)):
        return False
    return _chars_in_words(value) <= _WORDS_SHARE * length


def _has_classes(value: str) -> bool:
    """Letters with digits, and what is short of more kinds than names are; or enough letters of both cases."""
    letters = sum(c.isalpha() for c in value)
    if letters < 2:
        return False
    if any(c.isdigit() for c in value):
        mixed = not value.islower() and not value.isupper()
        return mixed or len(value) >= _LEAST_ONE_CASE or not _NAME_CHARS.fullmatch(value)
    return letters >= _LEAST_LETTERS_ONLY and not value.islower() and not value.isupper()


def _chars_in_words(value: str) -> int:
    """How many characters stand in runs of letters that could be spoken."""
    runs = (run[0] for run in _RUN.finditer(value))
    return sum(len(run) for run in runs if len(run) >= 4 and _VOWEL.search(run) and not _CLUSTER.search(run))
