"""How often search finds the function that a sentence describes, as a Markdown table.

`python -m tests.bench.description_search [--held-out]` takes the doc comments out of source trees of several
languages and asks for each function by the first sentence of its own. Plain BM25 over whole functions runs beside it.
Needs no model.
"""

import argparse
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from copilot.repo.index import Index
from copilot.repo.search import Hit, search
from copilot.repo.walk import walk
from tests.bench.doc_comments import Described, take
from tests.bench.patch_series import series
from tests.bench.plain_bm25 import MOST_HITS, Span, of_functions
from tests.bench.trees import Archive, cache_folder, download, say

SAMPLE = 80
"""Descriptions per tree."""
SEED = 1
HEADER = (
    "| functions of | language | search, @1 | @10 | plain BM25, @1 | @10 |",
    "|---|---|---|---|---|---|",
)

_Outcome = tuple[bool, bool, bool, bool]


@dataclass(frozen=True, slots=True)
class DescribedTree:
    """A source tree: a release, or the upstream source of a Debian package."""

    source: Archive | str
    language: str
    part: str = "."
    """The folder that is searched."""

    def folder(self) -> Path:
        if isinstance(self.source, str):
            return series(self.source) / "tree" / self.part
        download([self.source])
        return cache_folder() / self.source.folder / self.part

    @property
    def name(self) -> str:
        return self.source if isinstance(self.source, str) else self.source.name


TUNED = (
    DescribedTree(Archive("httpx", "0.27.2"), "Python"),
    DescribedTree(Archive("flask", "3.0.3"), "Python"),
    DescribedTree(Archive("click", "8.1.7"), "Python"),
    DescribedTree("caddy", "Go"),
    DescribedTree("openssh", "C"),
    DescribedTree("glib2.0", "C", "glib"),
    DescribedTree("flatpak", "C"),
    DescribedTree(Archive("guava-libraries", "32.0.1-1", "debian"), "Java", "guava"),
)
HELD_OUT = (
    DescribedTree("keystone", "Python"),
    DescribedTree("incus", "Go", "internal"),
    DescribedTree("netty", "Java", "handler"),
    DescribedTree("libxml2", "C"),
    DescribedTree(Archive("jinja2", "3.1.4"), "Python"),
    DescribedTree(Archive("networkx", "3.4.2"), "Python"),
)


def is_right(asked: Described, hit: Hit) -> bool:
    """By its symbol, or by lines that are all of the function's."""
    inside = asked.start_line - 1 <= hit.start_line <= asked.end_line and hit.end_line <= asked.end_line + 1
    return hit.path == asked.path and (hit.symbol == asked.symbol or inside)


def is_right_span(asked: Described, span: Span) -> bool:
    """By its lines."""
    path, first, last = span
    return path == asked.path and first <= asked.end_line and asked.start_line <= last


def outcomes(tree: Path) -> list[_Outcome]:
    """For each description, whether search, and plain BM25, have it first and among the first ten."""
    described = take(tree)
    drawn = random.Random(SEED).sample(described, min(SAMPLE, len(described)))
    with tempfile.TemporaryDirectory() as scratch, Index(Path(scratch, "index.sqlite3"), tree) as index:
        index.refresh(walk(tree))
        plain = of_functions(index)
        found = []
        for asked in drawn:
            ours = [is_right(asked, hit) for hit in search(index, asked.ask, MOST_HITS)]
            theirs = [is_right_span(asked, span) for span in plain.best(asked.ask)]
            found.append((any(ours[:1]), any(ours), any(theirs[:1]), any(theirs)))
        return found


def table(trees: Sequence[DescribedTree]) -> Iterator[str]:
    """The lines of the table: every tree, then all together. Works on copies."""
    yield from HEADER
    total: list[_Outcome] = []
    for tree in trees:
        say(tree.name)
        with tempfile.TemporaryDirectory() as scratch:
            copy = shutil.copytree(tree.folder(), Path(scratch).resolve() / tree.name, symlinks=True)
            rows = outcomes(copy)
        total += rows
        yield _row(f"{len(rows)} of {tree.name}", tree.language, rows)
    yield _row(f"all {len(total)}", "", total)


def _row(label: str, language: str, rows: Sequence[_Outcome]) -> str:
    shares = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
    return f"| {label} | {language} | {' | '.join(f'{share:.2f}'.removeprefix('0') for share in shares)} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.description_search", description="Measure how well descriptions find functions."
    )
    parser.add_argument("--held-out", action="store_true", help="the trees that search was not tuned on")
    for line in table(HELD_OUT if parser.parse_args().held_out else TUNED):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
