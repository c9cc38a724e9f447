"""Pieces of source made into one line each: signatures, first lines of docstrings and comments, bare names.

Does not know: grammars, positions, which piece is what.
"""

import re
from collections.abc import Iterable

DOC_CHARS = 160

_AFTER_OPENING = re.compile(r"([(\[]) ")
_BEFORE_CLOSING = re.compile(r",? ([)\]])")
_TAIL = " {:;,"
_LITERAL = re.compile(r"[A-Za-z]*(\"\"\"|'''|\"|')(.*)", re.DOTALL)
_COMMENT_SIGN = re.compile(
    r"^[ \t]*(?:/\*[*!]?|//[/!]?|\*(?!/)|#+|<!--|--+(?:\[=*\[)?)<?|\*/[ \t]*$|-->[ \t]*$|\]=*\][ \t]*$|</?summary>"
)
"""For one line."""
_WORD = re.compile(r"\w")
_ARGUMENTS = re.compile(r"<[^<>]*>(?=::)")


def one_line(text: str) -> str:
    """Collapse whitespace and take off what opens a body."""
    stripped = text.strip()
    line = " ".join(stripped.split())
    if "\n" in stripped:
        line = _BEFORE_CLOSING.sub(r"\1", _AFTER_OPENING.sub(r"\1", line))
    shorter = line.rstrip(_TAIL)
    return shorter if shorter != line else line.removesuffix(" =")


def cut(line: str, most_chars: int) -> str:
    """Shorten to at most `most_chars`, the last of them an ellipsis."""
    return line if len(line) <= most_chars else f"{line[: most_chars - 1].rstrip()}…"


def docstring_line(literal: str) -> str:
    """First line with words of a string literal in source form."""
    found = _LITERAL.match(literal)
    return first_words(found[2].removesuffix(found[1])) if found else ""


def comment_line(comments: Iterable[str]) -> str:
    """First line with words of comments in source form, without comment signs."""
    return _first_with_words(_COMMENT_SIGN.sub("", line) for comment in comments for line in comment.split("\n"))


def first_words(text: str) -> str:
    """First line that has words in it, at most `DOC_CHARS` long; "" if there is none."""
    return _first_with_words(text.split("\n"))


def _first_with_words(lines: Iterable[str]) -> str:
    for line in lines:
        if _WORD.search(line):
            return cut(" ".join(line.split()), DOC_CHARS)
    return ""


def without_arguments(name: str) -> str:
    """Take template arguments off scopes: `A<T>::m` gives `A::m`."""
    while (shorter := _ARGUMENTS.sub("", name)) != name:
        name = shorter
    return name
