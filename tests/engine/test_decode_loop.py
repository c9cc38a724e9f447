"""Speculation changes the speed of a generation and nothing else."""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from copilot.engine.base import Cancel
from copilot.engine.decode_loop import Limits, Token, generated
from copilot.engine.gguf import read_card
from copilot.engine.llama import EngineParams, LlamaEngine
from copilot.engine.requests import Sampling
from copilot.engine.tokenizer import Tokenizer
from copilot.errors import EngineError
from copilot.testing import Shape

SHAPES: list[Shape] = ["qwen2", "gemma4-e2b", "gemma4-dense"]
N_TOKENS = 110
"""Far past the tiny models' window of 64."""
UNDECIDED = 0.04
"""The best two logits this close may change places with the batch they are computed in."""
LIMITS = Limits(frozenset(), N_TOKENS)


class Told:
    """Guesses from a list of tokens; every `wrong`-th guess is a wrong one."""

    def __init__(self, tokens: Sequence[int], wrong: int = 0, length: int = 15) -> None:
        self._tokens, self._wrong, self._length = tokens, wrong, length
        self._n = 0
        self.accepted = 0

    def draft(self, most: int) -> Sequence[int]:
        places = range(self._n, min(self._n + min(most, self._length), len(self._tokens)))
        return [self._tokens[i] + (1 if self._wrong and i % self._wrong == 0 else 0) for i in places]

    def extend(self, tokens: Sequence[int]) -> None:
        self._n += len(tokens)

    def verified(self, drafted: int, accepted: int) -> None:
        self.accepted += accepted

    def timed(self, n_tokens: int, seconds: float) -> None:
        assert seconds >= 0


@pytest.fixture(scope="module", params=SHAPES)
def opened(request: pytest.FixtureRequest, tiny_model: Callable[[Shape], Path]) -> Iterator[LlamaEngine]:
    opened = LlamaEngine(tiny_model(request.param), EngineParams(n_threads=1), 1024)
    yield opened
    opened.close()


@pytest.fixture
def engine(opened: LlamaEngine) -> LlamaEngine:
    opened.resume()
    for seq in range(1, opened.n_seq):
        opened.drop(seq)
    return opened


@pytest.fixture(scope="module")
def turn(opened: LlamaEngine) -> list[int]:
    """A turn after which the model is never undecided, so that its answer is one whatever the batches."""
    for start in range(20, 400):
        tokens = list(range(start, start + 30))
        if _gap(opened, tokens) > UNDECIDED:
            return tokens
    pytest.fail("no turn is answered with decision")


def _gap(engine: LlamaEngine, tokens: list[int]) -> float:
    """The least distance of the best two logits in an answer; 0 as soon as it is too small."""
    engine.drop(1)
    engine.decode(1, tokens, logits="last")
    least = float("inf")
    for _ in range(N_TOKENS):
        second, first = np.sort(engine.logits())[-2:]
        least = min(least, float(first - second))
        if least <= UNDECIDED:
            return 0.0
        engine.decode(1, [int(engine.logits().argmax())], logits="last")
    return least


def run(
    engine: LlamaEngine,
    turn: list[int],
    ahead: Told | None = None,
    sampling: Sampling = Sampling(),  # noqa: B008
    limits: Limits = LIMITS,
    cancel: Cancel | None = None,
) -> list[Token]:
    """The tokens after the turn, the place in sequence 1 checked at each step."""
    engine.drop(1)
    engine.decode(1, turn, logits="last")
    sampler = engine.sampler(sampling)
    tokens: list[Token] = []
    for batch in generated(engine, 1, sampler, ahead, limits, cancel or Cancel()):
        tokens += batch
        assert engine.length(1) == len(turn) + len(tokens) - 1
    sampler.close()
    return tokens


def ids(tokens: list[Token]) -> list[int]:
    return [token for token, _ in tokens]


