"""A search query, taken apart: what to look for, and which of its words are names or paths.

Knows no index; each term is one word, so that no query text can be taken for the text index's syntax.
"""

import functools
import math
import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from copilot.repo.breadth import Breadth, breadth_of
from copilot.repo.short_forms import same_words
from copilot.repo.words import is_compound, parts, words

MOST_TERMS = 40
MOST_PAIRS = 12
MOST_CHARS = 8192
"""What lies beyond is not read."""

_TITLE_WEIGHT = 2.0
"""Of a word in the first line, which says what the rest is about."""
_CODE_WEIGHT = 2.0
"""Of a word that is marked as code, or the function of a stack frame."""
_NUMBER_WEIGHT = 0.5
_FORM_WEIGHT = 0.25
"""Of a word below the title that reports have because they are reports, whatever they are about."""
_WRAPPED_CHARS = 50
"""A first line this long that goes on in the next is no title, but text that was wrapped."""

_STOPWORDS_TEXT = """a about all also an and any are as at be been being but by can could did do does doing done each
    explain for from get gets give given had has have having how i if in into is it its itself made make makes
    may me my of on one only or other our over please show so some such tell than that the their them then
    there these they thing things this those through to under up use used uses using via want was we were what
    when where whether which while who whose why will with within without work works would you your code codebase
    repo repository project file files defined implemented implementation happens happen located live lives"""
_STOPWORDS = frozenset(_STOPWORDS_TEXT.split())
_FORM_TEXT = """actual actually behavior behaviour bug call calls checked checklist code com commit consider current
    currently debian describe description details environment example expect expected fedora fix fixed fixes following
    github happen happened hello hi https import issue issues last latest line linux mac macos main master merge
    minimal most note observed ok os output patch pip platform please possible print problem pr pull python readme
    recent reported reporter reproduce reproduced reproducer reproduction result results run running screenshot section
    seems see since step steps stuff summary thank thanks traceback try trying ubuntu update upstream version versions
    want warning windows www"""
_FORM_WORDS = frozenset(_FORM_TEXT.split())
# Possessive and anchored, so that time is linear in any query.
_PATH = re.compile(r"(?<![\w.\-/])/?(?:[\w.\-]++(?:[/\\][\w.\-]++)++|[\w\-]++\.[A-Za-z]\w{0,4}\b)")
_DOTTED = re.compile(r"(?<!\w)\w++(?:(?:\.|::|#|->)\w++)++")
_CODE = re.compile(r"`(\w++)(?:\(\))?`|(?<!\w)(\w++)\(\)|(?<=, in )(\w++)$", re.MULTILINE)
_LINK = re.compile(r"https?://\S++")
_LINKED_FILE = re.compile(r"/(?:blob|tree|raw)/[^/]++/([^#?]++)")
_NEIGHBOURS = re.compile(r"(?<!\w)([A-Za-z]{2,})(?= ([A-Za-z]{2,})(?!\w))")
_TRAILER = re.compile(r"^[ \t]*+(?:[A-Z][\w-]*?-[Bb]y|Change-Id|[A-Z][a-z]++-Bug|Cc):.*+$", re.MULTILINE)

_ENDINGS = ("ations", "ation", "ings", "ing", "ies", "ied", "ers", "er", "ors", "or", "ed", "es", "s", "e", "y")


@dataclass(frozen=True, slots=True)
class Query:
    """What a query asks for, all lower case."""

    terms: tuple[str, ...]
    """Words to look for, each once and no two of one stem; those of the first line first."""
    weights: tuple[float, ...]
    """How much each term matters: more in the first line, and more if it returns."""
    stems: frozenset[str]
    """The terms and their other spellings, without endings."""
    words: frozenset[str]
    """All words of the first line, stop words too."""
    names: frozenset[str]
    """What can only be an identifier: compound, dotted, in backticks, or the function of a stack frame."""
    paths: frozenset[str]
    """What looks like a file."""
    spellings: tuple[tuple[str, ...], ...]
    """The words that count as each term: itself first, then its short and long forms."""
    pairs: tuple[tuple[str, ...], ...]
    """For two words that follow each other, the names they would make: `request_context`, `requestcontext`."""
    breadth: Breadth
    """Whether one place is asked for or all files concerned."""


