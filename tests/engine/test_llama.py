"""The Engine port over llama.cpp: rows, sequences, resizing, grammar, and refusals where the library would abort."""

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from copilot.engine.base import SCRATCH
from copilot.engine.gguf import read_card
from copilot.engine.llama import EngineParams, LlamaEngine
from copilot.engine.requests import Sampling
from copilot.engine.tokenizer import Tokenizer
from copilot.errors import BudgetError, EngineError, UsageError
from copilot.testing import Shape

SHAPES: list[Shape] = ["qwen2", "gemma4-e2b", "gemma4-dense"]
TOKENS = list(range(30, 70))


@pytest.fixture(params=SHAPES)
def model(request: pytest.FixtureRequest, tiny_model: Callable[[Shape], Path]) -> Path:
    return tiny_model(request.param)


@pytest.fixture
def engine(model: Path) -> Iterator[LlamaEngine]:
    opened = LlamaEngine(model, EngineParams(n_threads=1), 512)
    yield opened
    opened.close()


def written(engine: LlamaEngine, model: Path, sampling: Sampling, most: int = 400) -> str:
    """What the model writes after TOKENS, until an end token."""
    tokenizer = Tokenizer.from_card(read_card(model))
    engine.drop(1)
    engine.decode(1, TOKENS, logits="last")
    sampler, pieces = engine.sampler(sampling), b""
    for _ in range(most):
        token = sampler.sample()
        if token in tokenizer.eog:
            break
        pieces += tokenizer.piece(token)
        engine.decode(1, [token], logits="last")
    else:
        pytest.fail(f"no end after {pieces!r}")
    sampler.close()
    return pieces.decode()


def test_rows_are_those_of_single_decodes(engine: LlamaEngine) -> None:
    """Row i of a batch predicts what follows its i-th token, counted from either end."""
    singles = []
    for token in TOKENS[:20]:
        engine.decode(1, [token], logits="last")
        singles.append(engine.logits())
    engine.decode(2, TOKENS[:20], logits="all")
    for i, single in enumerate(singles):
        np.testing.assert_allclose(engine.logits(i), single, atol=0.1)
        np.testing.assert_array_equal(engine.logits(i), engine.logits(i - 20))
    engine.drop(2)
    engine.decode(2, TOKENS[:20], logits="last")
    np.testing.assert_allclose(engine.logits(0), singles[-1], atol=0.1)
    np.testing.assert_array_equal(engine.logits(0), engine.logits(-1))


def test_logprobs_are_normalized(engine: LlamaEngine) -> None:
    """The probabilities of all tokens sum to one, and follow the logits."""
    engine.decode(1, TOKENS, logits="last")
    logits = engine.logits()
    logprobs = [engine.logprob(token) for token in range(len(logits))]
    assert math.isclose(sum(map(math.exp, logprobs)), 1.0, rel_tol=1e-5)
    np.testing.assert_allclose(np.array(logprobs) - logprobs[0], logits - logits[0], atol=1e-4)


def test_the_lead_is_the_distance_of_the_two_likeliest(engine: LlamaEngine) -> None:
    """In logits, of the row that is asked for."""
    engine.decode(1, TOKENS, logits="all")
    for row in range(len(TOKENS)):
        second, first = np.sort(engine.logits(row))[-2:]
        assert engine.lead(row) == pytest.approx(first - second)


def test_what_llama_cpp_aborts_on_is_refused_before(engine: LlamaEngine) -> None:
    """Each of these calls would end the process; here it is an error, and the engine works on."""
    sampler = engine.sampler(Sampling())
    refused: list[Callable[[], object]] = [
        lambda: engine.logits(),
        lambda: engine.decode(1, []),
        lambda: engine.decode(1, [5] * (engine.n_batch + 1)),
        lambda: engine.decode(1, [5] * (engine.max_rows + 1), logits="all"),
        lambda: engine.decode(engine.n_seq, TOKENS),
        lambda: engine.decode(-1, TOKENS),
        lambda: engine.decode(1, [10**6]),
        lambda: engine.decode(1, [-1]),
        lambda: engine.drop(300),
        lambda: engine.fork(1, engine.n_seq),
        lambda: engine.rewind(99, 0),
        lambda: engine.restore_window(99, b""),
        lambda: EngineParams(n_seq=65),
    ]
    for call in refused:
        with pytest.raises(ValueError):
            call()
    engine.decode(1, TOKENS)
    with pytest.raises(ValueError, match="0 rows"):
        sampler.sample()
    engine.drop(1)
    engine.decode(1, TOKENS, logits="last")
    with pytest.raises(ValueError, match="row 1 of 1"):
        sampler.sample(1)
    assert sampler.sample() == int(engine.logits().argmax())
    sampler.close()
    engine.close()
    with pytest.raises(ValueError, match="closed"):
        engine.decode(1, TOKENS)


