"""A typist in front of the real language server: is every request answered, how soon a superseded one, what remains.

`python -m tests.bench.typist [--model FILE] [--chars N] [--host off]` types N characters into a real file at 5 keys a
second with bursts, asking for ghost text at every key as editors do. Told are the times until superseded requests are
answered (from the moment the newer one is written), and how long after the last answer the server and its engine go on
working. `--requests N` asks N times instead, waiting for the answers after every tenth key, and tells the memory.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil

from copilot.app import App
from copilot.testing import write_tiny_model
from lsp import testing
from lsp.testing import LspSession, Process
from tests.bench.trees import Archive, check, download, say

PROJECT = Archive("agent-client-protocol", "0.12.1")
FILE = "src/acp/connection.py"
KEYS_PER_S = 5.0
BURST_S = 0.03
"""Between the keys of a burst: a held key, an editor that inserts for the typist."""
BURSTS = 20
"""Keys in a burst; one in eight words begins one."""
WATCH_S, LOOK_S = 12.0, 0.1
IDLE_SHARE = 0.1
"""Of one core, over one look, is no work."""
AUTOMATIC = 2
PATIENCE_S = 600.0
"""Reading all that a completion sees may take minutes on a busy machine."""
SAMPLES = 10
AT_ONCE = 10
"""Keys that are typed without waiting, where memory is counted."""


@dataclass(frozen=True, slots=True)
class Typed:
    """What came of the requests."""

    asked: int
    answered: int
    offered: int
    last_s: float
    """From the last key to its answer."""
    late_ms: tuple[float, ...]
    """From the newer request to the answer of the superseded one, each."""
    busy_s: float
    """How long after the last answer the processes worked on."""
    busy_cpu_s: float


class Typist:
    """One document that is typed into."""

    def __init__(self, session: LspSession, path: Path, at: int) -> None:
        self.session = session
        self.text = path.read_text()
        self._uri, self._at, self._version = path.as_uri(), at, 1
        session.open(self._uri, self.text)

    def cut(self, length: int) -> str:
        """Take so many characters out at the cursor; returns them, to be typed again."""
        gone = self.text[self._at : self._at + length]
        self._change(length, "")
        return gone

    def key(self, char: str) -> int:
        """Type a character and ask for ghost text; returns the request's id."""
        self._change(0, char)
        self._at += len(char)
        return self.ask()

    def ask(self) -> int:
        line = self.text.count("\n", 0, self._at)
        return self.session.complete(self._uri, line, self._at - self.text.rfind("\n", 0, self._at) - 1, AUTOMATIC)

    def back(self, length: int) -> None:
        """Delete what was typed last."""
        self._at -= length
        self._change(length, "")

    def _change(self, gone: int, char: str) -> None:
        start, end = ({"line": line, "character": column} for line, column in map(self._place, (0, gone)))
        self._version += 1
        self.session.change(self._uri, self._version, {"range": {"start": start, "end": end}, "text": char})
        self.text = self.text[: self._at] + char + self.text[self._at + gone :]

    def _place(self, ahead: int) -> tuple[int, int]:
        before = self.text[: self._at + ahead]
        return before.count("\n"), len(before) - before.rfind("\n") - 1


def gaps(text: str, seed: int = 0) -> Iterator[float]:
    """Seconds before each key: 5 a second in the mean, quick within words, slow between them, and bursts."""
    chance = random.Random(seed)
    raw: list[float] = []
    burst = 0
    for before, char in zip(" " + text, text, strict=False):
        begins = not before.isalnum() and char.isalnum()
        burst = BURSTS if begins and chance.random() < 1 / 8 else max(0, burst - 1)
        raw.append(BURST_S if burst else chance.uniform(0.3, 0.9) if begins else chance.uniform(0.08, 0.2))
    slow = len(text) / KEYS_PER_S - sum(gap for gap in raw if gap == BURST_S)
    factor = slow / sum(gap for gap in raw if gap != BURST_S)
    yield from (gap if gap == BURST_S else gap * factor for gap in raw)


def typed(typist: Typist, text: str, processes: Sequence[psutil.Process]) -> Typed:
    """Type a text; a request counts as superseded from the moment the next key's is written."""
    session = typist.session
    ids, asked_at = [], []
    due = time.perf_counter()
    for gap, char in zip(gaps(text), text, strict=True):
        due += gap
        time.sleep(max(0.0, due - time.perf_counter()))
        asked_at.append(time.perf_counter())
        ids.append(typist.key(char))
    answers = [session.answer_to(each) for each in ids]
    arrived = [session.arrived[each] for each in ids]
    late = [
        1000 * (came - newer)
        for came, newer in zip(arrived, asked_at[1:], strict=False)
        if came > newer  # it was not answered before
    ]
    busy_s, busy_cpu_s = working(processes, arrived[-1])
    offered = sum(bool((answer.get("result") or {}).get("items")) for answer in answers)
    last_s = arrived[-1] - asked_at[-1]
    return Typed(len(ids), len(answers), offered, last_s, tuple(sorted(late)), busy_s, busy_cpu_s)


