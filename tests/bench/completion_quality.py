"""How well lines are completed that need names of other files, with what the repository says and without.

`python -m tests.bench.completion_quality --model FILE [--trees FOLDER] [--most N] [--keep FILE]`. Places are cut into
projects first released after the model was trained; each answer needs a name that is defined in another file and stands
nowhere in its own. Counted on the first line: exact matches, edit similarity, the share of those names that were
written. Asked by hand, so that nothing is kept back for want of confidence; what the threshold would keep back is
counted as well.
"""

import argparse
import json
import math
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, astuple, dataclass, fields, replace
from difflib import SequenceMatcher
from itertools import chain, zip_longest
from pathlib import Path
from statistics import mean
from typing import cast

from copilot.app import App
from copilot.config import Settings
from copilot.engine.base import Cancel, Event, Session
from copilot.engine.requests import InfillRequest
from copilot.prompts.complete import Snippet
from copilot.tasks.complete import Completer, Context, Cursor
from copilot.tasks.complete.context import RepositoryContext, Room
from copilot.tasks.complete.corpus import Corpus
from copilot.tasks.complete.statistics import THRESHOLD, Statistics
from copilot.tasks.complete.window import Size
from copilot.tasks.complete.writing import LINE_TOKENS
from copilot.tasks.repository import Repository
from tests.bench.cut_points import PROJECTS, CutPoint, cut_points
from tests.bench.trees import check, download, say

WAYS = ("without", "with")
PARTS = ("passages", "members", "names")


class Alone:
    """Nothing of the repository."""

    name = "project"

    def snippets(self, path: str, before: str, after: str) -> tuple[Snippet, ...]:
        return ()

    def edited(self, path: str, before: str, after: str) -> None:
        """Nothing is shown of it."""


class FirstLines:
    """A session that writes no more than is counted."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def infill(self, request: InfillRequest, cancel: Cancel) -> Iterator[Event]:
        sampling = replace(request.sampling, stop=(*request.sampling.stop, "\n"), max_tokens=LINE_TOKENS)
        yield from self._session.infill(replace(request, sampling=sampling), cancel)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one place in one way."""

    way: str
    project: str
    path: str
    answer: str
    written: str
    confidence: float | None
    exact: bool
    similarity: float
    names: float
    """The share of the needed names that was written."""
    shown_names: float
    """The share of them that the model was shown."""
    prompt_tokens: int


def outcome(way: str, project: str, point: CutPoint, completer: Completer, shown: str) -> Outcome:
    cursor = Cursor(point.path, point.before + point.after, len(point.before), automatic=False)
    suggestion = completer.complete(cursor, Cancel())
    written = suggestion.text.strip().partition("\n")[0].strip()
    answer = point.answer.strip()
    return Outcome(
        way,
        project,
        point.path,
        answer,
        written,
        suggestion.confidence,
        written == answer,
        SequenceMatcher(None, answer, written, autojunk=False).ratio(),
        share(point.names, written),
        share(point.names, shown),
        suggestion.usage.prompt_tokens,
    )


def share(names: tuple[str, ...], text: str) -> float:
    words = set(re.findall(r"\w+", text))
    return mean(name in words for name in names)


