"""Memory is planned before anything is loaded, the windows of all sequences included."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from copilot.engine.gguf import ModelCard, read_card
from copilot.engine.llama import EngineParams, LlamaEngine
from copilot.engine.memory import (
    MAX_SEQUENCES,
    MIN_SEQUENCES,
    N_OUTPUTS_MAX,
    WINDOWS_BYTES,
    plan_memory,
    sequences_for,
)
from copilot.testing import Shape


@pytest.fixture
def windowed(tiny_model: Callable[[Shape], Path]) -> ModelCard:
    return read_card(tiny_model("gemma4-dense"))


def test_sequences_cost_nothing_on_a_plain_cache(tiny_model: Callable[[Shape], Path]) -> None:
    """A plain cache has all sequences, and no window memory."""
    card = read_card(tiny_model("qwen2"))
    assert sequences_for(card, "f16") == MAX_SEQUENCES
    assert plan_memory(card, 4096, "f16").window == 0
    assert MAX_SEQUENCES <= N_OUTPUTS_MAX


@pytest.mark.parametrize(
    ("window", "expected"), [(64, 8), (4096, 8), (10_000, 8), (16_000, 6), (20_000, 5), (30_000, 4)]
)
def test_windows_bound_the_number_of_sequences(windowed: ModelCard, window: int, expected: int) -> None:
    """As many sequences as their windows leave below the limit, never fewer than the least."""
    card = replace(windowed, sliding_window=window, context_length=1 << 20)
    n_seq = sequences_for(card, "f16")
    assert n_seq == expected
    taken = plan_memory(card, 1 << 20, "f16").window
    assert taken == -(-(window * n_seq + 256) // 256) * 256 * card.swa_bytes_per_token("f16")
    assert taken < WINDOWS_BYTES or n_seq == MIN_SEQUENCES


def test_all_sequences_of_a_windowed_model_can_run_past_their_windows(
    windowed: ModelCard, tiny_model: Callable[[Shape], Path]
) -> None:
    """What was planned for n sequences is room for n sequences, each forked from one prefix and decoded on."""
    n_seq = sequences_for(windowed, "f16")
    engine = LlamaEngine(windowed.path, EngineParams(n_threads=1, n_seq=n_seq), 4096)
    engine.decode(1, [30 + i % 200 for i in range(200)])
    for seq in range(2, n_seq):
        engine.compact(1)
        engine.fork(1, seq)
    for _ in range(3):
        for seq in range(2, n_seq):
            assert engine.decode(seq, [40 + seq] * 50, logits="last") == 50
    assert [engine.length(seq) for seq in range(1, n_seq)] == [200, *[350] * (n_seq - 2)]
    engine.close()
