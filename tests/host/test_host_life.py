"""One host per key: started on demand, shared, leaving when idle or told to; its log tells nothing of the work."""

import os
import signal
import stat
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from copilot.engine.base import Cancel, ReadState, Stored
from copilot.engine.requests import Priority, Request, ScoreRequest
from copilot.errors import BudgetError, HostError, ModelFileError
from copilot.events import Done, Progress, Text, Usage


def test_the_first_request_starts_a_host_and_the_next_find_it(hosts) -> None:
    """Clients one after the other, and at the same time, are served by one process."""
    first, second = hosts.client(), hosts.client()
    assert hosts.said(first, hosts.asked(1)) == hosts.expected(hosts.asked(1))
    pid = hosts.pid
    assert hosts.said(second, hosts.asked(2)) == hosts.expected(hosts.asked(2))
    first.close()
    assert hosts.said(hosts.client(), hosts.asked(3)) == hosts.expected(hosts.asked(3))
    assert hosts.pid == pid


def test_clients_that_come_at_once_start_one_host(hosts) -> None:
    """Whoever loses the race uses the winner's."""
    said: dict[int, str] = {}

    def ask(number: int) -> None:
        said[number] = hosts.said(hosts.client(), hosts.asked(number))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == {number: hosts.expected(hosts.asked(number)) for number in range(6)}
    assert len(hosts.pids()) == 1
    assert (hosts.logs / "k.log").read_text().count("serves scripted") == 1


def test_every_method_comes_through(hosts) -> None:
    """What the host's session says, the client's says."""
    session = hosts.client()
    prefix = tuple(range(30))
    assert session.state(prefix) == ReadState(0, 0, 30)
    assert list(session.read(prefix, Cancel(), Priority.REVIEW)) == [
        Progress("read", 30, 30, "tokens"),
        Done("stop", Usage(30, 0, 30)),
    ]
    assert session.state(prefix[:20]) == ReadState(20, 20, 20)
    assert session.stored(prefix) == Stored(1, 0)
    assert session.score(ScoreRequest(prefix, (1,), ((2, 3), (4,))), Cancel()) == ((-1.0, -1.0), (-1.0,))
    [_, *events, done] = session.generate(Request(prefix, (5,), hosts.asked(1).sampling), Cancel())
    assert all(isinstance(event, Text) for event in events)
    assert done == Done("stop", Usage(31, 30, 1, 10))
    status = session.status()
    assert (status.held, status.running, status.queued) == ((30,), 0, 0)


def test_one_client_serves_many_threads(hosts) -> None:
    """Answers that run at the same time over one connection do not mix."""
    session = hosts.client(hosts.launch(delay_s=0.005))
    said: dict[int, str] = {}

    def ask(number: int) -> None:
        said[number] = hosts.said(session, hosts.asked(number, n=30))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == {number: hosts.expected(hosts.asked(number, n=30)) for number in range(8)}


def test_the_clients_context_bounds_the_answer(hosts) -> None:
    """A host with a larger context answers as an engine with the client's would."""
    session = hosts.client(n_ctx=60)
    assert len(hosts.said(session, hosts.asked(1, n=100)).split()) == 60 - 53
    with pytest.raises(BudgetError, match="needs 64 tokens, the context has 60"):
        session.generate(hosts.asked(1, prefix=60), Cancel())
    with pytest.raises(ValueError, match="at least one token"):
        session.generate(Request((1,), ()), Cancel())


def test_an_idle_host_leaves(hosts) -> None:
    """Its process, its socket and the memory it held are gone; the next request starts another."""
    session = hosts.client(hosts.launch(idle_s=0.5))
    hosts.said(session, hosts.asked(1))
    pid = hosts.pid
    hosts.wait_for(lambda: not psutil.pid_exists(pid))
    assert not (hosts.folder / "k.sock").exists()
    assert hosts.said(session, hosts.asked(2)) == hosts.expected(hosts.asked(2))
    assert hosts.pid != pid


def test_a_working_host_is_not_idle(hosts) -> None:
    """A request may take longer than the idle time."""
    session = hosts.client(hosts.launch(idle_s=0.3, delay_s=0.1))
    assert hosts.said(session, hosts.asked(1, n=12)) == hosts.expected(hosts.asked(1, n=12))


def test_sigterm_ends_it_cleanly(hosts) -> None:
    """At once, also while it works; the client's request goes on with the next host."""
    session = hosts.client(hosts.launch(delay_s=0.05))
    events = session.generate(hosts.asked(1, n=20), Cancel())
    text = next(event.text for event in events if isinstance(event, Text))
    pid = hosts.pid
    os.kill(pid, signal.SIGTERM)
    text += "".join(event.text for event in events if isinstance(event, Text))
    assert text == hosts.expected(hosts.asked(1, n=20))
    hosts.wait_for(lambda: not psutil.pid_exists(pid))
    assert "left" in (hosts.logs / "k.log").read_text()


