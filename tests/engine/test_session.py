"""Reused == fresh: an answer on a kept, forked or restored prefix is the answer from scratch."""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from copilot.engine.base import Cancel, Event
from copilot.engine.llama import EngineParams, LlamaEngine, fingerprint
from copilot.engine.memory import LARGE_BATCH
from copilot.engine.requests import Priority, Request, Sampling, ScoreRequest
from copilot.engine.segments import SEGMENT_TOKENS, SegmentStore
from copilot.engine.session import EngineSession, EngineSource
from copilot.errors import BudgetError, EngineError
from copilot.events import Done, Progress, Text, Usage
from copilot.testing import Shape

SHAPES: list[Shape] = ["qwen2", "gemma4-e2b", "gemma4-moe", "gemma4-dense"]
N_CTX = 4096
QUOTA = 1 << 30
ROUNDING = 0.1
"""In logits per token, which spread by 4 to 6 here; other cells beside move a single one by up to 0.6."""
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


Opened = Callable[..., EngineSession]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """Opens sessions over one store, as processes one after the other would."""
    sessions: list[EngineSession] = []

    def open_session(model: Path, folder: str = "kv") -> EngineSession:
        params = EngineParams(n_seq=6)
        store = SegmentStore(tmp_path / folder, fingerprint(model.name, params), QUOTA)

        def load(n_ctx: int) -> LlamaEngine:
            return LlamaEngine(model, params, n_ctx)

        session = EngineSession(EngineSource(load, "gemma4" in model.name, N_CTX), Numbers(), store)
        sessions.append(session)
        return session

    yield open_session
    for session in sessions:
        session.close()


def answer(session: EngineSession, prefix: list[int], turn: list[int], n: int = 24) -> tuple[str, Usage]:
    events: list[Event] = list(session.generate(Request(prefix, turn, Sampling(max_tokens=n)), Cancel()))
    done = events[-1]
    assert isinstance(done, Done)
    return "".join(event.text for event in events if isinstance(event, Text)), done.usage


def ids(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split()))


def assert_greedy(said: str, model: Path, prefix: list[int], turn: list[int]) -> None:
    """Each token of `said` is the most likely one for an engine that holds nothing else, but for rounding.

    Attention sums over cells in the order they lie in the cache, so other sequences beside change the last bits; the
    tiny models' random weights make ties common.
    """
    engine = LlamaEngine(model, EngineParams(), N_CTX)
    for start in range(0, len(prefix), SEGMENT_TOKENS):
        engine.decode(1, prefix[start : start + SEGMENT_TOKENS])
    engine.compact(1)
    engine.fork(1, 2)
    engine.decode(2, turn, logits="last")
    short = []
    for token in ids(said):
        row = engine.logits()
        short.append(float(row.max() - row[token]))
        engine.decode(2, [token], logits="last")
    engine.close()
    assert np.mean(short) < ROUNDING, f"logits below the best by {short}"


def test_a_wrong_prefix_is_told_from_rounding(model: Path, opened: Opened) -> None:
    """The comparison that the tests below use fails for the answer on another prefix."""
    prefix, turn = tokens(2 * SEGMENT_TOKENS), tokens(9, seed=1)
    said, _ = answer(opened(model), tokens(2 * SEGMENT_TOKENS, seed=3), turn)
    with pytest.raises(AssertionError, match="below the best"):
        assert_greedy(said, model, prefix, turn)


def test_resident_prefix_answers_like_fresh(model: Path, opened: Opened) -> None:
    """The second request on a prefix in memory reads its turn only and says the same, the window crossed."""
    session, prefix, turn = opened(model), tokens(PREFIX_TOKENS), tokens(9, seed=1)
    first, read = answer(session, prefix, turn)
    second, reused = answer(session, prefix, turn)
    assert second == first
    assert (read.reused_tokens, read.evaluated_tokens) == (0, PREFIX_TOKENS + 9)
    assert (reused.reused_tokens, reused.evaluated_tokens) == (PREFIX_TOKENS, 9)


def test_an_answer_that_has_begun_goes_on(model: Path, opened: Opened) -> None:
    """What was told before comes again, whatever the model would say now, and the rest is what follows it."""
    session, prefix, turn = opened(model), tokens(SEGMENT_TOKENS), tokens(9, seed=1)
    begun = tuple(tokens(12, seed=5))
    sampling = Sampling(max_tokens=20, begun=begun)
    pieces = [e for e in session.generate(Request(prefix, turn, sampling), Cancel()) if isinstance(e, Text)]
    said = tuple(token for piece in pieces for token in piece.tokens)
    assert said[:12] == begun == ids("".join(piece.text for piece in pieces))[:12]
    assert len(said) == 20
    assert_greedy(" ".join(map(str, said[12:])), model, prefix, [*turn, *begun])


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
    assert_greedy(reused, model, edited, turn)
    windowed = "gemma4" in model.name
    assert usage.reused_tokens == 2 * SEGMENT_TOKENS or (windowed and usage.reused_tokens == 0)


