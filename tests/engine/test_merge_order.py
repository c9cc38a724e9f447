"""Which products a merge list really reaches, and when one rank per product says as much as the list."""

from hypothesis import given
from hypothesis import strategies as st

from copilot.engine.merge_order import MergeOrder, Pair


def merges(*pairs: str) -> list[Pair]:
    return [(left, right) for left, right in (pair.split() for pair in pairs)]


def test_a_product_is_reached_when_its_parts_form_undisturbed() -> None:
    """The usual case in a trained vocabulary."""
    assert list(MergeOrder(merges("a b", "ab c", "c d")).products()) == [("ab", 1), ("abc", 1), ("cd", 1)]


def test_a_product_is_not_reached_when_a_merge_across_its_seam_comes_first() -> None:
    """`b c` takes the `b` that `a b` would need."""
    assert list(MergeOrder(merges("b c", "a b", "ab c")).products()) == [("bc", 1), ("ab", 1), ("abc", 2)]


def test_a_product_is_reached_through_any_of_its_pairs() -> None:
    """Gemma lists every pair of a product."""
    assert list(MergeOrder(merges("b c", "ab c", "a bc")).products()) == [("bc", 1), ("abc", 1)]


def test_pairs_of_a_product_have_to_stand_together() -> None:
    """Otherwise one rank for the product cannot say what the list says."""
    assert MergeOrder(merges("a b", "ab c", "a bc", "c d")).by_product
    assert not MergeOrder(merges("a b", "ab c", "c d", "a bc")).by_product


def test_runs_of_one_character_may_be_listed_in_any_order() -> None:
    """Gemma interleaves runs of spaces, tabs and line breaks, longest first."""
    assert MergeOrder(merges("ss s", "tt t", "s ss", "s s", "t t", "a b")).by_product


@st.composite
def merge_lists(draw: st.DrawFn) -> list[Pair]:
    """Lists over a small alphabet in which every part is a character or an earlier or later product."""
    symbols = ["a", "b", "c"]
    found: list[Pair] = []
    for _ in range(draw(st.integers(1, 14))):
        pair = draw(st.sampled_from(symbols)), draw(st.sampled_from(symbols))
        if pair not in found and len(pair[0] + pair[1]) < 9:
            found.append(pair)
            symbols.append(pair[0] + pair[1])
    return found


@given(merge_lists())
def test_the_short_cut_agrees_with_merging_step_by_step(listed: list[Pair]) -> None:
    """Reaching a product by its seam's history is the same as simulating it."""
    order = MergeOrder(listed)
    assert [(text, order._simulate(text)) for text, _ in order.products()] == list(MergeOrder(listed).products())