def test_leftovers_of_a_dead_host_are_no_obstacle(hosts) -> None:
    """Socket and lock files stay behind after kill -9."""
    session = hosts.client()
    hosts.said(session, hosts.asked(1))
    session.close()
    psutil.Process(hosts.pid).kill()
    hosts.wait_for(lambda: not hosts.pids())
    assert (hosts.folder / "k.sock").exists()
    assert hosts.said(hosts.client(), hosts.asked(2)) == hosts.expected(hosts.asked(2))


def test_files_are_private(hosts) -> None:
    """Folder 0700; socket and logs 0600."""
    hosts.said(hosts.client(), hosts.asked(1))
    assert stat.S_IMODE(hosts.folder.stat().st_mode) == 0o700
    for path in (hosts.folder / "k.sock", hosts.logs / "k.log", hosts.logs / "k.err"):
        assert stat.S_IMODE(path.lstat().st_mode) == 0o600, path


def test_the_log_tells_nothing_of_the_work(hosts) -> None:
    """Neither answers nor the texts of errors; types, places, counts and times."""
    session = hosts.client()
    said = hosts.said(session, hosts.asked(1))
    with pytest.raises(Exception, match="RuntimeError") as caught:
        list(session.generate(hosts.asked(667), Cancel()))
    assert "SECRETMESSAGE" not in str(caught.value)
    log = (hosts.logs / "k.log").read_text()
    assert "generate: done after" in log and "generate: RuntimeError at scripted_host.py:" in log
    assert "SECRETMESSAGE" not in log and said[:12] not in log


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_it_inherits_nothing_and_belongs_to_nobody(hosts, tmp_path: Path) -> None:
    """No descriptor, terminal, working folder or parent of the client."""
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        hosts.said(hosts.client(), hosts.asked(1))
        host = psutil.Process(hosts.pid)
        assert str(tmp_path / "open") not in [opened.path for opened in host.open_files()]
    assert host.ppid() != os.getpid()
    assert os.getsid(host.pid) != os.getsid(0)
    assert (host.cwd(), host.terminal()) == ("/", None)


def test_an_error_while_starting_is_the_clients(hosts) -> None:
    """Its class and its message come through, and nothing stays behind."""
    with pytest.raises(ModelFileError, match="this file is cut"):
        hosts.client(hosts.launch(fail="this file is cut")).state((1,))
    hosts.wait_for(lambda: not hosts.pids())


def test_a_host_that_dies_while_starting_is_reported(hosts) -> None:
    """One line that names the file with its last words."""
    with pytest.raises(HostError, match=r"k\.err"):
        hosts.client(hosts.launch(crash=True)).state((1,))
    assert "Fatal Python error: Aborted" in (hosts.logs / "k.err").read_text()


def test_where_no_log_can_be_written_it_works_all_the_same(hosts) -> None:
    """A full or forbidden cache folder costs the log."""
    launch = hosts.launch()
    (hosts.logs / "file").touch()
    blocked = replace(launch, orders=replace(launch.orders, log=hosts.logs / "file" / "k.log"))
    assert hosts.said(hosts.client(blocked), hosts.asked(1)) == hosts.expected(hosts.asked(1))


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_does_not_disturb_its_parents_connection(hosts) -> None:
    """The child connects anew; the parent's answer goes on."""
    session = hosts.client(hosts.launch(delay_s=0.02))
    events = session.generate(hosts.asked(1, n=20), Cancel())
    text = next(event.text for event in events if isinstance(event, Text))
    code = 1
    if not (child := os.fork()):
        try:
            code = 0 if hosts.said(session, hosts.asked(2)) == hosts.expected(hosts.asked(2)) else 1
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    text += "".join(event.text for event in events if isinstance(event, Text))
    assert text == hosts.expected(hosts.asked(1, n=20))


def test_a_client_that_exits_hears_no_complaint(hosts) -> None:
    """Closing is optional: an interpreter with an open session ends quietly, and the host stays."""
    hosts.said(hosts.client(), hosts.asked(1))
    code = (
        "import sys\nfrom copilot.host.client import HostSession\nfrom copilot.host.orders import Orders\n"
        "from copilot.host.start import Launch\n"
        "print(HostSession(Launch(Orders.from_json(sys.stdin.buffer.read())), 100).state((1,)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], input=hosts.launch().orders.to_json(), capture_output=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert len(hosts.pids()) == 1


def test_loopback_serves_where_there_are_no_unix_sockets(hosts) -> None:
    """The same host over TCP with a token."""
    session = hosts.client(hosts.launch(transport="tcp"))
    assert hosts.said(session, hosts.asked(1)) == hosts.expected(hosts.asked(1))
    assert not (hosts.folder / "k.sock").exists()
