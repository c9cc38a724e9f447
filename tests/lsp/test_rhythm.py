"""How long to wait while someone types, and what became of a suggestion."""

from hypothesis import given
from hypothesis import strategies as st

from lsp.offers import Offers
from lsp.rhythm import LEAST_S, MOST_S, REJECTED, Rhythm


def typing(gap_s: float, keys: int = 30) -> tuple[Rhythm, float]:
    """A rhythm that has seen `keys` keystrokes, and the time of the last."""
    rhythm = Rhythm()
    for key in range(keys):
        rhythm.typed(key * gap_s)
    return rhythm, (keys - 1) * gap_s


@given(st.lists(st.floats(0, 1000), max_size=30), st.lists(st.floats(0, 100), max_size=30), st.integers(0, 50))
def test_wait_is_always_bounded(moments: list[float], latencies: list[float], rejected: int) -> None:
    """No history makes anyone wait longer than the bound, or a negative time."""
    rhythm = Rhythm()
    for moment in sorted(moments):
        rhythm.typed(moment)
    for latency in latencies:
        rhythm.took(latency)
    for _ in range(rejected):
        rhythm.judged(False)
    assert 0 <= rhythm.delay_s(max(moments, default=0.0)) <= MOST_S


def test_slow_typist_waits_longer_than_a_quick_one() -> None:
    """The pause that means something is longer for whoever types slowly."""
    (quick, quick_now), (slow, slow_now) = typing(0.08), typing(0.3)
    assert quick.delay_s(quick_now) < slow.delay_s(slow_now)


def test_slow_model_is_asked_sooner() -> None:
    """What the model takes is a wait already."""
    rhythm, now = typing(0.2)
    before = rhythm.delay_s(now)
    rhythm.took(0.3)
    assert rhythm.delay_s(now) < before


def test_time_since_the_last_key_counts_as_waited() -> None:
    """An editor that waits itself makes nobody wait twice."""
    rhythm, now = typing(0.2)
    assert rhythm.delay_s(now + 10) == 0
    assert rhythm.delay_s(now) >= LEAST_S


def test_rejected_suggestions_come_later_until_one_is_taken() -> None:
    """Who leaves many suggestions gets fewer of them."""
    rhythm, now = typing(0.1)
    usual = rhythm.delay_s(now)
    for _ in range(REJECTED + 3):
        rhythm.judged(False)
    assert rhythm.delay_s(now) > usual
    rhythm.judged(True)
    assert rhythm.delay_s(now) == usual


def test_offer_is_judged_by_the_text() -> None:
    """Typed along is no verdict; all of it there is accepted; something else is rejected."""
    offers: Offers[str] = Offers()
    offers.add("u", "x = ", "host", "shown")
    assert offers.judge("u", "x = ho") is None
    judged = offers.judge("u", "x = host\n")
    assert judged is not None and (judged[0].shown, judged[1]) == ("shown", "accepted")
    offers.add("u", "x = ", "host", "again")
    judged = offers.judge("u", "x = 5")
    assert judged is not None and judged[1] == "rejected"
    assert offers.judge("u", "x = 5") is None


def test_offer_is_accepted_once_and_by_its_number() -> None:
    """An old command does not count for a newer suggestion."""
    offers: Offers[str] = Offers()
    first = offers.add("u", "", "a", "first")
    second = offers.add("u", "", "b", "second")
    assert offers.accept(first.number) is None
    assert offers.accept(second.number) == second
    assert offers.accept(second.number) is None
