"""Completions on a resident sequence: what is moved, what is read again, and when."""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot.engine.base import Cancel
from copilot.engine.infill_plan import BATCH_TOKENS, MAX_READ, Resident, batch_ends, plan
from copilot.engine.llama import EngineParams, LlamaEngine, fingerprint
from copilot.engine.requests import InfillRequest, Request, Sampling
from copilot.engine.segments import SegmentStore
from copilot.engine.sequences import Held
from copilot.engine.session import EngineSession, EngineSource
from copilot.events import Done, Progress, Text, Usage
from copilot.testing import Shape

HOLE, GAP = (300,), (301,)
BEFORE, AFTER, TYPED = range(20, 180), range(200, 280), (31, 47, 53)


class Numbers:
    """A vocabulary whose pieces are the ids themselves."""

    eog: frozenset[int] = frozenset()

    def piece(self, token: int) -> bytes:
        return f"{token} ".encode()


def tokens(of: range, n: int, seed: int = 0) -> tuple[int, ...]:
    return tuple(random.Random(seed).choices(of, k=n))


def request(
    before: tuple[int, ...], after: tuple[int, ...], n: int = 8, *, exact: bool = False, least_lead: float = 0.0
) -> InfillRequest:
    sampling = Sampling(max_tokens=n, speculate=False, logprobs=True)
    return InfillRequest(before, after, HOLE, GAP, sampling, exact, least_lead=least_lead)


@pytest.fixture
def opened(tmp_path: Path, tiny_model: Callable[[Shape], Path]) -> Iterator[Callable[..., EngineSession]]:
    sessions: list[EngineSession] = []

    def open_session(shape: Shape = "qwen2", n_ctx: int = 4096) -> EngineSession:
        params = EngineParams(n_seq=6, n_threads=1)
        store = SegmentStore(tmp_path / "kv", fingerprint(shape, params), 1 << 30)
        source = EngineSource(lambda n_ctx: LlamaEngine(tiny_model(shape), params, n_ctx), "gemma4" in shape, n_ctx)
        sessions.append(EngineSession(source, Numbers(), store))
        return sessions[-1]

    yield open_session
    for session in sessions:
        session.close()


def said(session: EngineSession, asked: InfillRequest) -> tuple[str, Usage]:
    events = list(session.infill(asked, Cancel()))
    done = events[-1]
    assert isinstance(done, Done) and done.reason != "cancelled"
    return "".join(event.text for event in events if isinstance(event, Text)), done.usage


def test_typing_reads_what_was_typed_and_the_markers(opened: Callable[..., EngineSession]) -> None:
    """The text after the cursor is moved, not read again."""
    session, before, after = opened(), tokens(BEFORE, 150), tokens(AFTER, 90)
    _, first = said(session, request(before, after))
    _, second = said(session, request((*before, *TYPED), after))
    assert (first.reused_tokens, first.evaluated_tokens) == (0, 242)
    assert (second.reused_tokens, second.evaluated_tokens) == (240, len(TYPED) + 2)


def test_taking_typed_text_back_reads_the_markers(opened: Callable[..., EngineSession]) -> None:
    """Cells move in both directions."""
    session, before, after = opened(), tokens(BEFORE, 150), tokens(AFTER, 90)
    said(session, request((*before, *TYPED), after))
    _, usage = said(session, request(before, after))
    assert usage.evaluated_tokens == 2


def test_a_bracket_closed_by_the_editor_moves_the_rest(opened: Callable[..., EngineSession]) -> None:
    """A new beginning of the text after the cursor is read, its old end is moved."""
    session, before, after = opened(), tokens(BEFORE, 150), tokens(AFTER, 90)
    said(session, request(before, after))
    _, usage = said(session, request((*before, 31), (205, *after)))
    assert usage.evaluated_tokens == 1 + 1 + 1 + 1