def test_no_room_is_an_error_that_changes_nothing(engine: LlamaEngine) -> None:
    """Sequences share the context: when it is full, decoding says so, and works again once room is made."""
    engine.decode(1, [5] * 256)
    engine.decode(2, [5] * 250)
    with pytest.raises(EngineError, match="no room"):
        engine.decode(3, [5] * 20)
    assert (engine.length(1), engine.length(2), engine.length(3)) == (256, 250, 0)
    engine.drop(2)
    assert engine.decode(3, [5] * 20) == 20
    engine.drop(3)
    with pytest.raises(BudgetError, match="context of 512"):
        for _ in range(3):
            engine.decode(1, [5] * 256)


def test_resize_keeps_the_model_and_drops_the_rest(model: Path) -> None:
    """After resizing all sequences are empty, logits are as before, and a refused size leaves the former one."""
    asked: list[int] = []

    def admit(n_ctx: int) -> None:
        asked.append(n_ctx)
        if n_ctx > 2000:
            raise BudgetError("too large")

    engine = LlamaEngine(model, EngineParams(n_threads=1), 512, admit)
    engine.decode(1, TOKENS, logits="last")
    before = engine.logits()
    sampler = engine.sampler(Sampling())
    engine.resize(1024)
    assert (engine.n_ctx, engine.length(1)) == (1024, 0)
    with pytest.raises(ValueError, match="0 rows"):
        sampler.sample()
    engine.decode(1, TOKENS, logits="last")
    np.testing.assert_allclose(engine.logits(), before, atol=0.05)
    assert sampler.sample() == int(before.argmax())
    with pytest.raises(BudgetError, match="too large"):
        engine.resize(4096)
    assert (engine.n_ctx, engine.length(1)) == (1024, 0)
    assert asked == [512, 1024, 4096]
    assert engine.decode(1, TOKENS) == len(TOKENS)
    sampler.close()
    engine.close()


def test_state_moves_between_any_two_sequences(engine: LlamaEngine) -> None:
    """What was exported from one sequence goes on in another as in the first."""
    engine.decode(3, TOKENS)
    cells, window = engine.export_cells(3, 0, len(TOKENS)), engine.export_window(3)
    assert engine.length(SCRATCH) == 0
    assert engine.restore(2, cells)
    assert not engine.windowed or engine.restore_window(2, window)
    rows = []
    for seq in (3, 2):
        engine.compact(seq)
        engine.decode(seq, [7, 8, 9], logits="last")
        rows.append(engine.logits())
    np.testing.assert_allclose(rows[0], rows[1], atol=0.05)
    assert engine.restore(2, cells[: len(cells) // 2]) is False
    assert engine.length(2) == 0


def test_abort_loses_the_batch_only(engine: LlamaEngine) -> None:
    """An aborted decode reads nothing; after `resume` it can be repeated."""
    engine.decode(1, TOKENS)
    engine.abort()
    assert engine.decode(1, [7, 8, 9], logits="all") == 0
    assert engine.length(1) == len(TOKENS)
    with pytest.raises(ValueError, match="0 rows"):
        engine.logits()
    engine.resume()
    assert engine.decode(1, [7, 8, 9], logits="all") == 3


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_grammar_holds_and_ends_the_text(engine: LlamaEngine, model: Path, temperature: float) -> None:
    """A model of noise writes what the grammar asks, then an end token."""
    grammar = 'root ::= "{\\"name\\": \\"" [a-z]{2,8} "\\", \\"n\\": " [1-9] [0-9]{0,3} "}"'
    for seed in range(3):
        text = written(engine, model, Sampling(grammar=grammar, temperature=temperature, seed=seed))
        value = json.loads(text)
        assert list(value) == ["name", "n"]
        assert 2 <= len(value["name"]) <= 8 and 1 <= value["n"] <= 9999


@pytest.mark.parametrize(
    "grammar",
    [
        "root ::= (",
        'x ::= "a"',
        "root ::= missing",
        'root ::= root "a"',
        "?",
        'root ::= "a"{5,3}',
        "root\0",
        "#",
        "root ::= <[5]>",
    ],
)
def test_a_bad_grammar_is_the_users_error(engine: LlamaEngine, grammar: str) -> None:
    """Text that is no grammar is refused with one line, whatever is wrong with it."""
    with pytest.raises(UsageError, match="grammar") as raised:
        engine.sampler(Sampling(grammar=grammar))
    assert "\n" not in str(raised.value)
