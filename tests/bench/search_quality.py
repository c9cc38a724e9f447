"""How often search finds the right place, as the Markdown table of docs/packing.md.

`python -m tests.bench.search_quality [--trees FOLDER]` searches real source trees with two kinds of queries: questions
written by hand (questions.toml) and docstrings, which are taken out of the tree before it is indexed. Plain BM25 over
whole files runs beside it. Needs no model; knows nothing of packs, tokens or time.
"""

import argparse
import ast
import random
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from copilot.repo.index import Index
from copilot.repo.search import Hit, search
from copilot.repo.walk import walk
from tests.bench.plain_bm25 import MOST_HITS, of_files
from tests.bench.trees import Archive, check, download, say

QUESTIONS = Path(__file__).with_name("questions.toml")
SAMPLE = 120
"""Docstrings per tree."""
SEED = 1
FEWEST_WORDS = 5
LONGEST_QUERY = 300
"""In characters."""
HEADER = (
    "| queries | function @1 | @10 | file @1 | @10 | plain BM25, file @1 | @10 |",
    "|---|---|---|---|---|---|---|",
)


@dataclass(frozen=True, slots=True)
class Question:
    """A query and the place it asks for."""

    ask: str
    path: str
    """POSIX, relative to the tree."""
    symbol: str
    """Qualified name of a function or class; a member of the class is right too."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A published source tree and the questions written about it."""

    name: str
    """As on the package index."""
    version: str
    held_out: bool
    """Whether search was tuned without looking at this tree."""
    questions: tuple[Question, ...]

    @property
    def archive(self) -> Archive:
        return Archive(self.name, self.version)

    @property
    def folder(self) -> str:
        return self.archive.folder


def read_trees() -> tuple[Tree, ...]:
    """The trees of questions.toml, in its order."""
    return tuple(
        Tree(
            entry["name"],
            entry["version"],
            entry.get("held_out", False),
            tuple(Question(**question) for question in entry.get("questions", ())),
        )
        for entry in tomllib.loads(QUESTIONS.read_text("utf-8"))["trees"]
    )


def take_docstrings(root: Path) -> list[Question]:
    """Blank the docstrings of all functions below `root`; each that says enough, outside tests, becomes a question."""
    questions = []
    for file in sorted(root.rglob("*.py")):
        try:
            text = file.read_text("utf-8")
            documented = list(_documented(ast.parse(text).body))
        except (SyntaxError, ValueError):
            continue
        lines = text.split("\n")
        path = file.relative_to(root)
        for symbol, statement, docstring in documented:
            end = statement.end_lineno or statement.lineno
            lines[statement.lineno - 1 : end] = [""] * (end - statement.lineno + 1)
            paragraph = docstring.split("\n\n")[0].split()
            if len(paragraph) >= FEWEST_WORDS and "tests" not in path.parts:
                questions.append(Question(" ".join(paragraph)[:LONGEST_QUERY], path.as_posix(), symbol))
        file.write_text("\n".join(lines), "utf-8")
    return questions


def _documented(body: Sequence[ast.stmt], scope: str = "") -> Iterator[tuple[str, ast.stmt, str]]:
    """Qualified name, docstring statement and docstring of each function that is more than its docstring."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            docstring = ast.get_docstring(node)
            if docstring and len(node.body) > 1 and not isinstance(node, ast.ClassDef):
                yield scope + node.name, node.body[0], docstring
            yield from _documented(node.body, f"{scope}{node.name}.")


def outcome(question: Question, hits: Sequence[Hit], files: Sequence[str]) -> tuple[bool, ...]:
    """Whether the right function, the right file, and plain BM25's right file come first, and whether at all."""
    in_file = [hit.path == question.path for hit in hits]
    in_function = [
        right and f"{hit.symbol}.".startswith(f"{question.symbol}.") for hit, right in zip(hits, in_file, strict=True)
    ]
    plain = [path == question.path for path in files]
    return tuple(found for column in (in_function, in_file, plain) for found in (any(column[:1]), any(column)))


def row(label: str, root: Path, questions: Sequence[Question]) -> str:
    """One line of the table: shares of the questions, in the order of `HEADER`."""
    say(label)
    with tempfile.TemporaryDirectory() as folder, Index(Path(folder, "index.sqlite3"), root) as index:
        index.refresh(walk(root))
        _check_places(index, questions)
        plain = of_files(index)
        outcomes = [outcome(asked, search(index, asked.ask, MOST_HITS), plain.best(asked.ask)) for asked in questions]
    shares = (sum(column) / len(outcomes) for column in zip(*outcomes, strict=True))
    return f"| {label} | {' | '.join(f'{share:.2f}'.removeprefix('0') for share in shares)} |"


def _check_places(index: Index, questions: Sequence[Question]) -> None:
    """A question whose answer does not exist would only ever count as a miss."""
    defined = index.definitions(index.files)
    for asked in questions:
        if asked.symbol not in {definition.qualified for definition in defined.get(asked.path, ())}:
            sys.exit(f"{index.root.name}/{asked.path} defines no {asked.symbol}; correct {QUESTIONS.name}")


def table(trees: Sequence[Tree], folder: Path) -> Iterator[str]:
    """The lines of the table. Works on copies outside any repository, whose ignore rules could hide files."""
    yield from HEADER
    with tempfile.TemporaryDirectory() as scratch:
        copies = {
            tree: shutil.copytree(folder / tree.folder, Path(scratch).resolve() / tree.folder, symlinks=True)
            for tree in trees
        }
        for tree, copy in copies.items():
            if tree.questions:
                yield row(f"{len(tree.questions)} questions about {tree.name}", copy, tree.questions)
        for tree, copy in copies.items():
            documented = take_docstrings(copy)
            asked = random.Random(SEED).sample(documented, min(SAMPLE, len(documented)))
            note = " (not used for tuning)" if tree.held_out else ""
            yield row(f"{len(asked)} docstrings of {tree.name}{note}", copy, asked)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.search_quality", description="Measure how well search finds."
    )
    parser.add_argument("--trees", type=Path, metavar="FOLDER", help="where flask-3.0.3 and the others are unpacked")
    trees = read_trees()
    archives = [tree.archive for tree in trees]
    folder = parser.parse_args().trees or download(archives)
    check(folder, archives)
    for line in table(trees, folder):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