def test_exact_requests_answer_like_fresh_ones(opened: Callable[..., EngineSession]) -> None:
    """After any typing, an exact request says what a session says that was never asked before."""
    session, before, after = opened(), tokens(BEFORE, 150), tokens(AFTER, 90)
    said(session, request(before, after))
    said(session, request((*before, *TYPED), after))
    again, usage = said(session, request((*before, *TYPED), after, exact=True))
    fresh, _ = said(opened(), request((*before, *TYPED), after))
    assert again == fresh
    assert usage.reused_tokens == 2 * BATCH_TOKENS


def test_an_exact_request_on_exact_cells_reads_the_last_marker_only(opened: Callable[..., EngineSession]) -> None:
    """Nothing is read again without need."""
    session, asked = opened(), request(tokens(BEFORE, 100), tokens(AFTER, 60), exact=True)
    first, _ = said(session, asked)
    second, usage = said(session, asked)
    assert (second, usage.evaluated_tokens) == (first, 1)


def test_an_undecided_token_waits_for_a_full_reading(opened: Callable[..., EngineSession]) -> None:
    """Where no token leads by enough, an answer from moved cells is the one that a full reading gives."""
    session, before, after = opened(), tokens(BEFORE, 150), tokens(AFTER, 90)
    said(session, request(before, after))
    typed = (*before, *TYPED)
    answer, usage = said(session, request(typed, after, least_lead=1e9))
    assert answer == said(opened(), request(typed, after))[0]
    assert usage.evaluated_tokens == len(TYPED) + 2 + len(typed) + 1 + len(after) - 2 * BATCH_TOKENS
    assert usage.reused_tokens + usage.evaluated_tokens == usage.prompt_tokens
    assert said(session, request(typed, after, least_lead=1e9))[1].evaluated_tokens == 1


def test_an_answer_goes_on_where_it_was_undecided(opened: Callable[..., EngineSession]) -> None:
    """What was told before the undecided token is told once, with as many probabilities as tokens."""
    before, after = tokens(BEFORE, 150), tokens(AFTER, 90)
    typed = (*before, *TYPED)
    numbers = set()
    for least in (0.002, 0.01, 0.05):
        session = opened()
        said(session, request(before, after))
        events = list(session.infill(request(typed, after, 20, least_lead=least), Cancel()))
        texts = [event for event in events if isinstance(event, Text)]
        assert sum(len(event.tokens) for event in texts) == 20 == sum(len(event.logprobs) for event in texts)
        assert isinstance(events[-1], Done) and events[-1].usage.generated_tokens == 20
        numbers.add(events[-1].usage.evaluated_tokens)
    assert max(numbers) == len(TYPED) + 2 + len(typed) + 1 + len(after) - 2 * BATCH_TOKENS


def test_reading_again_needs_no_room(opened: Callable[..., EngineSession]) -> None:
    """The context holds the texts once; the cells that are read again are set apart outside of it."""
    session, before, after = opened(n_ctx=512), tokens(BEFORE, 250), tokens(AFTER, 180)
    said(session, request(before, after))
    typed = (*before, *TYPED)
    answer, usage = said(session, request(typed, after, least_lead=1e9))
    assert usage.evaluated_tokens > len(after)
    assert answer == said(opened(), request(typed, after))[0]


def probabilities(session: EngineSession, asked: InfillRequest) -> list[tuple[str, tuple[float, ...]]]:
    return [(event.text, event.logprobs) for event in session.infill(asked, Cancel()) if isinstance(event, Text)]


