"""Hosts that do not tell how they are: each is called what it is, one that hangs and one of another version."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from copilot.cli import main
from copilot.host import roster
from copilot.host.address import Address, listen, own_folder
from copilot.host.peer import Peer, own_uid
from copilot.host.rpc import Channel, ClosedError


@pytest.fixture
def serve(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str | None], None]]:
    """Listen as a host of that version, which knows another status than ours; None = one that never says a word."""
    monkeypatch.setattr(roster, "ANSWER_S", 0.2)
    listener = listen(Address(own_folder(runtime / "copilot-offline", own_uid()), "k"))
    threads: list[Thread] = []

    def answer(version: str) -> None:
        channel = Channel(listener.sock.accept()[0], 5)
        results: dict[str, Any] = {"hello": {"version": version, "proof": ""}, "status": {"mood": "fine"}}
        try:
            while True:
                asked = channel.receive()
                channel.send({"jsonrpc": "2.0", "id": asked["id"], "result": results[asked["method"]]})
        except ClosedError:
            channel.close()

    def start(version: str | None) -> None:
        if version is not None:
            threads.append(Thread(target=answer, args=(version,)))
            threads[-1].start()

    yield start
    for thread in threads:
        thread.join()
    listener.close()


def status(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """What `copilot host status` says."""
    assert main(["host", "status", *options]) == 0
    return capsys.readouterr().out


def test_a_host_of_another_version_is_called_that(serve, capsys: pytest.CaptureFixture[str]) -> None:
    """It answers, only not in words that are understood here."""
    serve("0.0.9")
    assert status(capsys) == (
        f"process {os.getpid()} is of version 0.0.9 and does not tell how it is; `copilot host stop` ends it\n"
    )


def test_a_host_that_hangs_does_not_answer(serve, capsys: pytest.CaptureFixture[str]) -> None:
    """It takes the connection and says nothing."""
    serve(None)
    assert status(capsys) == f"process {os.getpid()} does not answer; `copilot host stop` ends it\n"
    [shown] = json.loads(status(capsys, "--json"))["hosts"]
    assert shown == {"pid": os.getpid(), "answers": False}


def test_no_number_is_made_up_for_a_process_that_has_none_known(
    serve, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some systems tell the user who listens and not the process; then it cannot be ended from here either."""
    monkeypatch.setattr("copilot.host.address.peer_of", lambda _: Peer(own_uid(), None))
    serve(None)
    assert status(capsys) == (
        "a process whose number the system does not tell does not answer; end it with the system's own means\n"
    )
    assert json.loads(status(capsys, "--json"))["hosts"] == [{"pid": None, "answers": False}]
    assert main(["host", "stop"]) == 3
    assert "a process whose number the system does not tell does not end" in capsys.readouterr().err
