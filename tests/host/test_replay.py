"""An answer that is given again after a loss is heard once."""

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot.engine.base import Event
from copilot.errors import EngineError
from copilot.events import Done, Progress, Text, Usage
from copilot.host.replay import Replay

DONE = Done("stop", Usage(1))


Heard = tuple[str, tuple[float, ...], tuple[int, ...]]


def heard(replay: Replay, events: Iterable[Event]) -> Heard:
    new = [event for given in events for event in replay.new(given) if isinstance(event, Text)]
    logprobs = tuple(value for event in new for value in event.logprobs)
    return "".join(event.text for event in new), logprobs, tuple(token for event in new for token in event.tokens)


def pieces(text: str, cuts: list[int]) -> list[Text]:
    """The text in pieces; each character is a token with a logarithm of its own."""
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [Text(text[a:b], tuple(float(-at) for at in range(a, b)), tuple(range(a, b))) for a, b in pairwise(places)]


CUTS = st.lists(st.integers(0, 50), max_size=6)


@given(st.text(max_size=40), CUTS, CUTS, st.integers(0, 50))
def test_the_answer_is_heard_once_however_it_is_cut(text: str, first: list[int], second: list[int], lost: int) -> None:
    """Text, logarithms and tokens of both attempts together are those of one, wherever the first was lost."""
    replay = Replay()
    before = heard(replay, pieces(text, first)[:lost])
    assert replay.tokens == before[2]
    replay.again()
    after = heard(replay, [*pieces(text, second), DONE])
    places = range(len(text))
    expected = (text, tuple(float(-at) for at in places), tuple(places))
    assert expected == (before[0] + after[0], before[1] + after[1], before[2] + after[2])


@pytest.mark.parametrize("again", [[Text("other")], [Text("a"), Text("x")], [Text("a"), DONE], [DONE]], ids=str)
def test_another_answer_is_an_error(again: list[Event]) -> None:
    """What was shown is never silently continued by something else."""
    replay = Replay()
    heard(replay, [Text("abc")])
    replay.again()
    with pytest.raises(EngineError, match="when asked again"):
        heard(replay, again)


def test_cancelling_a_repetition_is_no_error() -> None:
    """It ends where the user ended it."""
    replay, cancelled = Replay(), Done("cancelled", Usage())
    heard(replay, [Text("abc")])
    replay.again()
    assert list(replay.new(cancelled)) == [cancelled]


def test_getting_further_is_noticed() -> None:
    """More tokens read, or more text told, count; a repetition does not."""
    replay = Replay()
    heard(replay, [Progress("read", 256, 512, "tokens")])
    reached = replay.reached
    replay.again()
    heard(replay, [Progress("read", 256, 512, "tokens")])
    assert replay.reached == reached
    heard(replay, [Progress("read", 512, 512, "tokens")])
    read = replay.reached
    heard(replay, [Text("a")])
    assert reached < read < replay.reached
