"""Values on the wire come back as they were, and nothing else comes through."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot.engine.base import ReadState, Stored
from copilot.engine.requests import Priority, Request, Sampling, ScoreRequest
from copilot.errors import BudgetError, CopilotError, EngineError, ModelFileError
from copilot.events import Done, Progress, Text, Usage
from copilot.host.wire import (
    WireError,
    decode,
    decode_error,
    decode_event,
    decode_tokens,
    encode,
    encode_error,
    encode_event,
    encode_tokens,
)

TOKEN = st.integers(0, 2**32 - 1)
TOKENS = st.lists(TOKEN, max_size=50).map(tuple)
FLOAT = st.floats(allow_nan=False)
SAMPLING = st.builds(
    Sampling,
    max_tokens=st.integers(),
    temperature=FLOAT,
    stop=st.lists(st.text(), max_size=3).map(tuple),
    hidden=st.none() | st.tuples(TOKEN, TOKEN),
    grammar=st.text(),
    logprobs=st.booleans(),
)
REQUEST = st.builds(Request, TOKENS, TOKENS, SAMPLING, st.sampled_from(Priority))
SCORE = st.builds(ScoreRequest, TOKENS, TOKENS, st.lists(TOKENS, max_size=3).map(tuple), st.sampled_from(Priority))
EVENT = (
    st.builds(
        Progress,
        st.sampled_from(["load", "read", "restore"]),
        st.integers(),
        st.none() | st.integers(),
        st.sampled_from(["tokens", "steps"]),
        st.integers(),
    )
    | st.builds(Text, st.text(), st.lists(FLOAT, max_size=3).map(tuple))
    | st.builds(
        Done, st.sampled_from(["stop", "length", "cancelled"]), st.builds(Usage, st.integers(), prefill_ms=FLOAT)
    )
)


def sent(value: object) -> object:
    return json.loads(json.dumps(value))


@given(TOKENS)
def test_token_ids_come_back(tokens: tuple[int, ...]) -> None:
    """Any 32-bit ids survive, in order."""
    assert decode_tokens(encode_tokens(tokens)) == tokens


@given(REQUEST | SCORE)
def test_requests_come_back(request: Request | ScoreRequest) -> None:
    """Every field of a request survives JSON, with its type."""
    assert decode(type(request), sent(encode(request))) == request


@given(EVENT)
def test_events_come_back(event: Progress | Text | Done) -> None:
    """Every event survives JSON as its own class, whatever text it carries."""
    assert decode_event(sent(encode_event(event))) == event


@pytest.mark.parametrize("value", [ReadState(1, 2, 3), Stored(4, 5)])
def test_answers_come_back(value: ReadState | Stored) -> None:
    """What is said about a prefix survives."""
    assert decode(type(value), sent(encode(value))) == value


def test_infinitely_unlikely_tokens_come_back() -> None:
    """The logarithm of a probability of zero is a number like others."""
    assert decode_event(sent(encode_event(Text("x", (-math.inf,))))) == Text("x", (-math.inf,))


GOOD: dict[str, object] = encode(Request((1,), (2,)))


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        {},
        GOOD | {"prefix": "!!"},
        GOOD | {"prefix": "AAA="},
        GOOD | {"prefix": [1, 2]},
        GOOD | {"priority": 9},
        GOOD | {"priority": "CHAT"},
        GOOD | {"priority": True},
        GOOD | {"more": 1},
        GOOD | {"sampling": {"max_tokens": "8"}},
        GOOD | {"sampling": {"max_tokens": True}},
        GOOD | {"sampling": {"hidden": [1]}},
        GOOD | {"sampling": {"stop": [1]}},
        GOOD | {"sampling": {"stop": "x"}},
        GOOD | {"sampling": {"temperature": None}},
    ],
)
def test_what_does_not_fit_is_refused(wrong: object) -> None:
    """Missing, unknown and mistyped fields are one error, never a half-built request."""
    with pytest.raises(WireError):
        decode(Request, wrong)


@pytest.mark.parametrize("wrong", [None, {}, {"event": "walk"}, {"event": ["done"]}, {"event": "text"}], ids=str)
def test_unknown_events_are_refused(wrong: object) -> None:
    """An event of no known kind, or without its fields, is an error."""
    with pytest.raises(WireError):
        decode_event(wrong)


@pytest.mark.parametrize("error", [BudgetError("too long"), ModelFileError("cut"), EngineError("x"), CopilotError("y")])
def test_errors_come_back_as_their_class(error: CopilotError) -> None:
    """The exit code and the message are those of the host's error."""
    told = decode_error(sent(encode_error(error)))
    assert (type(told), str(told)) == (type(error), str(error))


@pytest.mark.parametrize(
    "told", [None, {}, {"code": "new", "message": "x"}, {"code": ["error"], "message": "x"}], ids=str
)
def test_unknown_errors_are_engine_errors(told: object) -> None:
    """Whatever the host reports, the client raises an error meant for users."""
    assert type(decode_error(told)) is EngineError


def test_text_of_unexpected_errors_stays_in_the_host() -> None:
    """Only the type of an error that is not meant for users is told."""
    assert encode_error(RuntimeError("some code")) == {"code": "unexpected", "message": "RuntimeError"}
