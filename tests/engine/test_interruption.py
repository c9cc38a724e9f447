"""What a warm-up loses to more urgent requests, counted in tokens given to the engine."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from copilot.engine.base import Cancel, Rows
from copilot.engine.llama import EngineParams, LlamaEngine, fingerprint
from copilot.engine.memory import LARGE_BATCH
from copilot.engine.requests import Priority, Request, Sampling, Tokens
from copilot.engine.segments import SEGMENT_TOKENS, SegmentStore
from copilot.engine.session import EngineSession, EngineSource
from copilot.events import Done, Progress
from copilot.testing import Shape

N_LINKS, N_URGENT = 24, 8
N_CTX = (N_LINKS + 2) * SEGMENT_TOKENS


class Counting(LlamaEngine):
    """Notes what it is given to decode, and how much of it was read."""

    def __init__(self, path: Path, params: EngineParams, n_ctx: int) -> None:
        super().__init__(path, params, n_ctx)
        self.decodes: list[tuple[int, int]] = []

    def decode(self, seq: int, tokens: Tokens, *, logits: Rows = "none") -> int:
        read = super().decode(seq, tokens, logits=logits)
        self.decodes.append((len(tokens), read))
        return read


class Numbers:
    """A vocabulary without text."""

    eog: frozenset[int] = frozenset()

    def piece(self, token: int) -> bytes:
        return b"."


@pytest.fixture(params=["qwen2", "gemma4-dense"])
def warming(
    request: pytest.FixtureRequest, tiny_model: Callable[[Shape], Path], tmp_path: Path
) -> Iterator[tuple[EngineSession, list[Counting]]]:
    """A session, and the engine it opens."""
    engines: list[Counting] = []
    path, params = tiny_model(request.param), EngineParams(n_threads=1, n_seq=6, n_batch=LARGE_BATCH)

    def load(n_ctx: int) -> Counting:
        engines.append(Counting(path, params, n_ctx))
        return engines[-1]

    store = SegmentStore(tmp_path / "kv", fingerprint(path.name, params), 1 << 30)
    session = EngineSession(EngineSource(load, request.param != "qwen2", N_CTX), Numbers(), store)
    yield session, engines
    session.close()


def test_each_urgent_request_costs_a_warm_up_one_micro_batch_at_most(
    warming: tuple[EngineSession, list[Counting]],
) -> None:
    """What was read before stays; an aborted batch is read again, the first half of it at first."""
    session, engines = warming
    prefix = random.Random(1).choices(range(20, 300), k=N_LINKS * SEGMENT_TOKENS)
    urgent = Request((), tuple(range(30, 40)), Sampling(max_tokens=2), Priority.COMPLETION)
    asked, held = 0, 0
    for event in session.read(prefix, Cancel()):
        if isinstance(event, Progress) and event.stage == "read":
            assert event.done >= held, "what was read is kept"
            held = event.done
            if asked < N_URGENT:
                asked += 1
                list(session.generate(urgent, Cancel()))
    assert isinstance(event, Done) and event.usage.evaluated_tokens == len(prefix)
    warm = [(given, read) for given, read in engines[0].decodes if given >= SEGMENT_TOKENS]
    aborted = [given for given, read in warm if read < given]
    assert asked == N_URGENT
    assert len(aborted) <= N_URGENT
    assert sum(given for given, _ in warm) == len(prefix) + sum(aborted)


def test_a_reading_takes_large_batches_while_it_is_alone(warming: tuple[EngineSession, list[Counting]]) -> None:
    """Two segments at once, and what is left by itself."""
    session, engines = warming
    prefix = random.Random(2).choices(range(20, 300), k=5 * SEGMENT_TOKENS + 40)
    list(session.read(prefix, Cancel()))
    assert engines[0].decodes == [(LARGE_BATCH, LARGE_BATCH)] * 2 + [(SEGMENT_TOKENS + 40, SEGMENT_TOKENS + 40)]


def test_a_short_last_segment_is_read_alone(warming: tuple[EngineSession, list[Counting]]) -> None:
    """Its rows are the same wherever the reading began."""
    session, engines = warming
    prefix = random.Random(3).choices(range(20, 300), k=SEGMENT_TOKENS + 5)
    list(session.read(prefix, Cancel()))
    assert [given for given, _ in engines[0].decodes] == [SEGMENT_TOKENS, 5]