@pytest.mark.parametrize("wrong", [0, 2, 3, 7])
def test_guesses_change_no_token(engine: LlamaEngine, turn: list[int], wrong: int) -> None:
    """Right, wrong and mixed guesses end in the tokens that no guesses give, past a window too."""
    plain = ids(run(engine, turn))
    told = Told(plain, wrong)
    assert ids(run(engine, turn, told)) == plain
    assert len(plain) == N_TOKENS
    assert told.accepted > N_TOKENS // 3


def test_a_generation_ends_before_a_token_that_leads_by_too_little(engine: LlamaEngine, turn: list[int]) -> None:
    """What was given is not asked about; what was decided before stays."""
    plain = ids(run(engine, turn))
    unsure = Limits(LIMITS.eog, N_TOKENS, least_lead=1e9)
    assert run(engine, turn, limits=unsure) == []
    assert (
        ids(run(engine, turn, limits=Limits(LIMITS.eog, N_TOKENS, begun=tuple(plain[:5]), least_lead=1e9))) == plain[:5]
    )
    assert ids(run(engine, turn, limits=Limits(LIMITS.eog, N_TOKENS, least_lead=UNDECIDED))) == plain


def test_what_has_begun_can_be_read_as_if_it_were_written(engine: LlamaEngine, turn: list[int]) -> None:
    """One token per decode, as the answer was made: nothing rounds otherwise."""
    plain = run(engine, turn, limits=Limits(LIMITS.eog, N_TOKENS, logprobs=True))
    begun = tuple(ids(plain)[:5])
    again = run(engine, turn, limits=Limits(LIMITS.eog, N_TOKENS, logprobs=True, begun=begun, one_by_one=True))
    assert again == plain


@pytest.mark.parametrize("guessing", [False, True])
def test_what_has_begun_goes_on(engine: LlamaEngine, turn: list[int], guessing: bool) -> None:
    """Tokens of an earlier answer come first, whatever would be chosen; then it goes on as after a turn with them."""
    begun = tuple(range(400, 400 - 70, -1))  # more than one decode can hold logits of
    ahead = Told([*begun, *range(N_TOKENS)], wrong=3) if guessing else None
    on = run(engine, [*turn, *begun], limits=Limits(LIMITS.eog, 5))
    whole = run(engine, turn, ahead, limits=Limits(LIMITS.eog, len(begun) + 5, begun=begun))
    assert ids(whole)[: len(begun)] == list(begun)
    assert ids(whole)[len(begun) :] == ids(on)


def test_what_has_begun_keeps_to_the_grammar(engine: LlamaEngine, turn: list[int]) -> None:
    """A beginning that the grammar has goes on by it; another one is refused."""
    sampling = Sampling(grammar='root ::= [a-z] [a-z] "!"')
    whole = ids(run(engine, turn, sampling=sampling))
    begun = Limits(LIMITS.eog, N_TOKENS, begun=tuple(whole[:1]))
    assert ids(run(engine, turn, sampling=sampling, limits=begun)) == whole
    with pytest.raises(EngineError, match="Ask again"):
        run(engine, turn, sampling=sampling, limits=Limits(LIMITS.eog, N_TOKENS, begun=tuple(whole[-1:])))


def test_a_preempted_generation_goes_on_as_if_nothing_had_been(engine: LlamaEngine, turn: list[int]) -> None:
    """Aborted at any step, with others decoding in between, the tokens are the same; an empty step tells of it."""
    plain = ids(run(engine, turn))
    engine.drop(1)
    engine.decode(1, turn, logits="last")
    sampler, tokens, empty = engine.sampler(Sampling()), list[int](), 0
    steps = generated(engine, 1, sampler, Told(plain, wrong=4), LIMITS, Cancel())
    for i, batch in enumerate(steps):
        tokens += [token for token, _ in batch]
        empty += not batch
        assert engine.length(1) == len(turn) + len(tokens) - 1
        engine.resume()
        if i % 3 == 0:
            engine.decode(2, turn[:9], logits="all")
            engine.drop(2)
        if i % 2 == 0:
            engine.abort()
    assert tokens == plain
    assert empty > 5
    sampler.close()