def test_restored_logits_are_bit_equal(model: Path, tmp_path: Path) -> None:
    """With the same batch split, the logits after a restore equal those after reading, bit for bit."""
    read, prefix = LlamaEngine(model, EngineParams(), N_CTX), tokens(2 * SEGMENT_TOKENS)
    cells = []
    for start in range(0, len(prefix), SEGMENT_TOKENS):
        read.decode(1, prefix[start : start + SEGMENT_TOKENS])
        cells.append(read.export_cells(1, start, start + SEGMENT_TOKENS))
    window = read.export_window(1)
    restored = LlamaEngine(model, EngineParams(), 2048)
    assert all(restored.restore(1, blob) for blob in cells)
    assert not window or restored.restore_window(1, window)
    rows = []
    for engine in (read, restored):
        engine.compact(1)
        engine.fork(1, 2)
        assert engine.decode(2, tokens(9, seed=1), logits="last") == 9
        rows.append(engine.logits())
        engine.close()
    np.testing.assert_array_equal(rows[0], rows[1])


def test_two_segments_read_at_once_leave_the_same_rows(model: Path) -> None:
    """What is stored does not depend on the size of the batches it was read in."""
    prefix = tokens(LARGE_BATCH)
    rows = []
    for size in (LARGE_BATCH, SEGMENT_TOKENS):
        engine = LlamaEngine(model, EngineParams(n_batch=LARGE_BATCH), N_CTX)
        for start in range(0, len(prefix), size):
            engine.decode(1, prefix[start : start + size], logits="last")
        halves = [engine.export_cells(1, start, start + SEGMENT_TOKENS) for start in (0, SEGMENT_TOKENS)]
        rows.append((halves, engine.export_window(1), engine.logits().tobytes()))
        engine.close()
    assert rows[0] == rows[1]


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
    assert_greedy(first, model, prefix, tokens(5, seed=3))


@pytest.mark.parametrize("kind", ["kv", "win"])
@pytest.mark.parametrize("damage", ["truncate", "flip-header", "flip-data", "empty"])
def test_damaged_segment_is_read_again(model: Path, opened: Opened, tmp_path: Path, damage: str, kind: str) -> None:
    """A damaged file costs reading, never a wrong answer."""
    prefix, turn = tokens(PREFIX_TOKENS), tokens(9, seed=1)
    list(opened(model).read(prefix, Cancel()))
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
    assert_greedy(again, model, prefix, turn)
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


def test_errors_cross_the_thread_and_leaving_cancels(model: Path, opened: Opened) -> None:
    """Errors are raised where the session is used; leaving the iteration stops the engine."""
    session, cancel = opened(model), Cancel()
    with pytest.raises(BudgetError):
        list(session.generate(Request(tokens(N_CTX), tokens(9)), cancel))
    events = session.generate(Request(tokens(600), tokens(9), Sampling(max_tokens=2000)), Cancel())
    assert any(isinstance(event, Text) for event in (next(events) for _ in range(20)))
    events.close()
    assert session.status().running == 0
    left_open = session.generate(Request(tokens(600), tokens(9), Sampling(max_tokens=2000)), Cancel())
    next(left_open)
    session.close()  # a generation that nobody closed is stopped before its memory goes
    with pytest.raises(EngineError, match="closed"):
        answer(session, tokens(600), tokens(9))


def test_many_requests_at_once_answer_like_alone(model: Path, opened: Opened) -> None:
    """Ten requests on three prefixes from ten threads: each says what it says when it is alone."""
    prefixes = [tokens(PREFIX_TOKENS), [*tokens(2 * SEGMENT_TOKENS), *tokens(90, seed=7)], tokens(300, seed=8)]
    asked = [(prefixes[n % 3], tokens(5 + n, seed=n)) for n in range(10)]
    session = opened(model)
    with ThreadPoolExecutor(len(asked)) as threads:
        together = list(threads.map(lambda request: answer(session, *request)[0], asked))
    for said, request in zip(together, asked, strict=True):
        assert_greedy(said, model, *request)
    assert session.status().running == session.status().queued == 0