def places(trees: Path, app: App, most: int) -> Iterator[tuple[Repository, CutPoint]]:
    """Places of all projects in turns, so that any number of them is a mixture."""
    repositories = [app.repository(trees / archive.folder) for archive in PROJECTS]
    each = -(-most // len(PROJECTS)) + 1
    found = [[(repository, point) for point in cut_points(repository, each)] for repository in repositories]
    mixed = [place for place in chain.from_iterable(zip_longest(*found)) if place is not None]
    yield from mixed[:most]
    for repository in repositories:
        repository.close()


def measured(trees: Path, app: App, given: argparse.Namespace, known: set[tuple[str, str, str]]) -> Iterator[Outcome]:
    """What comes of the places that are not known yet."""
    model, part, until = app.completion_model(), given.part, time.monotonic() + 60 * given.minutes
    session = app.session(model)
    lines = cast("Session", FirstLines(session))
    whole, shown_at_most = Size(), Room()
    size = Size(*(int(part * chars) for chars in (whole.before, whole.after, whole.head)))
    room = Room(*(int(part * chars) for chars in astuple(shown_at_most)))
    contexts: dict[Path, RepositoryContext] = {}
    for number, (repository, point) in enumerate(places(trees, app, given.most), 1):
        context = contexts.get(repository.root) or RepositoryContext(repository, room)
        contexts[repository.root] = context
        shown = "\n".join(snippet.text for snippet in context.snippets(point.path, point.before, point.after))
        ways: tuple[tuple[str, Context, str], ...] = (("without", Alone(), ""), ("with", context, shown))
        for way, what, text in ways:
            project = repository.root.name
            if way not in given.only or (way, project, point.path) in known or time.monotonic() > until:
                continue
            completer = Completer(model, lines, what, Statistics(None), ahead=False, size=size)
            found = outcome(way, project, point, completer, text)
            say(f"{number} {way}: {found.answer!r} -> {found.written!r}")
            yield found
    session.close()


def shown_names(trees: Path, app: App, most: int) -> Iterator[str]:
    """Without a model: how often a needed name is among what is shown, by part."""
    whole = Room()
    alone = {name: replace(Room(*(0 for _ in fields(Room))), **{name: getattr(whole, name)}) for name in PARTS}
    ways = alone | {"all": whole}
    shares: dict[str, list[float]] = {way: [] for way in ways}
    chars: dict[str, list[int]] = {way: [] for way in ways}
    for repository in (app.repository(trees / archive.folder) for archive in PROJECTS):
        corpus = Corpus.of(repository.index)
        contexts = {way: RepositoryContext(repository, room, corpus=corpus) for way, room in ways.items()}
        for point in cut_points(repository, -(-most // len(PROJECTS))):
            for way, context in contexts.items():
                shown = "\n".join(s.text for s in context.snippets(point.path, point.before, point.after))
                shares[way].append(share(point.names, shown))
                chars[way].append(len(shown))
        repository.close()
    for way in ways:
        yield f"| {way} | {mean(chars[way]):.0f} | {mean(shares[way]):.2f} |"


def row(way: str, outcomes: list[Outcome]) -> str:
    sure = [one for one in outcomes if (one.confidence or 0.0) >= THRESHOLD]
    cells = [
        way,
        str(len(outcomes)),
        f"{mean(one.exact for one in outcomes):.2f}",
        f"{mean(one.similarity for one in outcomes):.2f}",
        f"{mean(one.names for one in outcomes):.2f}",
        f"{mean(one.shown_names for one in outcomes):.2f}",
        f"{mean(one.prompt_tokens for one in outcomes):.0f}",
        f"{len(sure)} ({mean(one.exact for one in sure):.2f})" if sure else "0",
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.completion_quality", description=__doc__)
    parser.add_argument("--model", type=Path, metavar="FILE", help="without one, only what is shown is counted")
    parser.add_argument("--trees", type=Path, metavar="FOLDER", help="where the projects are unpacked already")
    parser.add_argument("--most", type=int, default=60, metavar="N", help="places in all")
    parser.add_argument("--part", type=float, default=1.0, metavar="F", help="of the window and of what else is shown")
    parser.add_argument("--only", choices=WAYS, nargs="*", default=WAYS, help="one side, to go on with the other later")
    parser.add_argument("--cache", type=Path, metavar="FOLDER", help="where the index is kept; default: nowhere")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="append every outcome, and go on from what is there")
    parser.add_argument("--minutes", type=float, default=math.inf, metavar="N", help="begin no place after so long")
    given = parser.parse_args()
    trees = given.trees or download(PROJECTS)
    check(trees, PROJECTS)
    os.environ |= {"COPILOT_HOST": "off", "GOMP_SPINCOUNT": "0"}
    kept = given.keep.read_text().splitlines() if given.keep and given.keep.exists() else []
    outcomes = [Outcome(**json.loads(line)) for line in kept]
    with tempfile.TemporaryDirectory(prefix="cq-") as folder:
        named = str(given.model.absolute()) if given.model else None
        app = App(Settings(model=named, cache_dir=given.cache or Path(folder)))
        if named is None:
            sys.stdout.write("| shown | characters | share of the names |\n|---|---|---|\n")
            sys.stdout.writelines(f"{line}\n" for line in shown_names(trees, app, given.most))
            return
        known = {(one.way, one.project, one.path) for one in outcomes}
        for found in measured(trees, app, given, known):
            outcomes.append(found)
            if given.keep:
                with given.keep.open("a") as file:
                    file.write(json.dumps(asdict(found)) + "\n")
    sys.stdout.write(
        "| repository | places | exact | similarity | names | names shown | prompt tokens | sure (exact of them) |\n"
        "|---|---|---|---|---|---|---|---|\n"
    )
    for way in sorted({one.way for one in outcomes}, reverse=True):
        sys.stdout.write(row(way, [one for one in outcomes if one.way == way]) + "\n")


if __name__ == "__main__":
    main()