@pytest.mark.parametrize("beside", [16, 600])
@pytest.mark.parametrize("seed", range(4))
def test_a_full_reading_is_the_same_bit_for_bit(opened: Callable[..., EngineSession], seed: int, beside: int) -> None:
    """Whatever was typed, taken back or cancelled before, the probabilities are those of a fresh session.

    A prefix that lies in the context beside it changes nothing of that.
    """

    def fresh() -> EngineSession:
        session = opened()
        list(session.read(tokens(BEFORE, beside, seed=9), Cancel()))
        return session

    chance, session = random.Random(seed), fresh()
    text, after = tokens(BEFORE, 300, seed), tokens(AFTER, 150, seed)
    length = 150
    for _ in range(8):
        length += chance.choice((1, 2, 5, 30, -1, -7))
        asked = request(text[:length], after, 4, least_lead=chance.choice((0.0, 0.01, 1e9)))
        cancel = Cancel()
        for _ in session.infill(asked, cancel):
            if chance.random() < 0.1:
                cancel.set()
    again = request(text[:length], after, exact=True)
    assert probabilities(session, again) == probabilities(fresh(), again)
    longer = request(text[: length + 1], after, least_lead=1e9)
    assert probabilities(session, longer) == probabilities(fresh(), longer)


def test_the_same_place_asked_again_costs_the_last_marker(opened: Callable[..., EngineSession]) -> None:
    """Cells that were moved for this very place serve it again, approximate as they are."""
    session, before, after = opened(), tokens(BEFORE, 150), tokens(AFTER, 90)
    said(session, request(before, after))
    said(session, request((*before, *TYPED), after))
    assert said(session, request((*before, *TYPED), after))[1].evaluated_tokens == 1


def test_at_the_end_of_a_document_typing_reads_what_was_typed(opened: Callable[..., EngineSession]) -> None:
    """Where too little follows the cursor to be moved it is read again, and nothing before the cursor."""
    session, before, after = opened(), tokens(BEFORE, 150), tokens(AFTER, 5)
    said(session, request(before, after))
    for n in range(1, 5):
        typed = (*before, *tokens(BEFORE, n))
        assert said(session, request(typed, after, least_lead=1e9))[1].evaluated_tokens <= 4 + 1 + len(after) + 1


@given(st.integers(0, 300), st.integers(0, 300))
def test_batches_of_a_full_reading_follow_from_the_texts(n_before: int, n_after: int) -> None:
    """They end where the first text ends and where all ends, and are as large as they may be from either beginning."""
    n_tokens = n_before + 1 + n_after
    ends = list(batch_ends(n_before, n_tokens))
    sizes = [end - start for start, end in pairwise([0, *ends])]
    assert ends[-1] == n_tokens and (n_before == 0 or n_before in ends)
    assert all(0 < size <= BATCH_TOKENS for size in sizes)
    assert sum(size < BATCH_TOKENS for size in sizes) <= 2


def test_cells_that_were_never_moved_are_trusted(opened: Callable[..., EngineSession]) -> None:
    """An undecided token has nothing read again where everything was read for this request."""
    _, usage = said(opened(), request(tokens(BEFORE, 100), tokens(AFTER, 90), least_lead=1e9))
    assert usage.evaluated_tokens == 192


def read_in_part(session: EngineSession, before: tuple[int, ...], after: tuple[int, ...], share: float = 0.9) -> None:
    """Begin to read both texts in full, and cancel when a share of all is there."""
    cancel = Cancel()
    for event in session.infill(request(before, after, exact=True), cancel):
        if isinstance(event, Progress) and event.stage == "read" and event.done > share * (len(before) + len(after)):
            cancel.set()
    assert isinstance(event, Done) and event.reason == "cancelled"


@pytest.mark.parametrize("share", [0.0, 0.4, 0.5, 0.7, 0.9])
def test_a_full_reading_that_is_cancelled_loses_no_cells(opened: Callable[..., EngineSession], share: float) -> None:
    """Whoever types while both texts are read again pays for what was typed, as before."""
    session, typed, after = opened(), tokens(BEFORE, 150), tokens(AFTER, 4 * BATCH_TOKENS)
    said(session, request(typed, after))
    for seed in range(4):
        typed = (*typed, *tokens(BEFORE, 20, seed))
        said(session, request(typed, after))
    read_in_part(session, typed, after, share)
    _, usage = said(session, request((*typed, *TYPED), after))
    assert usage.evaluated_tokens == len(TYPED) + 2


