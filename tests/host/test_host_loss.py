"""A host that dies, hangs or is of another version: its clients get their answers all the same."""

import os
import signal
import threading
import time

import psutil
import pytest

from copilot.engine.base import Cancel
from copilot.errors import EngineError, HostError
from copilot.events import Done, Text
from copilot.host.link import meet
from copilot.host.start import start
from copilot.host.wire import encode

FORKS = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGABRT, signal.SIGSEGV])
def test_a_host_that_dies_costs_a_repetition(hosts, how: signal.Signals) -> None:
    """In the middle of an answer: no word is missing, none is told twice, and another process has done it."""
    session = hosts.client(hosts.launch(delay_s=0.02))
    request = hosts.asked(1, n=30)
    events = session.generate(request, Cancel())
    text = "".join(next(event.text for event in events if isinstance(event, Text)) for _ in range(5))
    pid = hosts.pid
    os.kill(pid, how)
    rest = list(events)
    assert text + "".join(event.text for event in rest if isinstance(event, Text)) == hosts.expected(request)
    assert isinstance(rest[-1], Done) and rest[-1].reason == "stop"
    assert hosts.pid != pid


def test_a_host_that_died_between_requests_is_not_noticed(hosts) -> None:
    """The next request of an open session starts another."""
    session = hosts.client()
    hosts.said(session, hosts.asked(1))
    os.kill(hosts.pid, signal.SIGKILL)
    assert session.state((1, 2)).total == 2
    assert hosts.said(session, hosts.asked(2)) == hosts.expected(hosts.asked(2))


@pytest.mark.timeout(60)
def test_a_stopped_host_is_killed_and_replaced(hosts) -> None:
    """In the middle of an answer and between requests: silence is noticed, the answer goes on elsewhere."""
    session = hosts.client(hosts.launch(delay_s=0.02), silence_s=1.5)
    request = hosts.asked(1, n=30)
    events = session.generate(request, Cancel())
    text = next(event.text for event in events if isinstance(event, Text))
    stopped = hosts.pid
    os.kill(stopped, signal.SIGSTOP)
    text += "".join(event.text for event in events if isinstance(event, Text))
    assert text == hosts.expected(request)
    assert hosts.pid != stopped
    session.close()
    stopped = hosts.pid
    os.kill(stopped, signal.SIGSTOP)
    assert hosts.said(session, hosts.asked(2)) == hosts.expected(hosts.asked(2))
    assert hosts.pid != stopped


@pytest.mark.timeout(60)
def test_a_slow_host_is_not_taken_for_a_hung_one(hosts) -> None:
    """As long as it gives signs of life, an answer may take its time."""
    session = hosts.client(hosts.launch(delay_s=1.5), silence_s=1.0)
    assert hosts.said(session, hosts.asked(1, n=2)) == hosts.expected(hosts.asked(1, n=2))
    assert (hosts.logs / "k.log").read_text().count("serves scripted") == 1


@FORKS
@pytest.mark.timeout(60)
def test_a_client_that_was_stopped_itself_does_not_blame_the_host(hosts) -> None:
    """Ctrl-Z for longer than the silence, then fg: the answer goes on with the same host."""
    session = hosts.client(hosts.launch(delay_s=0.05), silence_s=1.0)
    code = os.fork()
    if not code:
        try:
            said = hosts.said(session, hosts.asked(1, n=60))
            os._exit(0 if said == hosts.expected(hosts.asked(1, n=60)) else 1)
        finally:
            os._exit(2)
    hosts.wait_for(hosts.pids)
    time.sleep(1.5)
    os.kill(code, signal.SIGSTOP)
    time.sleep(2.5)
    os.kill(code, signal.SIGCONT)
    assert os.waitpid(code, 0)[1] == 0
    assert (hosts.logs / "k.log").read_text().count("serves scripted") == 1


def test_a_request_that_kills_every_host_is_given_up(hosts) -> None:
    """After a few tries the error says where to look; the next request is served."""
    session = hosts.client()
    with pytest.raises(EngineError, match="ended 3 times while it worked on this"):
        list(session.generate(hosts.asked(666), Cancel()))
    assert (hosts.logs / "k.err").read_text().count("Fatal Python error: Aborted") == 3
    assert hosts.said(session, hosts.asked(1)) == hosts.expected(hosts.asked(1))


@pytest.mark.timeout(60)
def test_a_standstill_ends_the_process(hosts) -> None:
    """A request that gets no step further for too long is given up, with a line in the log."""
    session = hosts.client(hosts.launch(stall_s=0.5))
    with pytest.raises(EngineError, match="ended 3 times"):
        list(session.generate(hosts.asked(668), Cancel()))
    assert (hosts.logs / "k.log").read_text().count("ends itself: no step of a request") == 3


def test_an_older_host_finishes_and_is_replaced(hosts) -> None:
    """What it was asked before is answered in full; the new client is served by its own version."""
    launch = hosts.launch(version="0.0.9", delay_s=0.1)
    request, said = hosts.asked(1, n=15), []
    hosts.folder.mkdir(mode=0o700)
    start(launch)
    old = meet(launch.orders.address)
    assert old.hello.version == "0.0.9"
    call = old.call("generate", {"request": encode(request)})

    def listen() -> None:
        for message in call.messages():
            said.append(message.get("params", {}).get("text", ""))

    listener = threading.Thread(target=listen)
    listener.start()
    hosts.wait_for(lambda: said)
    assert hosts.said(hosts.client(), hosts.asked(2)) == hosts.expected(hosts.asked(2))
    listener.join()
    assert "".join(said) == hosts.expected(request)
    hosts.wait_for(lambda: not psutil.pid_exists(old.hello.pid))
    assert len(hosts.pids()) == 1


def test_a_host_that_leaves_is_no_loss(hosts) -> None:
    """It finishes what it was asked; what its clients ask from then on is answered by the next one."""
    session = hosts.client(hosts.launch(delay_s=0.1))
    events = session.generate(hosts.asked(1, n=15), Cancel())
    text = next(event.text for event in events if isinstance(event, Text))
    leaving = meet(hosts.launch().orders.address)
    list(leaving.call("leave", {"now": False}).messages())
    assert hosts.said(session, hosts.asked(2)) == hosts.expected(hosts.asked(2))
    assert text + "".join(event.text for event in events if isinstance(event, Text)) == hosts.expected(
        hosts.asked(1, n=15)
    )
    assert hosts.pid != leaving.hello.pid
    leaving.close()


def test_a_newer_host_is_left_alone(hosts) -> None:
    """The older client says what to do, and does not take the engine away from the newer one."""
    launch = hosts.launch(version="99.0.0")
    hosts.folder.mkdir(mode=0o700)
    start(launch)
    pid = hosts.pid
    with pytest.raises(HostError, match=r"newer copilot \(99\.0\.0\)"):
        hosts.client().state((1,))
    assert hosts.pid == pid
