"""The structure of an SQL text of any dialect: what it creates, with columns, and the tables and functions it uses.

It reads tokens, not a grammar: dialects differ in everything but `CREATE <kind> <name>`. Does not know: types,
queries, files.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from copilot.repo import provided
from copilot.repo.signatures import comment_line, cut, one_line
from copilot.repo.syntax import MAX_BYTES
from copilot.repo.tags import Definition, Reference, Structure

_TOKEN = re.compile(
    r"(?P<comment>--[^\n]*|/\*[\s\S]*?(?:\*/|\Z))"
    r"|(?P<string>'[^'\\]*(?:(?:''|\\(?:'(?=[^\s,;)]))?)[^'\\]*)*(?:'|\Z))"
    r"|(?P<body>\$(?P<tag>[A-Za-z_]*)\$[\s\S]*?(?:\$(?P=tag)\$|\Z))"
    r"|(?P<name>\"[^\"\n]+\"|`[^`\n]+`|\[[A-Za-z_][^\]\n]*\])"
    r"|(?P<batch>^[ \t]*(?:GO|/)[ \t]*\r?$|//)"
    r"|(?P<word>[^\W\d](?:[\w#]|\$(?!\$))*)"
    r"|(?P<sign>[;(),.]|\$\$)",
    re.MULTILINE | re.IGNORECASE,
)
_DELIMITER = re.compile(r"^[ \t]*delimiter[ \t]+\S+", re.MULTILINE | re.IGNORECASE)
_IMPORT = re.compile(r"^[ \t]*(?:\\ir?|\\include|source|@@?)[ \t]*([\w./\\-]+\.\w+)", re.MULTILINE | re.IGNORECASE)
_KINDS = {
    "table": "table", "view": "view", "function": "function", "procedure": "function", "proc": "function",
    "trigger": "function", "macro": "function", "package": "module", "schema": "module", "type": "type",
    "domain": "type", "aggregate": "function", "index": "constant", "sequence": "constant", "policy": "constant",
}  # fmt: skip
_ROUTINES = frozenset({"function", "module"})
_MOST_WORDS_TO_KIND = 8
_BEFORE_NAME = frozenset({"if", "not", "exists", "concurrently", "body", "only"})
_USING = frozenset({"from", "join", "into", "update", "references", "table", "on", "call", "exec", "execute"})
_NO_NAMES_TEXT = """action all and as cascade case check constraint default delete distinct each else enum
    except exists for foreign from function group having if in insert intersect into is join key lateral left
    like limit no not null on or order primary procedure references restrict returning returns right select set
    statement table then union unique update using values when where with"""
_NO_NAMES = frozenset(_NO_NAMES_TEXT.split())
_NO_COLUMNS_TEXT = "check constraint exclude foreign fulltext index key like period primary spatial unique"
_NO_COLUMNS = frozenset(_NO_COLUMNS_TEXT.split())
_ENDED_APART = frozenset({"if", "loop", "while", "repeat", "for"})
_HEAD_ENDS = frozenset({"as", "is", "begin", "language", "declare"})
_SIGNATURE_CHARS = 240
_COLUMN_CHARS = 80


class _Token(NamedTuple):
    """A token that is no comment."""

    kind: str
    text: str
    """Lower case for words."""
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Created:
    """A CREATE statement's kind and name."""

    kind: str
    parent: str
    name: str
    after: int
    """Number of the token after the name."""


def structure(text: str) -> Structure:
    """Return tables, views, routines and the like, columns as fields of their table, and names used."""
    if len(text) > MAX_BYTES:
        return Structure((), (), (), f"larger than {MAX_BYTES >> 20} MiB: no structure")
    return _Reader(text).structure()


