"""How often search finds the files that a commit changed, asked by its message, as a Markdown table.

`python -m tests.bench.commit_search [--held-out]` asks with the subjects, and with the whole messages, of
upstream commits that Debian carries as patches, on the tree without any of them. Plain BM25 over whole files runs
beside it. Needs no model.
"""

import argparse
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from copilot.repo.index import Index
from copilot.repo.search import search
from copilot.repo.walk import walk
from tests.bench.patch_series import Change, changes, series
from tests.bench.plain_bm25 import MOST_HITS, PlainBM25, of_files
from tests.bench.trees import say

TUNED = (
    "caddy", "dovecot", "flatpak", "freerdp3", "imagemagick", "incus", "ironic", "keystone", "libxml2",
    "python-tornado", "unbound",
)  # fmt: skip
HELD_OUT = ("horizon", "openssh", "wpa")
MOST_CHANGES = 15
"""Of one package, so that no project decides the result."""
SEED = 1
HEADER = (
    "| commits of | asked by | search, first @1 | recall @10 | plain BM25, first @1 | recall @10 |",
    "|---|---|---|---|---|---|",
)

_Outcome = tuple[float, float, float, float]


def outcome(right: Sequence[str], ranked: Sequence[str]) -> tuple[float, float]:
    """Whether the first file is right, and the share of the right files among the first ten."""
    first = ranked[:MOST_HITS]
    return float(first[:1] != [] and first[0] in right), len(set(first) & set(right)) / len(right)


def outcomes(package: str) -> tuple[list[_Outcome], list[_Outcome]]:
    """Of each change: asked by its subject, and by its whole message."""
    say(package)
    folder = series(package)
    found = list(changes(folder))
    drawn = random.Random(SEED).sample(found, min(MOST_CHANGES, len(found)))
    tree = (folder / "tree").resolve()
    with tempfile.TemporaryDirectory() as scratch, Index(Path(scratch, "index.sqlite3"), tree) as index:
        index.refresh(walk(tree))
        plain = of_files(index)
        return (
            [_asked(index, plain, change, change.subject) for change in drawn],
            [_asked(index, plain, change, f"{change.subject}\n\n{change.body}") for change in drawn],
        )


def _asked(index: Index, plain: PlainBM25[str], change: Change, query: str) -> _Outcome:
    files = list(dict.fromkeys(hit.path for hit in search(index, query, MOST_HITS)))
    return (*outcome(change.files, files), *outcome(change.files, plain.best(query)))


def table(packages: Sequence[str]) -> Iterator[str]:
    """The lines of the table: every package, then all together."""
    yield from HEADER
    totals: tuple[list[_Outcome], list[_Outcome]] = ([], [])
    for package in packages:
        for asked_by, rows, total in zip(("subject", "message"), outcomes(package), totals, strict=True):
            total.extend(rows)
            yield _row(package, asked_by, rows)
    for asked_by, total in zip(("subject", "message"), totals, strict=True):
        yield _row(f"all {len(total)}", asked_by, total)


def _row(label: str, asked_by: str, rows: Sequence[_Outcome]) -> str:
    shares = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
    return f"| {label} | {asked_by} | {' | '.join(f'{share:.2f}'.removeprefix('0') for share in shares)} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.commit_search", description="Measure how well commit messages find their files."
    )
    parser.add_argument(
        "--packages", nargs="+", metavar="NAME", help="Debian source packages instead of the usual ones"
    )
    parser.add_argument("--held-out", action="store_true", help="the packages that search was not tuned on")
    options = parser.parse_args()
    for line in table(options.packages or (HELD_OUT if options.held_out else TUNED)):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