@pytest.mark.parametrize("wrong", [0, 5])
def test_the_answer_ends_where_it_should(engine: LlamaEngine, turn: list[int], wrong: int) -> None:
    """At an end token, which is not part of it, or at the limit; guesses reach beyond neither."""
    plain = ids(run(engine, turn))
    end = plain[40]
    first = plain.index(end)
    engine.drop(1)
    for eog, most, expected, reason in (
        ({end}, N_TOKENS, plain[:first], "stop"),
        ({plain[0]}, N_TOKENS, [], "stop"),
        (set(), 33, plain[:33], "length"),
        (set(), 1, plain[:1], "length"),
        (set(), 0, [], "length"),
    ):
        engine.drop(1)
        engine.decode(1, turn, logits="last")
        sampler = engine.sampler(Sampling())
        steps = generated(engine, 1, sampler, Told(plain, wrong), Limits(frozenset(eog), most), Cancel())
        tokens: list[int] = []
        while True:
            try:
                tokens += [token for token, _ in next(steps)]
            except StopIteration as stop:
                assert stop.value == reason
                break
        assert tokens == expected
        sampler.close()


def test_cancel_ends_the_iteration(engine: LlamaEngine, turn: list[int]) -> None:
    """Once the signal is set nothing more is decoded, and the sequence holds what was yielded but for the last."""
    plain, cancel = ids(run(engine, turn)), Cancel()
    engine.drop(1)
    engine.decode(1, turn, logits="last")
    sampler = engine.sampler(Sampling())
    steps = generated(engine, 1, sampler, Told(plain), LIMITS, cancel)
    n = sum(len(next(steps)) for _ in range(3))
    cancel.set()
    assert list(steps) == []
    assert engine.length(1) == len(turn) + n - 1
    sampler.close()


def test_logprobs_are_those_of_single_decodes(engine: LlamaEngine, turn: list[int]) -> None:
    """Each token comes with its probability, guessed ahead or not."""
    limits = Limits(frozenset(), 60, logprobs=True)
    plain = run(engine, turn, limits=limits)
    ahead = run(engine, turn, Told(ids(plain), wrong=6), limits=limits)
    assert ids(plain) == ids(ahead)
    assert [lp for _, lp in ahead] == pytest.approx([lp for _, lp in plain], abs=0.1)
    assert all(lp is not None and lp <= 0 for _, lp in plain)
    assert all(lp is None for _, lp in run(engine, turn))


def test_guesses_fit_the_context(tiny_model: Callable[[Shape], Path]) -> None:
    """The context is used to its end, also where another sequence has taken a part of it."""
    engine, turn = LlamaEngine(tiny_model("qwen2"), EngineParams(n_threads=1), 256), list(range(30, 60))
    for taken in (0, 150):
        if taken:
            engine.drop(1)
            engine.decode(2, [5] * taken)
        limits = Limits(frozenset(), 256 - taken - len(turn))
        plain = ids(run(engine, turn, limits=limits))
        told = Told(plain, length=63)
        assert len(run(engine, turn, told, limits=limits)) == len(plain) == limits.max_tokens
        assert told.accepted > 20
    engine.close()


def test_a_grammar_goes_on_from_verified_tokens_only(
    engine: LlamaEngine, turn: list[int], tiny_model: Callable[[Shape], Path], request: pytest.FixtureRequest
) -> None:
    """With a grammar, whatever is guessed right or wrong, the text keeps to it."""
    shape = request.node.callspec.params["opened"]
    tokenizer = Tokenizer.from_card(read_card(tiny_model(shape)))
    sampling = Sampling(grammar='root ::= ([a-z]{1,5} " " [0-9]{1,4} "\\n"){12}')
    limits = Limits(tokenizer.eog, 200)
    plain = ids(run(engine, turn, sampling=sampling, limits=limits))
    for wrong in (0, 3):
        told = Told(plain, wrong)
        text = tokenizer.decode(ids(run(engine, turn, told, sampling, limits))).decode()
        assert re.fullmatch(r"([a-z]{1,5} [0-9]{1,4}\n){12}", text)
        assert told.accepted > 10