def test_a_more_urgent_request_overtakes_and_the_other_goes_on(model: Path, opened: Opened) -> None:
    """A completion that arrives during a reading is answered before it ends, and the reading loses nothing."""
    session, prefix = opened(model), tokens(12 * SEGMENT_TOKENS)
    urgent = Request(tokens(40, seed=3), tokens(5, seed=4), Sampling(max_tokens=4), Priority.COMPLETION)
    reading = session.read(prefix, Cancel())
    while not (isinstance(event := next(reading), Progress) and event.stage == "read"):
        pass
    list(session.generate(urgent, Cancel()))
    state = session.state(prefix)
    assert state.resident < len(prefix)
    done = list(reading)[-1]
    assert isinstance(done, Done) and done.usage.prompt_tokens == len(prefix)
    turn = tokens(9, seed=1)
    assert_greedy(answer(session, prefix, turn)[0], model, prefix, turn)


def test_readers_keep_the_old_prefix_while_the_edited_one_is_read(model: Path, opened: Opened) -> None:
    """While an edited prefix is read in a second sequence, requests on the old one read their turn only."""
    session, old, turn = opened(model), tokens(4 * SEGMENT_TOKENS), tokens(9, seed=1)
    first, _ = answer(session, old, turn)
    edited = [*old[: SEGMENT_TOKENS + 3], *tokens(9 * SEGMENT_TOKENS, seed=2)]
    reading = session.read(edited, Cancel())
    while not (isinstance(event := next(reading), Progress) and event.stage == "read"):
        pass
    again, usage = answer(session, old, turn)
    assert (again, usage.evaluated_tokens) == (first, len(turn))
    list(reading)
    assert session.state(edited).resident == len(edited)


def test_two_readers_of_one_prefix_share_the_work(model: Path, opened: Opened) -> None:
    """A question that needs the prefix a warm-up is reading takes it over; no token is read twice."""
    session, prefix, turn = opened(model), tokens(8 * SEGMENT_TOKENS), tokens(9, seed=1)
    warming = session.read(prefix, Cancel())
    while not (isinstance(event := next(warming), Progress) and event.stage == "read"):
        pass
    said, usage = answer(session, prefix, turn)
    done = list(warming)[-1]
    assert isinstance(done, Done) and done.reason == "stop"
    assert usage.evaluated_tokens < len(prefix)
    assert_greedy(said, model, prefix, turn)
    assert session.status().held == (len(prefix),)


def test_a_cancelled_reader_leaves_the_other_one_reading(model: Path, opened: Opened, tmp_path: Path) -> None:
    """Of two requests that restore and read one prefix, the one that stays gets the right answer."""
    prefix, turn = tokens(5 * SEGMENT_TOKENS), tokens(9, seed=1)
    list(opened(model).read(prefix, Cancel()))
    session, leaving = opened(model), Cancel()
    first = session.read(prefix, leaving)
    while not (isinstance(event := next(first), Progress) and event.stage == "restore"):
        pass
    with ThreadPoolExecutor(1) as threads:
        staying = threads.submit(answer, session, prefix, turn)
        leaving.set()
        list(first)
        assert_greedy(staying.result()[0], model, prefix, turn)


def test_a_small_context_serves_one_after_the_other(model: Path, opened: Opened) -> None:
    """Requests that do not fit beside each other wait; each gets its whole answer."""
    session = opened(model)
    asked = [(tokens(3000, seed=n), tokens(9, seed=n)) for n in range(3)]
    with ThreadPoolExecutor(3) as threads:
        together = list(threads.map(lambda request: answer(session, *request), asked))
    assert [usage.generated_tokens for _, usage in together] == [24] * 3
    assert_greedy(together[1][0], model, *asked[1])


def test_scores_are_those_of_generating(model: Path, opened: Opened) -> None:
    """The log-probabilities of a scored text are those its tokens have when they are generated."""
    session, prefix, turn = opened(model), tokens(300), tokens(9, seed=1)
    sampling = Sampling(max_tokens=6, logprobs=True, speculate=False)
    texts = [e for e in session.generate(Request(prefix, turn, sampling), Cancel()) if isinstance(e, Text)]
    written = ids("".join(text.text for text in texts))
    said = [logprob for text in texts for logprob in text.logprobs]
    other = tuple(tokens(3, seed=5))
    scored = session.score(ScoreRequest(prefix, turn, (written, other, written[:1])), Cancel())
    np.testing.assert_allclose(scored[0], said, atol=0.05)
    assert [len(scores) for scores in scored] == [6, 3, 1]
    assert sum(scored[1]) < sum(scored[0][:3])
    cancelled = Cancel()
    cancelled.set()
    assert session.score(ScoreRequest(prefix, turn, (written,)), cancelled) == ()
