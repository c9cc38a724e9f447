"""Cancelling reaches the host, whoever cancels and however; the host goes on with the rest."""

import os
import signal
import threading
import time

import pytest

from copilot.engine.base import Cancel
from copilot.events import Done, Text

LONG = 2000


def test_cancelling_ends_the_answer(hosts) -> None:
    """The host's own last event says so."""
    session, cancel = hosts.client(hosts.launch(delay_s=0.01)), Cancel()
    events = []
    for event in session.generate(hosts.asked(1, n=LONG), cancel):
        events.append(event)
        if len(events) == 5:
            cancel.set()
    assert isinstance(events[-1], Done) and events[-1].reason == "cancelled"
    assert len(events) < 50
    hosts.wait_for(lambda: session.status().running == 0)


def test_leaving_the_iteration_cancels(hosts) -> None:
    """Nobody waits for the rest, neither here nor there."""
    session = hosts.client(hosts.launch(delay_s=0.01))
    events = session.generate(hosts.asked(1, n=LONG), Cancel())
    next(event for event in events if isinstance(event, Text))
    began = time.monotonic()
    events.close()
    assert time.monotonic() - began < 1
    hosts.wait_for(lambda: session.status().running == 0)


def test_closing_the_session_cancels_all_of_it(hosts) -> None:
    """The host stops working for a client that hangs up, and only for that one."""
    session, other = hosts.client(hosts.launch(delay_s=0.01)), hosts.client(hosts.launch(delay_s=0.01))
    running = [session.generate(hosts.asked(number, n=LONG), Cancel()) for number in range(3)]
    staying = other.generate(hosts.asked(9, n=60), Cancel())
    for events in (*running, staying):
        next(event for event in events if isinstance(event, Text))
    session.close()
    rest = "".join(event.text for event in staying if isinstance(event, Text))
    assert hosts.expected(hosts.asked(9, n=60)).endswith(rest)
    hosts.wait_for(lambda: other.status().running == 0)


def test_one_of_many_is_cancelled(hosts) -> None:
    """Requests on one connection are told apart."""
    session, cancels = hosts.client(hosts.launch(delay_s=0.01)), [Cancel() for _ in range(6)]
    said: dict[int, str] = {}

    def ask(number: int) -> None:
        events = list(session.generate(hosts.asked(number, n=60), cancels[number]))
        text = "".join(event.text for event in events if isinstance(event, Text))
        said[number] = "cancelled" if events[-1].reason == "cancelled" else text

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    hosts.wait_for(lambda: session.status().running == 6)
    for number in (1, 4):
        cancels[number].set()
    for thread in threads:
        thread.join()
    whole = {number: hosts.expected(hosts.asked(number, n=60)) for number in range(6)}
    assert said == whole | {1: "cancelled", 4: "cancelled"}


def test_cancelling_before_the_start_costs_nothing(hosts) -> None:
    """The host sees the signal with the request."""
    cancel = Cancel()
    cancel.set()
    events = list(hosts.client(hosts.launch(delay_s=0.01)).generate(hosts.asked(1, n=LONG), cancel))
    assert isinstance(events[-1], Done) and events[-1].reason == "cancelled"


@pytest.mark.timeout(60)
def test_leaving_a_hung_host_is_prompt(hosts) -> None:
    """Ctrl-C does not wait for a process that does nothing."""
    session = hosts.client(hosts.launch(delay_s=0.01))
    events = session.generate(hosts.asked(1, n=LONG), Cancel())
    next(event for event in events if isinstance(event, Text))
    os.kill(hosts.pid, signal.SIGSTOP)
    began = time.monotonic()
    events.close()
    session.close()
    assert time.monotonic() - began < 2
