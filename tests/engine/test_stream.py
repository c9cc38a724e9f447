"""Stages from token ids to answer text."""

from hypothesis import given
from hypothesis import strategies as st

from copilot.engine.requests import Sampling
from copilot.engine.stream import AnswerText, LoopDetector, StopMatcher, Utf8Decoder


@given(st.text(), st.integers(1, 4))
def test_utf8_decoder_waits_for_whole_characters(text: str, size: int) -> None:
    """Bytes cut anywhere give the text back."""
    data = text.encode("utf-8", "replace")
    decoder = Utf8Decoder()
    out = "".join(decoder.decode(data[i : i + size]) for i in range(0, len(data), size)) + decoder.flush()
    assert out == data.decode()


@given(st.text("abc"), st.lists(st.text("abc", min_size=1, max_size=4), max_size=3), st.integers(1, 3))
def test_stop_matcher_cuts_at_the_first_stop(text: str, stops: list[str], size: int) -> None:
    """Text cut anywhere passes up to the first stop, and nothing after it."""
    matcher = StopMatcher(stops)
    out = "".join(matcher.decode(text[i : i + size]) for i in range(0, len(text), size)) + matcher.flush()
    # Chunks of one character find the stop that ends first; larger ones the one that begins first among those seen.
    begins = [text.find(stop) for stop in stops if stop in text]
    assert text.startswith(out)
    if not begins:
        assert out == text
    else:
        assert matcher.stopped
        assert any(text[len(out) :].startswith(stop) for stop in stops)


def test_stop_matcher_holds_back_a_possible_stop() -> None:
    """What may begin a stop is not shown before it is known not to be one."""
    matcher = StopMatcher(["```"])
    assert [matcher.decode(piece) for piece in ("a`", "`", "b", "``", "`c")] == ["a", "", "``b", "", ""]
    assert matcher.stopped


def test_loop_detector_sees_a_repeated_passage_and_not_a_list() -> None:
    """A passage five times over is a loop; five similar items are not."""
    repeated, varied = LoopDetector(), LoopDetector()
    assert any(repeated.looped(token) for token in list(range(12)) * 6)
    assert not any(varied.looped(token) for item in range(40) for token in (1, 2, 100 + item, 3))


PIECES = {1: b"<think>", 2: b"</think>", 3: b"secret", 4: b"answer"}


def test_thought_is_hidden() -> None:
    """Tokens between the two hidden ids are not part of the answer, whether the turn or the model opened them."""
    opened_by_model = AnswerText(PIECES.__getitem__, Sampling(hidden=(1, 2)))
    opened_by_turn = AnswerText(PIECES.__getitem__, Sampling(hidden=(1, 2), begins_hidden=True))
    for answer, ids in ((opened_by_model, [1, 3, 3, 2, 4]), (opened_by_turn, [3, 3, 2, 4])):
        assert "".join(map(answer.add, ids)) + answer.flush() == "answer"
        assert answer.n_tokens == len(ids)