class _Reader:
    """Turns the tokens of one text into values."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._newlines = [found.start() for found in re.finditer("\n", text)]
        self._comments: dict[int, tuple[int, int]] = {}
        """Last line of a comment -> where it is."""
        self._delimited = _DELIMITER.search(text) is not None
        self._used: defaultdict[str, set[int]] = defaultdict(set)

    def structure(self) -> Structure:
        tokens = list(self._tokens(0, len(self._text)))
        definitions: list[Definition] = []
        for statement in _statements(tokens):
            definitions += self._defined(statement)
        self._use(tokens)
        used = sorted(name for name in self._used if name.lower() not in provided.SQL)
        references = [Reference(name, tuple(sorted(self._used[name]))) for name in used]
        return Structure(
            tuple(sorted(definitions, key=lambda definition: (definition.start_line, -definition.end_line))),
            tuple(sorted(references, key=lambda reference: (reference.lines[0], reference.name))),
            tuple(sorted({found[1] for found in _IMPORT.finditer(self._text)})),
            None,
        )

    def _tokens(self, start: int, end: int) -> Iterator[_Token]:
        position = start
        while (found := _TOKEN.search(self._text, position, end)) is not None:
            kind = found.lastgroup or "sign"
            if kind == "tag":
                kind = "body"
            position = found.end()
            if kind == "body" and self._delimited:
                kind, position = "batch", found.start() + 2
            if kind == "comment":
                self._comments[self._line(max(found.start(), found.end() - 1))] = found.span()
            elif kind != "string":
                word = found[0]
                yield _Token(kind, word.lower() if kind == "word" else word, found.start(), position)

    def _line(self, position: int) -> int:
        return bisect_left(self._newlines, position) + 1

    def _name(self, token: _Token) -> str:
        text = self._text[token.start : token.end]
        return text if token.kind == "word" else " ".join(text[1:-1].split())

    def _defined(self, statement: Sequence[_Token]) -> list[Definition]:
        created = self._created(statement)
        if created is None:
            return []
        start, end = statement[0].start, max(statement[-1].end, statement[0].end)
        head = end
        for token in statement[created.after :]:
            ends_head = token.kind == "body" or (token.kind == "word" and token.text in _HEAD_ENDS)
            if (created.kind == "table" and token.text == "(") or (created.kind != "type" and ends_head):
                head = token.start
                break
        signature = cut(one_line(_COMMENTS.sub(" ", self._text[start : min(head, start + 2000)])), _SIGNATURE_CHARS)
        first = self._line(start)
        own = Definition(
            created.name, created.kind, first, self._line(end - 1), created.parent, signature, self._doc(first)
        )
        return [own, *(self._columns(statement[created.after :], own.qualified) if created.kind == "table" else ())]

    def _created(self, statement: Sequence[_Token]) -> _Created | None:
        if statement[0].text != "create":
            return None
        for number, token in enumerate(statement[1 : _MOST_WORDS_TO_KIND + 1], 1):
            kind = _KINDS.get(token.text) if token.kind == "word" else None
            if kind is None:
                continue
            number += 1
            while number < len(statement) and statement[number].text in _BEFORE_NAME:
                number += 1
            names: list[str] = []
            while number < len(statement) and statement[number].kind in ("word", "name"):
                names.append(self._name(statement[number]))
                number += 1
                if number >= len(statement) or statement[number].text != ".":
                    break
                number += 1
            if not names or (len(names) == 1 and names[0].lower() in ("on", "as")):
                return None
            return _Created(kind, ".".join(names[:-1]), names[-1], number)
        return None

    def _columns(self, tokens: Sequence[_Token], parent: str) -> Iterator[Definition]:
        """The columns in the parentheses that follow a table's name."""
        depth = 0
        column: _Token | None = None
        for number, token in enumerate(tokens):
            if not depth and token.text != "(":
                return
            closes = token.text == ")" and depth == 1
            if column is not None and depth == 1 and (closes or token.text == ","):
                yield self._column(column, token.start, parent)
                column = None
            depth += (token.text == "(") - (token.text == ")")
            if closes:
                return
            follows = tokens[number - 1].text if number else ""
            is_name = token.kind in ("word", "name") and token.text not in _NO_COLUMNS
            if depth == 1 and follows in ("(", ",") and is_name:
                column = token
        if column is not None:
            yield self._column(column, tokens[-1].end, parent)

    def _column(self, name: _Token, end: int, parent: str) -> Definition:
        raw = self._text[name.start : min(end, name.start + 1000)]
        signature = cut(one_line(_COMMENTS.sub(" ", raw)), _COLUMN_CHARS)
        last = name.start + len(raw.rstrip())
        lines = (self._line(name.start), self._line(max(name.start, last - 1)))
        return Definition(self._name(name), "field", *lines, parent, signature, "")

    def _doc(self, first: int) -> str:
        block: list[str] = []
        line = first - 1
        while line in self._comments:
            start, end = self._comments[line]
            line_start = self._text.rfind("\n", 0, start) + 1
            if self._text[line_start:start].strip():
                break
            block.append(self._text[start : min(end, start + 2000)])
            line = self._line(start) - 1
        return comment_line(reversed(block))

    def _use(self, tokens: Sequence[_Token], is_inner: bool = False) -> None:
        """Note the names after words like FROM, and those that are called."""
        previous = ""
        for number, token in enumerate(tokens):
            following = tokens[number + 1].text if number + 1 < len(tokens) else ""
            if token.kind == "body" and not is_inner:
                tag = token.text.index("$", 1) + 1
                self._use(list(self._tokens(token.start + tag, token.end)), is_inner=True)
            elif token.kind in ("word", "name") and token.text not in _NO_NAMES and following != ".":
                is_called = following == "(" or (is_inner and previous in ("function", "procedure"))
                is_named = previous in _USING and (previous != "on" or _is_of_index(tokens, number))
                if (is_called or is_named) and not _is_defining(tokens, number):
                    self._used[self._name(token)].add(self._line(token.start))
            if token.text != "." and following != ".":
                previous = token.text if token.text not in _BEFORE_NAME else previous


