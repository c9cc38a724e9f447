"""Guesses continue the passage that the text repeats, and stop where they do not pay."""

import random
import time
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from copilot.engine.lookup import SIZES, Costs, Lookup

PASSAGE = random.Random(1).choices(range(1000), k=200)
NOISE = random.Random(2).choices(range(1000, 100_000), k=3000)
CHEAP_S = {1: 1.0, 4: 1.1, 8: 1.2, 16: 1.5, 32: 2.0, 64: 3.0}


def costs(cheap: bool) -> Costs:
    """Costs as a machine shows them where memory, or computing, takes the time."""
    seen = Costs()
    for _ in range(20 if cheap else 0):
        for n_tokens, seconds in CHEAP_S.items():
            seen.timed(n_tokens, seconds)
    return seen


def followed(told: Sequence[int], answer: Sequence[int], cheap: bool) -> tuple[float, int]:
    """Cost of an answer in decodes of one token, and its number of decodes, as the loop would verify guesses."""
    true, lookup = costs(cheap), Lookup(told, costs(cheap))
    lookup.extend(answer[:1])
    n, cost, decodes = 1, 0.0, 0
    while n < len(answer):
        draft = lookup.draft(len(answer) - n - 1)
        right = next((i for i, guess in enumerate(draft) if guess != answer[n + i]), len(draft))
        if draft:
            lookup.verified(len(draft), right)
        lookup.extend(answer[n : n + right + 1])
        cost += true.of(len(draft) + 1)
        n, decodes = n + right + 1, decodes + 1
    return cost, decodes


def test_a_repeated_passage_takes_few_decodes() -> None:
    """A verbatim copy is guessed in long runs, wherever the passage stands."""
    told = [*NOISE[:1500], *PASSAGE, *NOISE[1500:]]
    cost, decodes = followed(told, PASSAGE, cheap=True)
    assert decodes < len(PASSAGE) / 6
    assert cost < len(PASSAGE) / 3
    cost, _ = followed(told, PASSAGE, cheap=False)
    assert cost < len(PASSAGE) / 1.3


def test_a_renamed_copy_goes_on_after_each_name() -> None:
    """Where one name becomes another of a different length, the rest is guessed all the same."""
    renamed = [token for t in PASSAGE for token in ((5000, 5001) if t % 20 == 0 else (t,))]
    _, decodes = followed([*PASSAGE, *NOISE], renamed, cheap=True)
    n_names = sum(t % 20 == 0 for t in PASSAGE)
    assert decodes < len(renamed) / 6 + 3 * n_names


def test_the_latest_of_equal_passages_is_followed() -> None:
    """What was said last counts: the answer's own text before the text it was told."""
    start, first, second = PASSAGE[:40], NOISE[:80], NOISE[100:180]
    lookup = Lookup([*start, *first, *NOISE[200:300], *start, *second, *NOISE[300:320]], costs(True))
    lookup.extend(start)
    assert lookup.draft(15) == second[:15]
    lookup.extend([*NOISE[400:440], *start])
    assert lookup.draft(15) == NOISE[400:415]


@given(st.lists(st.integers(0, 3), max_size=200), st.lists(st.integers(0, 3), min_size=1, max_size=200), st.booleans())
def test_guesses_never_cost_more_than_allowed(told: list[int], answer: list[int], cheap: bool) -> None:
    """On text of four tokens, where anything agrees with anything, the loss stays small."""
    cost, decodes = followed(told, answer, cheap)
    assert decodes <= len(answer)
    assert cost <= 1.02 * len(answer) + 2 + costs(cheap).of(16)


def test_text_that_repeats_nothing_costs_nothing() -> None:
    """Without a passage to follow there is no guess."""
    assert followed(PASSAGE, NOISE, cheap=True) == (len(NOISE) - 1, len(NOISE) - 1)


def test_repetition_at_the_end_goes_on() -> None:
    """A passage that reaches the end of the text is taken to begin again."""
    lookup = Lookup([7, 8, 9] * 30, costs(True))
    lookup.extend([7, 8])
    draft = lookup.draft(40)
    assert len(draft) >= 15
    assert draft == ([9, 7, 8] * 20)[: len(draft)]


@given(st.lists(st.integers(0, 2), max_size=60), st.integers(0, 70))
def test_a_draft_is_never_longer_than_asked(told: list[int], most: int) -> None:
    """Sizes keep to what the loop can take."""
    lookup = Lookup(told, costs(True))
    lookup.extend([0, 1, 2, 0, 1, 2])
    draft = lookup.draft(most)
    assert len(draft) <= most
    assert not draft or len(draft) + 1 in SIZES


def test_costs_follow_the_machine_and_survive_a_slow_moment() -> None:
    """What decodes took decides what guesses cost; one outlier does not end them."""
    seen = costs(cheap=True)
    assert 1.3 < seen.of(16) < 2.0
    seen.timed(16, 60.0)
    assert seen.of(16) < 5.0
    assert Costs().of(16) == 10.0


def test_a_long_prompt_is_indexed_fast() -> None:
    """The index over 131,072 tokens takes milliseconds of computing."""
    told = random.Random(3).choices(range(150_000), k=1 << 17)
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        lookup = Lookup(told, costs(True))
        lookup.extend(told[500:540])
        assert lookup.draft(15) == told[540:555]
        best = min(best, time.process_time() - began)
    assert best < 0.1
