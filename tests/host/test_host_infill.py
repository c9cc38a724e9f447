"""Completions through the host: the request arrives whole, the text comes back, a cancel reaches it."""

from hypothesis import given
from hypothesis import strategies as st

from copilot.engine.base import Cancel
from copilot.engine.requests import InfillRequest, Priority, Request, Sampling
from copilot.events import Done, Text
from copilot.host.wire import decode, encode

TOKENS = st.lists(st.integers(0, 2**31), max_size=8).map(tuple)


@given(TOKENS, TOKENS, TOKENS, TOKENS, st.booleans())
def test_a_request_arrives_as_it_was_sent(before, after, hole, gap, exact) -> None:  # type: ignore[no-untyped-def]
    """Through JSON and back."""
    request = InfillRequest(before, after, hole, gap, Sampling(max_tokens=3), exact, Priority.WARM)
    assert decode(InfillRequest, encode(request)) == request


def test_a_gap_is_filled_by_the_host(hosts) -> None:  # type: ignore[no-untyped-def]
    """The scripted host answers from the tokens it was given, in the order the model would read them."""
    client = hosts.client()
    request = InfillRequest((5, 6), (7, 8), (1,), (2,), Sampling(max_tokens=4))
    events = list(client.infill(request, Cancel()))
    assert isinstance(events[-1], Done) and events[-1].reason == "stop"
    said = "".join(event.text for event in events if isinstance(event, Text))
    assert said == hosts.expected(Request((5, 6), (1, 7, 8, 2), Sampling(max_tokens=4)))
    stopped = Cancel()
    stopped.set()
    assert list(client.infill(request, stopped))[-1].reason == "cancelled"