_COMMENTS = re.compile(r"--[^\n]*|/\*[\s\S]*?(?:\*/|\Z)")


def _is_of_index(tokens: Sequence[_Token], number: int) -> bool:
    """Whether the ON before a place names what an index or a trigger is on, and is not that of a join."""
    before = {token.text for token in tokens[max(0, number - 12) : number]}
    return "create" in before and "join" not in before


def _is_defining(tokens: Sequence[_Token], number: int) -> bool:
    """Whether the name at a place is what a CREATE makes, or a type or column with its size."""
    before = [token.text for token in tokens[max(0, number - 8) : number]]
    if "create" in before and any(kind in before for kind in _KINDS):
        since = before[before.index("create") :]
        return "on" not in since and "(" not in since and "as" not in since
    return False


def _statements(tokens: Sequence[_Token]) -> Iterator[list[_Token]]:
    """Cut at semicolons and batch ends; a routine holds the semicolons between its BEGIN and END."""
    statement: list[_Token] = []
    depth = 0
    routine = ""
    for number, token in enumerate(tokens):
        if token.kind == "batch" or (token.text == ";" and not depth):
            if statement:
                yield statement
            statement, depth, routine = [], 0, ""
            continue
        statement.append(token)
        if token.kind != "word":
            continue
        if not routine and len(statement) <= _MOST_WORDS_TO_KIND and statement[0].text == "create":
            routine = token.text if _KINDS.get(token.text) in _ROUTINES else ""
        elif routine == "package" and token.text in ("as", "is"):
            routine, depth = "body", 1
        elif routine:
            previous, following = _neighbours(tokens, number)
            depth = max(0, depth + _opened(token.text, previous, following))
    if statement:
        yield statement


def _neighbours(tokens: Sequence[_Token], number: int) -> tuple[str, str]:
    previous = tokens[number - 1].text if number else ""
    return previous, tokens[number + 1].text if number + 1 < len(tokens) else ""


def _opened(word: str, previous: str, following: str) -> int:
    """How many blocks more are open after a word of a routine."""
    if word == "case" or (word == "begin" and not following.startswith(("tran", "work"))):
        return int(previous != "end")
    return -int(word == "end" and following not in _ENDED_APART)
