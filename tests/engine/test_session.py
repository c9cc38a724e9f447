"""Reused == fresh: an answer on a kept, forked or restored prefix is the answer from scratch."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from copilot.engine.base import PREFIX, REQUEST, Cancel, Event, Request, Sampling
from copilot.engine.llama import EngineParams, LlamaEngine, fingerprint
from copilot.engine.segments import SEGMENT_TOKENS, SegmentStore
from copilot.engine.session import EngineSource, LocalSession
from copilot.engine.worker import ThreadedSession
from copilot.errors import BudgetError
from copilot.events import Done, Progress, Text, Usage
from copilot.testing import Shape

SHAPES: list[Shape] = ["qwen2", "gemma4-e2b", "gemma4-moe", "gemma4-dense"]
N_CTX = 4096
QUOTA = 1 << 30
PREFIX_TOKENS = 3 * SEGMENT_TOKENS + 100


class Numbers:
    """A vocabulary whose pieces are the ids themselves, so that answers compare as text."""

    eog: frozenset[int] = frozenset()

    def piece(self, token: int) -> bytes:
        return f"{token} ".encode()


def tokens(n: int, seed: int = 0) -> list[int]:
    return random.Random(seed).choices(range(20, 300), k=n)


@pytest.fixture(params=SHAPES)
def model(request: pytest.FixtureRequest, tiny_model: Callable[[Shape], Path]) -> Path:
    return tiny_model(request.param)


Opened = Callable[..., LocalSession]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """Opens sessions over one store, as processes one after the other would."""
    sessions: list[LocalSession] = []

    def open_session(model: Path, folder: str = "kv") -> LocalSession:
        params = EngineParams()
        store = SegmentStore(tmp_path / folder, fingerprint(model.name, params), QUOTA)

        def load(n_ctx: int) -> LlamaEngine:
            return LlamaEngine(model, params, n_ctx)

        session = LocalSession(EngineSource(load, "gemma4" in model.name, N_CTX), Numbers(), store)
        sessions.append(session)
        return session

    yield open_session
    for session in sessions:
        session.close()


def answer(session: LocalSession, prefix: list[int], turn: list[int], n: int = 24) -> tuple[str, Usage]:
    events: list[Event] = list(session.generate(Request(prefix, turn, Sampling(max_tokens=n)), Cancel()))
    done = events[-1]
    assert isinstance(done, Done)
    return "".join(event.text for event in events if isinstance(event, Text)), done.usage


def test_resident_prefix_answers_like_fresh(model: Path, opened: Opened) -> None:
    """The second request on a prefix in memory reads its turn only and says the same, the window crossed."""
    session, prefix, turn = opened(model), tokens(PREFIX_TOKENS), tokens(9, seed=1)
    first, read = answer(session, prefix, turn)
    second, reused = answer(session, prefix, turn)
    assert second == first
    assert (read.reused_tokens, read.evaluated_tokens) == (0, PREFIX_TOKENS + 9)
    assert (reused.reused_tokens, reused.evaluated_tokens) == (PREFIX_TOKENS, 9)


def test_restored_prefix_answers_like_fresh(model: Path, opened: Opened) -> None:
    """A later process restores the prefix from disk, reads the turn only and says the same."""
    prefix, turn = tokens(PREFIX_TOKENS), tokens(9, seed=1)
    first, _ = answer(opened(model), prefix, turn)
    session = opened(model)
    assert session.state(prefix).missing == 0
    second, usage = answer(session, prefix, turn)
    assert second == first
    assert (usage.reused_tokens, usage.evaluated_tokens) == (PREFIX_TOKENS, 9)


def test_changed_tail_reuses_the_common_chain(model: Path, opened: Opened) -> None:
    """A prefix that differs in its third segment reuses the first two and answers like a fresh one."""
    prefix, turn = tokens(PREFIX_TOKENS), tokens(9, seed=1)
    edited = [*prefix[: 2 * SEGMENT_TOKENS + 7], *tokens(200, seed=2)]
    session = opened(model)
    answer(session, prefix, turn)
    reused, usage = answer(session, edited, turn)
    fresh, _ = answer(opened(model, "another"), edited, turn)
    assert reused == fresh
    windowed = "gemma4" in model.name
    assert usage.reused_tokens == 2 * SEGMENT_TOKENS or (windowed and usage.reused_tokens == 0)


def test_restored_logits_are_bit_equal(model: Path, tmp_path: Path) -> None:
    """With the same batch split, the logits after a restore equal those after reading, bit for bit."""
    read, prefix = LlamaEngine(model, EngineParams(), N_CTX), tokens(2 * SEGMENT_TOKENS)
    cells = []
    for start in range(0, len(prefix), SEGMENT_TOKENS):
        read.decode(PREFIX, prefix[start : start + SEGMENT_TOKENS])
        cells.append(read.export_cells(start, start + SEGMENT_TOKENS))
    window = read.export_window()
    restored = LlamaEngine(model, EngineParams(), 2048)
    assert all(restored.restore(blob) for blob in cells)
    assert not window or restored.restore_window(window)
    rows = []
    for engine in (read, restored):
        engine.compact(PREFIX)
        engine.fork(PREFIX, REQUEST)
        assert engine.decode(REQUEST, tokens(9, seed=1), logits=True) == 9
        rows.append(engine.logits())
        engine.close()
    np.testing.assert_array_equal(rows[0], rows[1])


def test_three_forks_past_the_window_leave_the_prefix_alone(model: Path, opened: Opened) -> None:
    """Requests that run far past the sliding window change nothing for the next request."""
    session, prefix = opened(model), tokens(SEGMENT_TOKENS)
    first = [answer(session, prefix, tokens(200, seed=s), n=40)[0] for s in range(3)]
    again = [answer(session, prefix, tokens(200, seed=s), n=40)[0] for s in range(3)]
    assert again == first


def test_cancel_keeps_whole_segments(model: Path, opened: Opened) -> None:
    """A reading that is cancelled keeps what it finished; the next one goes on from there."""
    prefix, cancel, session = tokens(PREFIX_TOKENS), Cancel(), opened(model)
    for event in session.read(prefix, cancel):
        if isinstance(event, Progress) and event.stage == "read" and event.done >= SEGMENT_TOKENS:
            cancel.set()
    assert isinstance(event, Done) and event.reason == "cancelled"
    session.close()
    later = opened(model)
    done = list(later.read(prefix, Cancel()))[-1]
    assert isinstance(done, Done) and done.usage.reused_tokens == SEGMENT_TOKENS
    first, _ = answer(later, prefix, tokens(5, seed=3))
    assert first == answer(opened(model, "another"), prefix, tokens(5, seed=3))[0]


@pytest.mark.parametrize("kind", ["kv", "win"])
@pytest.mark.parametrize("damage", ["truncate", "flip-header", "flip-data", "empty"])
def test_damaged_segment_is_read_again(model: Path, opened: Opened, tmp_path: Path, damage: str, kind: str) -> None:
    """A damaged file costs reading, never a wrong answer."""
    prefix, turn = tokens(PREFIX_TOKENS), tokens(9, seed=1)
    first, _ = answer(opened(model), prefix, turn)
    files = sorted((tmp_path / "kv").glob(f"*/*.{kind}"), key=lambda path: path.stat().st_mtime_ns)
    if not files:
        pytest.skip("a plain cache has no window files")
    for path in files[:2]:  # the end of the chain, which may go first
        whole = bytearray(path.read_bytes())
        if damage == "truncate":
            del whole[len(whole) * 2 // 3 :]
        elif damage == "empty":
            whole.clear()
        else:
            whole[20 if damage == "flip-header" else len(whole) - 50] ^= 4
        path.write_bytes(bytes(whole))
    again, usage = answer(opened(model), prefix, turn)
    assert again == first
    assert usage.evaluated_tokens > len(turn)


def test_all_damage_is_healed_by_one_reading(model: Path, opened: Opened, tmp_path: Path) -> None:
    """However many files are damaged, after one reading all of them are whole again."""
    prefix = tokens(PREFIX_TOKENS)
    list(opened(model).read(prefix, Cancel()))
    for path in (tmp_path / "kv").glob("*/*.kv"):
        path.write_bytes(path.read_bytes()[:100] if path.stat().st_size % 2 else b"\0" * path.stat().st_size)
    assert opened(model).state(prefix).stored == 0
    list(opened(model).read(prefix, Cancel()))
    assert opened(model).state(prefix).stored == PREFIX_TOKENS


def test_quota_evicts_the_end_of_a_chain_first(model: Path, opened: Opened, tmp_path: Path) -> None:
    """What is kept of a prefix that is too large for the quota is its beginning, which can be used."""
    prefix, session = tokens(PREFIX_TOKENS), opened(model)
    list(session.read(prefix, Cancel()))
    store = session._store
    used = store.links(prefix)
    store._quota_bytes = sum(store.size_bytes(link) for link in used[:2]) + 10
    store.evict(used)
    assert [store.has(link) for link in used] == [True, True, False, False]


def test_unwritable_store_still_answers(model: Path, opened: Opened, tmp_path: Path) -> None:
    """Where nothing can be stored, everything is read and answered all the same."""
    (tmp_path / "kv").write_text("a file where the folder should be")
    prefix, turn = tokens(600), tokens(9, seed=1)
    first, _ = answer(opened(model), prefix, turn)
    assert first == answer(opened(model, "another"), prefix, turn)[0]


def test_request_larger_than_the_context_is_refused(model: Path, opened: Opened) -> None:
    """A request that cannot fit is an error before anything is read."""
    with pytest.raises(BudgetError, match="context has 4096"):
        answer(opened(model), tokens(N_CTX), tokens(9))


def test_threaded_session_raises_where_it_is_used_and_cancels_when_left(model: Path, opened: Opened) -> None:
    """Errors cross the thread; leaving the iteration stops the engine."""
    session, cancel = ThreadedSession(opened(model)), Cancel()
    with pytest.raises(BudgetError):
        list(session.generate(Request(tokens(N_CTX), tokens(9)), cancel))
    events = session.generate(Request(tokens(600), tokens(9), Sampling(max_tokens=2000)), Cancel())
    assert any(isinstance(event, Text) for event in (next(events) for _ in range(20)))
    events.close()
    left_open = session.generate(Request(tokens(600), tokens(9), Sampling(max_tokens=2000)), Cancel())
    next(left_open)
    session.close()  # a generation that nobody closed is stopped before its memory goes
    assert [type(e) for e in session.generate(Request(tokens(600), tokens(9), Sampling(max_tokens=1)), Cancel())][
        -1
    ] is Done
