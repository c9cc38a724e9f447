"""Hosts in processes of their own: scripted ones that answer without a model, and a way to see and end each of them."""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from copilot.engine.base import Cancel, Session
from copilot.engine.requests import Request, Sampling
from copilot.events import Done, Text
from copilot.host.address import Address
from copilot.host.client import HostSession
from copilot.host.orders import Orders
from copilot.host.start import Launch

SCRIPT = '''\
from copilot.host.detach import detach

detach()
import os, sys
from threading import Event
from copilot.host import pulse, run
from copilot.testing import ScriptedSession

pulse.BEAT_S = 0.1


class Session(ScriptedSession):
    """Says numbers that follow from the request; some turns have it misbehave."""

    def generate(self, request, cancel):
        if len(self.requests) > 100:
            self.requests.clear()
        first = request.turn[0]
        if first == 666:
            os.abort()
        if first == 667:
            raise RuntimeError("SECRETMESSAGE")
        if first == 668:
            Event().wait()
        yield from super().generate(request, cancel)


def answer(request):
    total = sum(request.prefix) + 7 * sum(request.turn)
    return " ".join(str(total * k % 9973) for k in range(request.sampling.max_tokens))


def build(values):
    if "fail" in values:
        from copilot.errors import ModelFileError
        raise ModelFileError(values["fail"])
    if "crash" in values:
        os.abort()
    return Session(answer=answer, delay_s=values["delay_s"])


run.run(build, **({"version": sys.argv[1]} if len(sys.argv) > 1 else {}))
'''


class Hosts:
    """Starts clients of scripted hosts, and knows the processes that serve them."""

    def __init__(self, folder: Path, logs: Path) -> None:
        self.folder = folder
        self.logs = logs
        script = logs / "scripted_host.py"
        logs.mkdir()
        script.write_text(SCRIPT)
        self.command = (sys.executable, str(script))
        self.sessions: list[HostSession] = []

    def launch(
        self,
        *,
        version: str = "",
        idle_s: float = 60.0,
        stall_s: float = 0.0,
        transport: str = "unix",
        **values: object,
    ) -> Launch:
        """A host; `values` tell its script how to behave, `version` which one it says it is."""
        address = Address(self.folder, "k", transport)  # type: ignore[arg-type]
        orders = Orders(address, self.logs / "k.log", "scripted", idle_s, stall_s, {"delay_s": 0.0} | values)
        return Launch(orders, (*self.command, version) if version else self.command)

    def client(self, launch: Launch | None = None, *, n_ctx: int = 32_768, silence_s: float = 5.0) -> HostSession:
        session = HostSession(launch or self.launch(), n_ctx, silence_s)
        self.sessions.append(session)
        return session

    def pids(self) -> list[int]:
        """Processes that hold the lock of one of these hosts, by /proc; those of an earlier version included."""
        found = []
        for process in psutil.process_iter():
            try:
                if any(file.path.startswith(str(self.folder)) for file in process.open_files()):
                    found.append(process.pid)
            except psutil.Error:
                continue
        return sorted(set(found) - {os.getpid()})

    @property
    def pid(self) -> int:
        [pid] = self.pids()
        return pid

    @staticmethod
    def expected(request: Request) -> str:
        """What the scripted host answers."""
        total = sum(request.prefix) + 7 * sum(request.turn)
        return " ".join(str(total * k % 9973) for k in range(request.sampling.max_tokens))

    @staticmethod
    def asked(first: int, n: int = 10, prefix: int = 50) -> Request:
        return Request(tuple(range(prefix)), (first, 1, 2), Sampling(max_tokens=n))

    @staticmethod
    def said(session: Session, request: Request, cancel: Cancel | None = None) -> str:
        """The whole answer; it must have ended by itself."""
        events = list(session.generate(request, cancel or Cancel()))
        assert isinstance(events[-1], Done) and events[-1].reason == "stop"
        return "".join(event.text for event in events if isinstance(event, Text))

    @staticmethod
    def wait_for(condition: Callable[[], object], within_s: float = 20.0) -> None:
        deadline = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.01)

    def end(self) -> None:
        for session in self.sessions:
            session.close()
        for pid in self.pids():
            psutil.Process(pid).kill()
        self.wait_for(lambda: not self.pids())


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A runtime folder of this test's own, with a short name, for the names of sockets have a limit."""
    folder = Path(tempfile.mkdtemp(prefix="ch-"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    monkeypatch.delenv("COPILOT_HOST")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def hosts(runtime: Path, tmp_path: Path) -> Iterator[Hosts]:
    hosts = Hosts(runtime / "copilot-offline", tmp_path / "hosts")
    yield hosts
    hosts.end()
