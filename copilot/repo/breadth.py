"""What a query is by its form alone, since that tells whether one place is asked for or all files concerned.

A description speaks of one function; a report or a change, of files. Knows no index and no words to look for.
"""

import re
from enum import Enum, auto


class Breadth(Enum):
    """How far apart the places are that a query asks for."""

    PLACE = auto()
    """A description: "Returns the path without its suffix."."""
    MIXED = auto()
    """A question, a name, a few words."""
    FILES = auto()
    """A commit message, a report."""


_LONGEST_DESCRIPTION_WORDS = 60
_FEWEST_WORDS = 4
_PARAGRAPHS = re.compile(r"\n[ \t]*\n")
_MARKUP = re.compile(
    r"^[ \t]*(?:[:@\\](?:param|return|returns|rtype|raise|raises|throws|type|arg)\b|(?:Args|Arguments|Parameters"
    r"|Returns|Raises|Yields|Examples?)(?::[ \t]*$|[ \t]*\n[ \t]*-{3,})|>>> )",
    re.MULTILINE,
)
_DOES_TEXT = """adds allocates allows appends applies asserts assigns attempts builds calculates calls changes checks
    cleans clears closes coerces collects combines compares computes configures constructs converts copies counts
    creates decodes defines deletes deserializes determines dispatches displays draws emits enables encodes ensures
    enumerates escapes evaluates executes extracts fetches fills filters finds finishes flushes formats frees generates
    gets gives groups handles implements increments initializes inserts installs invokes iterates joins launches lists
    loads locates logs looks makes maps marks matches merges moves normalizes notifies obtains opens outputs parses
    performs pops prepares prints processes produces provides pushes puts queries raises reads receives records
    registers releases removes renders replaces reports resets resolves retrieves returns rewrites runs saves scans
    searches selects sends serializes sets shows sorts splits starts stops stores strips subtracts swaps takes tests
    transforms translates tries truncates turns unregisters updates uploads validates verifies waits wraps writes
    yields"""
_DOES = frozenset(_DOES_TEXT.split())
_ASKS_TEXT = (
    """what where which who why when how does is are can do should could explain describe show find list tell"""
)
_ASKS = frozenset(_ASKS_TEXT.split())
_CHANGES_TEXT = """add added adds allow avoid backport bump change cherry clean cleanup correct corrected deprecate
    disable don drop enable ensure fix fixed fixes fixing handle ignore implement improve make merge move only prevent
    refactor remove removed rename reset revert simplify skip stop support switch tidy tweak update updated use"""
_CHANGES = frozenset(_CHANGES_TEXT.split())
_CHANGE_SCOPE = re.compile(r"\[[^\]\n]+\]|[\w./*-]+(?:\([^)\n]*\))?!?: \S|(?:CVE-|#)\d")
_WORD = re.compile(r"\w+")


def breadth_of(query: str) -> Breadth:
    """How far apart the places asked for are; every string has a breadth."""
    text = query.strip()
    if _MARKUP.search(text):
        return Breadth.PLACE
    said = _WORD.findall(text)
    if len(said) < _FEWEST_WORDS:
        return Breadth.MIXED
    paragraphs = _PARAGRAPHS.split(text)
    first, ends = said[0].lower(), paragraphs[0].rstrip()[-1:]
    if first in _DOES and ends != "?" and len(said) <= 2 * _LONGEST_DESCRIPTION_WORDS:
        return Breadth.PLACE
    if len(said) > _LONGEST_DESCRIPTION_WORDS:
        return Breadth.FILES
    if len(paragraphs) > 1:
        return Breadth.MIXED if ends == "." and first not in _CHANGES else Breadth.FILES
    if ends == "?" or first in _ASKS:
        return Breadth.MIXED
    if ends == "." and not _CHANGE_SCOPE.match(text):
        return Breadth.PLACE
    return Breadth.FILES if first in _CHANGES or _CHANGE_SCOPE.match(text) else Breadth.MIXED