@functools.lru_cache(maxsize=1 << 14)
def stem(word: str) -> str:
    """A lower case word without its ending, so that `registers`, `registered` and `registration` meet."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def parsed(query: str) -> Query:
    """Take a query apart; every string is a query."""
    text = query[:MOST_CHARS].replace("\0", " ")
    text = _without_noise(text)
    title = _title(text)
    found = words(text)
    code = {spelled.lower() for groups in _CODE.findall(text) for spelled in groups}
    weights = _weights(_terms(found), _terms(words(title)).keys(), code)
    if not weights:
        weights = {word.lower(): 1.0 for word in found if word.strip("_")}
    names = {word.lower() for word in found if is_compound(word)}
    names |= {re.sub(r"::|#|->", ".", dotted).lower() for dotted in _DOTTED.findall(text)}
    names |= code
    kept = tuple(weights)[:MOST_TERMS]
    spellings = tuple((term, *same_words(term)) for term in kept)
    return Query(
        kept,
        tuple(weights[term] for term in kept),
        frozenset(stem(spelled) for same in spellings for spelled in same),
        frozenset(word.lower() for word in words(title)),
        frozenset(names - {""}),
        frozenset(path.lower().replace("\\", "/") for path in _PATH.findall(text)),
        spellings,
        _pairs(title),
        breadth_of(query[:MOST_CHARS]),
    )


def _title(text: str) -> str:
    """The first line, or all of the first paragraph if that line is one of wrapped text."""
    first, _, rest = text.lstrip().partition("\n")
    if len(first) < _WRAPPED_CHARS or not rest.partition("\n")[0].strip():
        return first
    return text.lstrip().partition("\n\n")[0]


def _pairs(title: str) -> tuple[tuple[str, ...], ...]:
    found = [(one.lower(), other.lower()) for one, other in _NEIGHBOURS.findall(title)]
    telling = dict.fromkeys(pair for pair in found if not _STOPWORDS & set(pair))
    return tuple(
        tuple(
            one + joint + other
            for one in (first, *same_words(first))
            for other in (second, *same_words(second))
            for joint in ("_", "")
        )
        for first, second in list(telling)[:MOST_PAIRS]
    )


def _without_noise(text: str) -> str:
    """Without links, but for the files they point to, and without the trailers of a commit message."""

    def target(link: re.Match[str]) -> str:
        file = _LINKED_FILE.search(link.group())
        return f" {file.group(1)} " if file else " "

    rest = _TRAILER.sub("", _LINK.sub(target, text))
    return rest if words(rest) else text


def _terms(found: list[str]) -> Counter[str]:
    """How often each word to look for is there; a compound one counts with its parts."""
    terms: Counter[str] = Counter()
    for word in found:
        for spelled in (word, *parts(word)) if is_compound(word) else (word,):
            lowered = spelled.lower()
            if lowered not in _STOPWORDS and lowered.strip("_") and (len(lowered) > 1 or lowered.isdigit()):
                terms[lowered] += 1
    return terms


def _weights(counts: Counter[str], title: Collection[str], code: Collection[str]) -> dict[str, float]:
    """Term -> weight, the weightiest first; of several with one stem, the first."""
    weights = {}
    for term, count in counts.items():
        weight = (1.0 + 0.5 * math.log(count)) * (_NUMBER_WEIGHT if term.isdigit() else 1.0)
        weights[term] = weight * _place_weight(term, title, code)
    of_stem: dict[str, str] = {}
    for term in weights:
        of_stem.setdefault(stem(term), term)
    order = sorted(of_stem.values(), key=lambda term: -weights[term])
    return {term: weights[term] for term in order}


def _place_weight(term: str, title: Collection[str], code: Collection[str]) -> float:
    """What a term gains or loses by where it stands."""
    if term in title:
        return _TITLE_WEIGHT
    if term in code:
        return _CODE_WEIGHT
    return _FORM_WEIGHT if term in _FORM_WORDS else 1.0
