"""A search query, taken apart: what to look for, and which of its words are names or paths.

Knows no index; builds the expression of the text index so that no query text can be taken for its syntax.
"""

import functools
import re
from dataclasses import dataclass

from copilot.repo.words import is_compound, parts, words

MOST_TERMS = 32
MOST_CHARS = 8192
"""What lies beyond is not read."""

_STOPWORDS_TEXT = """a about all also an and any are as at be been being but by can could did do does doing done each
    explain for from get gets give given had has have having how i if in into is it its itself made make makes
    may me my of on one only or other our over please show so some such tell than that the their them then
    there these they thing things this those through to under up use used uses using via want was we were what
    when where whether which while who whose why will with within without work works would you your code codebase
    repo repository project file files defined implemented implementation happens happen located live lives"""
_STOPWORDS = frozenset(_STOPWORDS_TEXT.split())
# Possessive and anchored, so that time is linear in any query.
_PATH = re.compile(r"(?<![\w.\-/])(?:[\w.\-]++(?:/[\w.\-]++)++|[\w\-]++\.[A-Za-z]\w{0,4}\b)")
_DOTTED = re.compile(r"(?<!\w)\w++(?:(?:\.|::|#|->)\w++)++")
_CODE = re.compile(r"`(\w++)(?:\(\))?`|(?<!\w)(\w++)\(\)")

_ENDINGS = ("ations", "ation", "ings", "ing", "ies", "ied", "ers", "er", "ors", "or", "ed", "es", "s", "e", "y")


@dataclass(frozen=True, slots=True)
class Query:
    """What a query asks for, all lower case."""

    terms: tuple[str, ...]
    """Words to look for, each once, in the order they came."""
    stems: frozenset[str]
    """The terms without their endings."""
    words: frozenset[str]
    """All words, stop words too."""
    names: frozenset[str]
    """What can only be an identifier: compound, dotted or in backticks."""
    paths: frozenset[str]
    """What looks like a file."""

    @property
    def expression(self) -> str:
        """Any of the terms, in the text index's query language."""
        return " OR ".join(f'"{term}"' for term in self.terms)


@functools.lru_cache(maxsize=1 << 14)
def stem(word: str) -> str:
    """A lower case word without its ending, so that `registers`, `registered` and `registration` meet."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def parsed(query: str) -> Query:
    """Take a query apart; every string is a query."""
    query = query[:MOST_CHARS].replace("\0", " ")
    found = words(query)
    terms: dict[str, None] = {}
    for word in found:
        for spelled in (word, *parts(word)) if is_compound(word) else (word,):
            lowered = spelled.lower()
            if lowered not in _STOPWORDS and lowered.strip("_") and (len(lowered) > 1 or lowered.isdigit()):
                terms[lowered] = None
    if not terms:
        terms = {word.lower(): None for word in found if word.strip("_")}
    names = {word.lower() for word in found if is_compound(word)}
    names |= {re.sub(r"::|#|->", ".", dotted).lower() for dotted in _DOTTED.findall(query)}
    names |= {spelled.lower() for pair in _CODE.findall(query) for spelled in pair}
    return Query(
        tuple(terms)[:MOST_TERMS],
        frozenset(stem(term) for term in terms),
        frozenset(word.lower() for word in found),
        frozenset(names - {""}),
        frozenset(path.lower() for path in _PATH.findall(query)),
    )