def test_a_full_reading_goes_on_where_it_was_cancelled(opened: Callable[..., EngineSession]) -> None:
    """What was read before a cancel is not read again, and the answer is that of a fresh session."""
    session, before, after = opened(), tokens(BEFORE, 150), tokens(AFTER, 4 * BATCH_TOKENS)
    said(session, request(before, after))
    typed = (*before, *TYPED)
    said(session, request(typed, after))
    read_in_part(session, typed, after)
    answer, usage = said(session, request(typed, after, exact=True))
    assert answer == said(opened(), request(typed, after))[0]
    assert usage.evaluated_tokens <= 2 * BATCH_TOKENS + 1


def test_cells_that_could_not_be_set_anew_leave_no_gap(
    opened: Callable[..., EngineSession], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a full reading had to begin at the start and is cancelled soon, what was there before is not claimed."""
    session, typed, after = opened(), tokens(BEFORE, 150), tokens(AFTER, 4 * BATCH_TOKENS)
    said(session, request(typed, after))
    typed = (*typed, *TYPED)
    said(session, request(typed, after))
    real, failed = LlamaEngine.restore, []

    def fails_once(engine: LlamaEngine, seq: int, blob: bytes) -> bool:
        failed.append(seq)
        return len(failed) > 1 and real(engine, seq, blob)

    monkeypatch.setattr(LlamaEngine, "restore", fails_once)
    read_in_part(session, typed, after, 0.1)
    answer, usage = said(session, request((*typed, *TYPED), after))
    assert failed and usage.evaluated_tokens > len(after)
    assert answer == said(opened(), request((*typed, *TYPED), after))[0]


def test_a_large_edit_is_read_in_full(opened: Callable[..., EngineSession]) -> None:
    """More new text than the approximation allows has what follows read again, and is answered like fresh."""
    session, before, after = opened(), tokens(BEFORE, 150), tokens(AFTER, 90)
    said(session, request(before, after))
    edited = (*before, *tokens(BEFORE, MAX_READ, seed=1))
    answer, usage = said(session, request(edited, after))
    assert usage.reused_tokens == 2 * BATCH_TOKENS
    assert answer == said(opened(), request(edited, after))[0]


def test_drift_ends_in_a_full_reading(opened: Callable[..., EngineSession]) -> None:
    """However small the steps, cells do not move for ever."""
    session, before, after = opened(), tokens(BEFORE, 128), tokens(AFTER, 90)
    said(session, request(before, after, 1))
    read = []
    for seed in range(10):
        before = (*before, *tokens(BEFORE, 30, seed))
        read.append(said(session, request(before, after, 1))[1].evaluated_tokens)
    assert read[:6] == [32, 32, 32, 32, 32, 6 * 30 + 1 + len(after) + 1]


def test_a_windowed_model_reads_again(opened: Callable[..., EngineSession]) -> None:
    """Where cells cannot be moved, the answer is that of a fresh session."""
    session, before, after = opened("gemma4-e2b"), tokens(BEFORE, 150), tokens(AFTER, 90)
    said(session, request(before, after))
    answer, usage = said(session, request((*before, *TYPED), after))
    fresh, _ = said(opened("gemma4-e2b"), request((*before, *TYPED), after))
    assert usage.evaluated_tokens >= len(after)
    assert answer == fresh


def test_moved_cells_are_those_of_their_new_positions(tiny_model: Callable[[Shape], Path]) -> None:
    """Moving cells by n positions and reading the same tokens there gives the same logits, where nothing else differs.

    One token before them only, so that what the cells hold does not depend on the text before.
    """
    rows = []
    for moved in (0, 40):
        engine = LlamaEngine(tiny_model("qwen2"), EngineParams(n_threads=1), 512)
        engine.decode(1, [30] * 60)
        engine.share(1, 2, 20, 60)
        engine.rewind(1, 20)
        engine.shift(2, 20, moved)
        engine.shift(2, 20 + moved, -moved)
        engine.share(2, 1, 20, 60)
        assert engine.length(1) == 60
        engine.decode(1, [31], logits="last")
        rows.append(engine.logits())
        engine.close()
    np.testing.assert_allclose(rows[1], rows[0], atol=0.05)


def test_a_cancelled_reading_keeps_what_it_read_and_what_it_moves(opened: Callable[..., EngineSession]) -> None:
    """After a cancel in the middle of a long reading, the next request goes on from there."""
    session, before, after, cancel = opened(), tokens(BEFORE, 4 * BATCH_TOKENS), tokens(AFTER, 90), Cancel()
    for event in session.infill(request(before, after), cancel):
        if isinstance(event, Progress) and event.stage == "read" and event.done >= 2 * BATCH_TOKENS:
            cancel.set()
    assert isinstance(event, Done) and event.reason == "cancelled"
    answer, usage = said(session, request(before, after))
    assert usage.reused_tokens >= 2 * BATCH_TOKENS
    assert answer == said(opened(), request(before, after))[0]


def test_a_plan_never_keeps_and_moves_one_cell_twice() -> None:
    """Texts that repeat themselves make kept and moved cells overlap; neither side counts a cell of the other."""
    same = (20,) * 60
    resident = Resident(Held(1, 1), [*same, *HOLE, *same], same, 61)
    way = plan(resident, request((*same, *HOLE, *same[:30]), same), can_shift=True)
    assert way.kept + way.moved <= 121
    shorter = plan(resident, request(same[:20], same[:20]), can_shift=True)
    assert shorter.kept + shorter.moved <= 41


def test_completions_leave_a_read_prefix_alone(opened: Callable[..., EngineSession]) -> None:
    """A question after completions pays for its turn only, and completions after it for what was typed."""
    session, prefix, after = opened(), tokens(BEFORE, 600, seed=5), tokens(AFTER, 60)
    list(session.read(prefix, Cancel()))
    before = tokens(BEFORE, 150)
    said(session, request(before, after))
    *_, done = session.generate(Request(prefix, (30, 31), Sampling(max_tokens=2)), Cancel())
    assert isinstance(done, Done) and done.usage.evaluated_tokens == 2
    assert said(session, request((*before, *TYPED), after))[1].evaluated_tokens == len(TYPED) + 2


def test_two_requests_at_once_take_turns(opened: Callable[..., EngineSession]) -> None:
    """The second waits for the first, and both are answered as if alone."""
    session, after = opened(), tokens(AFTER, 60)
    asked = [request(tokens(BEFORE, 150, seed), after) for seed in range(3)]
    with ThreadPoolExecutor(3) as pool:
        together = [answer for answer, _ in pool.map(lambda one: said(session, one), asked)]
    assert together == [said(opened(), one)[0] for one in asked]


def test_two_documents_stay_resident(opened: Callable[..., EngineSession]) -> None:
    """Going to another file and back costs the markers."""
    session, after = opened(), tokens(AFTER, 60)
    one, other = tokens(BEFORE, 150), tokens(BEFORE, 150, seed=9)
    said(session, request(one, after))
    said(session, request(other, after))
    _, usage = said(session, request((*one, *TYPED), after))
    assert usage.evaluated_tokens == len(TYPED) + 2


def test_a_document_is_known_by_the_text_after_the_cursor(opened: Callable[..., EngineSession]) -> None:
    """At the beginning of a file most of what is held stands behind the cursor."""
    session, before, after = opened(), tokens(BEFORE, 20), tokens(AFTER, 200)
    said(session, request(before, after))
    assert said(session, request((*before, *TYPED), after))[1].evaluated_tokens == len(TYPED) + 2


def test_a_third_document_takes_the_place_of_the_oldest(opened: Callable[..., EngineSession]) -> None:
    """Room for completions is bounded."""
    session, after = opened(), tokens(AFTER, 60)
    texts = [tokens(BEFORE, 150, seed) for seed in range(3)]
    for before in texts:
        said(session, request(before, after, 1))
    assert said(session, request(texts[2], after, 1))[1].evaluated_tokens == 1
    assert said(session, request(texts[0], after, 1))[1].reused_tokens < 10