def working(processes: Sequence[psutil.Process], since: float) -> tuple[float, float]:
    """How long processes go on with something, and the CPU seconds they spend on it."""
    first = before = cpu_s(processes)
    last = since
    while time.perf_counter() - since < WATCH_S:
        time.sleep(LOOK_S)
        now = cpu_s(processes)
        if now - before > IDLE_SHARE * LOOK_S:
            last = time.perf_counter()
        before = now
    return last - since, before - first


def cpu_s(processes: Sequence[psutil.Process]) -> float:
    return float(sum(sum(process.cpu_times()[:2]) for process in processes))


def remembered(typist: Typist, text: str, requests: int, processes: Sequence[psutil.Process]) -> Iterator[str]:
    """Ask so often, one after the other, typing a text and deleting it again; rows of a table of the memory."""
    column, asked = 0, list[int]()
    for number in range(requests + 1):
        if number % (requests // SAMPLES) == 0:
            resident = [f"{process.memory_info().rss / 1e6:.1f}" for process in processes]
            yield f"| {number} | {' + '.join(resident)} |"
        if column == len(text):
            typist.back(column)
            column = 0
        asked.append(typist.key(text[column]))
        column += 1
        if len(asked) == AT_ONCE:
            for each in asked:
                typist.session.answer_to(each)
            asked.clear()
            typist.session.notifications.clear()


def engines() -> list[psutil.Process]:
    """The processes of the engine, where it has some of its own."""
    hosts = App.at(Path.cwd(), {}).hosts
    return [psutil.Process(found.pid) for found in hosts()] if hosts is not None else []


def started(folder: Path, given: argparse.Namespace) -> tuple[LspSession, Process]:
    """The server as an editor starts it, with folders of its own."""
    model = given.model or folder / "tiny.gguf"
    if given.model is None:
        write_tiny_model(model, "qwen2")
    os.environ |= {
        "COPILOT_MODEL": str(model.absolute()),
        "COPILOT_CACHE_DIR": str(given.cache or folder / "cache"),
        "COPILOT_HOST": given.host,
        "XDG_RUNTIME_DIR": str(folder),
        "GOMP_SPINCOUNT": "0",
    }
    server = Process([sys.executable, "-m", "copilot", "lsp", "--stdio"])
    return LspSession(server), server


def place_in(text: str, length: int) -> int:
    """Where to type: the beginning of a line in the middle, in code."""
    at = text.find("\n    def ", len(text) // 2) + 1
    return at if 0 < at < len(text) - length else 0


def told(found: Typed) -> Iterator[str]:
    late = found.late_ms or (0.0,)
    yield f"| requests | {found.asked}, answered {found.answered}, with a suggestion {found.offered} |"
    yield f"| superseded before they were answered | {len(found.late_ms)} |"
    yield f"| answered then, ms: median, worst | {median(late):.1f}, {late[-1]:.1f} |"
    yield f"| later than 100 ms | {sum(ms > 100 for ms in late)} |"
    yield f"| answer to the last key, s | {found.last_s:.1f} |"
    yield f"| work after the last answer, s: until, CPU | {found.busy_s:.1f}, {found.busy_cpu_s:.1f} |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.typist", description=__doc__)
    parser.add_argument("--model", type=Path, metavar="FILE", help="a GGUF file; without one, a tiny model is made")
    parser.add_argument("--trees", type=Path, metavar="FOLDER", help="where the project is unpacked already")
    parser.add_argument("--cache", type=Path, metavar="FOLDER", help="where the index is kept; default: nowhere")
    parser.add_argument("--chars", type=int, default=300, metavar="N", help="characters to type")
    parser.add_argument("--requests", type=int, default=0, metavar="N", help="count memory over so many requests")
    parser.add_argument("--host", choices=("on", "off"), default="on", help="whether the engine has its own process")
    given = parser.parse_args()
    testing.ANSWER_S = PATIENCE_S
    trees = given.trees or download((PROJECT,))
    check(trees, (PROJECT,))
    path = trees / PROJECT.folder / FILE
    with tempfile.TemporaryDirectory(prefix="ty-") as name:
        session, server = started(Path(name), given)
        hosts: list[psutil.Process] = []
        try:
            options = {"completion": {"debounceMs": 0}} if given.requests else None
            session.initialize(trees / PROJECT.folder, options=options)
            typist = Typist(session, path, place_in(path.read_text(), given.chars))
            text = typist.cut(given.chars)
            session.answer_to(typist.ask())
            hosts = engines()
            processes = [psutil.Process(server.pid), *hosts]
            say(f"{len(processes)} processes; typing {json.dumps(text[:60])} …")
            working(processes, time.perf_counter())
            if given.requests:
                sys.stdout.write("| requests | resident, MB: server + engine |\n|---|---|\n")
                lines = remembered(typist, text, given.requests, processes)
            else:
                sys.stdout.write("| | |\n|---|---|\n")
                lines = told(typed(typist, text, processes))
            for line in lines:
                sys.stdout.write(f"{line}\n")
                sys.stdout.flush()
            session.leave()
        finally:
            session.close()
            for host in hosts:
                host.kill()


if __name__ == "__main__":
    main()
