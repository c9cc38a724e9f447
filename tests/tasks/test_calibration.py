"""The speed of a machine is measured within its time, remembered, and believed only where it makes sense."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from copilot.engine.gguf import read_card
from copilot.engine.llama import EngineParams, LlamaEngine
from copilot.engine.machine import Machine
from copilot.tasks.calibration import CONTEXT_TOKENS, Calibration, keep, kept, measure, own_clock
from copilot.testing import Shape

MACHINE = Machine(8 << 30, 8 << 30, 4)
CALIBRATION = Calibration("m", 4, 1.5e9, 1.1e9, 57.0, 20.0)


class Clock:
    """Moves on by a fixed time per look."""

    def __init__(self, step_s: float) -> None:
        self.now, self._step_s = 0.0, step_s

    def __call__(self) -> float:
        self.now += self._step_s
        return self.now


@pytest.fixture
def engine(tiny_model: Callable[[Shape], Path]) -> LlamaEngine:
    return LlamaEngine(tiny_model("qwen2"), EngineParams(n_threads=1), CONTEXT_TOKENS)


def test_reading_and_writing_are_measured_apart(engine: LlamaEngine, tiny_model: Callable[[Shape], Path]) -> None:
    """Batches for reading, one token at a time for writing, each for its time by the clock."""
    vocab_size = read_card(tiny_model("qwen2")).vocab_size
    speed = measure(engine, vocab_size, Clock(0.5))
    assert speed.reads == pytest.approx(engine.n_batch / 0.5)
    assert speed.writes == pytest.approx(1 / 0.5)
    assert engine.length(1) == 0
    engine.close()


def test_a_fast_machine_stops_at_the_context(tiny_model: Callable[[Shape], Path]) -> None:
    """However fast it is, no more is read than there is room for, and time of the process alone counts."""
    path = tiny_model("qwen2")
    engine = LlamaEngine(path, EngineParams(n_threads=1), 1024)
    speed = measure(engine, read_card(path).vocab_size, own_clock(1))
    assert 0 < speed.writes < speed.reads
    engine.close()


def test_what_was_measured_is_remembered_for_as_many_cores(tmp_path: Path) -> None:
    """A file of this machine serves; one of another number of cores does not."""
    path = tmp_path / "machine.json"
    keep(path, CALIBRATION)
    assert kept(path, MACHINE) == CALIBRATION
    assert kept(path, Machine(8 << 30, 8 << 30, 8)) is None
    assert CALIBRATION.rates.compute == pytest.approx(57.0 * 1.5e9)


@pytest.mark.parametrize(
    "damage", [{}, {"reads": 0}, {"reads": "x"}, {"writes": None}, {"writes": float("inf")}, {"reads": float("nan")}]
)
def test_a_damaged_file_is_no_measurement(tmp_path: Path, damage: dict[str, object]) -> None:
    """Missing, absurd or foreign figures are as if nothing was measured."""
    path = tmp_path / "machine.json"
    assert kept(path, MACHINE) is None
    fields = {name: getattr(CALIBRATION, name) for name in CALIBRATION.__slots__}
    path.write_text(json.dumps(fields | damage) if damage else "[1]")
    assert kept(path, MACHINE) is None
