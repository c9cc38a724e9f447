"""Doc comments and docstrings taken out of a source tree: each describes the function it stood at.

Knows no index and no search.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from copilot.repo.languages import Language, language_of
from copilot.repo.roles import Role, role_of
from copilot.repo.tags import structure
from tests.bench.plain_bm25 import CALLABLES

FEWEST_WORDS = 5
LONGEST_CHARS = 300
_FEWEST_LINES = 3
_COMMENT = re.compile(r"\s*(?://|/\*|\*|--|#(?!\[|\s*(?:include|if|end|def|el|pragma|un|err)))")
_SIGNS = re.compile(r"^\s*(?:/\*+|\*+/|\*+|//[/!]*|--+|#+)\s?|\*+/\s*$")
_SENTENCE = re.compile(r".*?[.!?](?=\s|$)")
_MARKUP = re.compile(r"<[^>]*>|\{@\w+ ?|\}")
_NO_DESCRIPTION = re.compile(r"copyright|licen[cs]e|SPDX|eslint|noqa|TODO|FIXME", re.IGNORECASE)
_TAG = re.compile(r"[@\\:]\w+|[-=*#/]+$")


@dataclass(frozen=True, slots=True)
class Described:
    """A function and what its documentation said of it, without its name."""

    ask: str
    path: str
    """POSIX, relative to the tree."""
    symbol: str
    start_line: int
    end_line: int


def take(root: Path) -> list[Described]:
    """Blank the documentation of all functions below `root`; what says enough, of source, is a description.

    Sentences that describe several functions are left out.
    """
    found: dict[str, list[Described]] = {}
    for file in sorted(root.rglob("*")):
        path = file.relative_to(root).as_posix()
        language = language_of(path)
        if language is None or not language.is_code or file.is_symlink() or not file.is_file():
            continue
        try:
            text = file.read_text("utf-8")
            blanked, described = _python(text, path) if path.endswith(".py") else _other(text, path, language)
        except (SyntaxError, ValueError):
            continue
        file.write_text(blanked, "utf-8")
        if role_of(path) in (Role.SOURCE, Role.ENTRY, Role.EXPORTS):
            for one in described:
                found.setdefault(one.ask, []).append(one)
    return [same[0] for same in found.values() if len(same) == 1]


def _python(text: str, path: str) -> tuple[str, list[Described]]:
    lines = text.split("\n")
    described = []
    for symbol, node, docstring in list(_documented(ast.parse(text).body)):
        statement = node.body[0]
        end = statement.end_lineno or statement.lineno
        lines[statement.lineno - 1 : end] = [""] * (end - statement.lineno + 1)
        said = description(docstring.split("\n"), node.name)
        if said:
            described.append(Described(said, path, symbol, node.lineno, node.end_lineno or node.lineno))
    return "\n".join(lines), described


def _documented(
    body: Sequence[ast.stmt], scope: str = ""
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef, str]]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            docstring = ast.get_docstring(node)
            if docstring and len(node.body) > 1 and not isinstance(node, ast.ClassDef):
                yield scope + node.name, node, docstring
            yield from _documented(node.body, f"{scope}{node.name}.")


def _other(text: str, path: str, language: Language) -> tuple[str, list[Described]]:
    lines = text.split("\n")
    described = []
    for own in structure(text, language).definitions:
        if own.kind not in CALLABLES or own.end_line - own.start_line + 1 < _FEWEST_LINES:
            continue
        last = first = own.start_line - 1
        while first > 0 and _COMMENT.match(lines[first - 1]):
            first -= 1
        said = description([_SIGNS.sub("", line) for line in lines[first:last]], own.name)
        lines[first:last] = [""] * (last - first)
        if said:
            described.append(Described(said, path, own.qualified, own.start_line, own.end_line))
    return "\n".join(lines), described


def description(comment: Sequence[str], name: str) -> str:
    """The first sentence of a comment without tags, markup and the function's name; "" if it says little."""
    for paragraph in re.split(r"\n\s*\n", "\n".join(line.strip() for line in comment)):
        own_line = re.compile(rf"{re.escape(name)}\s*(?:\(.*\))?\s*:?$")
        kept = [line for line in paragraph.split("\n") if line and not _TAG.match(line) and not own_line.match(line)]
        said = " ".join(_MARKUP.sub("", " ".join(kept)).split())
        said = re.sub(rf"^{re.escape(name)}(?:\(\))?\s*[-:]?\s+", "", said)
        sentence = _SENTENCE.match(said)
        if sentence and len(sentence.group().split()) >= FEWEST_WORDS:
            said = sentence.group()
        if len(said.split()) >= FEWEST_WORDS:
            return "" if _NO_DESCRIPTION.search(said) else said[:LONGEST_CHARS]
    return ""
