"""How fast this machine reads and writes, measured in about ten seconds with an installed model, and remembered.

Knows an `Engine`, nothing of files of models or of what is advised from the figures.
"""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from copilot.engine.base import Engine
from copilot.engine.machine import Machine
from copilot.events import Progress, Report, ignore
from copilot.files import keep_file
from copilot.tasks.speed_estimate import Cost, Rates, Speed
from copilot.tasks.tiers import Contender

CONTEXT_TOKENS = 4_096
READ_S, WRITE_S = 5.0, 4.0
_RESERVE_TOKENS = 512
_SEQUENCE = 1
_STRIDE = 7_919
"""A prime, so that the tokens read are of the whole vocabulary."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was measured: a model by name and cost, and its speed with so many cores."""

    model: str
    cores: int
    active_parameters: float
    active_bytes: float
    reads: float
    writes: float

    @property
    def speed(self) -> Speed:
        return Speed(self.reads, self.writes)

    @property
    def rates(self) -> Rates:
        """What follows from it for other models on the same machine."""
        return Rates.from_measured(Cost(self.active_parameters, self.active_bytes), self.speed)


def calibration_of(model: Contender, machine: Machine, speed: Speed) -> Calibration:
    """What a measured speed of a model says."""
    cost = model.cost
    return Calibration(model.name, machine.cores, cost.active_parameters, cost.active_bytes, speed.reads, speed.writes)


def measure(engine: Engine, vocab_size: int, clock: Callable[[], float], report: Report = ignore) -> Speed:
    """Read for some five seconds and write for four; the first batch brings the weights from disk and is not counted.

    `clock` gives seconds; see `own_clock`. The engine is left holding nothing.
    """
    room = engine.n_ctx - _RESERVE_TOKENS
    _feed(engine, engine.n_batch, vocab_size)
    reads = _rate(clock, READ_S, lambda: _feed(engine, engine.n_batch, vocab_size, room), report)
    engine.decode(_SEQUENCE, [vocab_size // 2], logits="last")
    writes = _rate(clock, WRITE_S, lambda: _feed(engine, 1, vocab_size, engine.n_ctx - 1), report)
    engine.drop(_SEQUENCE)
    return Speed(reads, writes)


def own_clock(threads: int) -> Callable[[], float]:
    """Seconds that would have passed if this process had its cores for itself.

    What other programs do meanwhile should not decide which model is advised from now on.
    """
    return lambda: time.process_time() / threads


def _rate(clock: Callable[[], float], within_s: float, step: Callable[[], int], report: Report) -> float:
    """Tokens per second of `step`, repeated until the time is up or nothing more is read."""
    start, tokens = clock(), 0
    while True:
        count = step()
        tokens += count
        passed = clock() - start
        report(Progress("read", min(int(passed * 10), int(within_s * 10)), int(within_s * 10), "steps"))
        if passed >= within_s or not count:
            return tokens / max(passed, 1e-9)


def _feed(engine: Engine, count: int, vocab_size: int, room: int | None = None) -> int:
    """Read `count` more tokens; nothing, where they would go beyond `room`."""
    start = engine.length(_SEQUENCE)
    if room is not None and start + count > room:
        return 0
    tokens = [(place + 1) * _STRIDE % vocab_size for place in range(start, start + count)]
    return engine.decode(_SEQUENCE, tokens, logits="last" if count == 1 else "none")


def keep(path: Path, calibration: Calibration) -> None:
    """Remember it in a small file that may be lost."""
    keep_file(path, json.dumps(asdict(calibration)).encode())


def kept(path: Path, machine: Machine) -> Calibration | None:
    """What was measured on this machine with as many cores; None if nothing was."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        figures = {name: float(stored[name]) for name in ("active_parameters", "active_bytes", "reads", "writes")}
        found = Calibration(model=str(stored["model"]), cores=int(stored["cores"]), **figures)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    usable = all(0 < figure < float("inf") for figure in figures.values())
    return found if usable and found.cores == machine.cores else None
