"""The commands with a host: the same answers from one process, and its own commands to look after it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from copilot.host.roster import find, stop
from copilot.testing import Shape, make_repo

FILES = {
    "README.md": "# kv\n\nA key-value server.\n",
    "server.py": '"""A server."""\n\n\ndef serve(port: int) -> None:\n    """Serve for ever."""\n    print(port)\n',
}
HUGE = {
    f"src/h{i}.py": "".join(f"def worker_{i}_{j}(value):\n    return value + {j}\n\n\n" for j in range(120))
    for i in range(60)
}
COPILOT = (sys.executable, "-m", "copilot")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_repo(tmp_path / "project", FILES)


@pytest.fixture
def folder(runtime: Path, tiny_model: Callable[[Shape], Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of sockets; hosts with the tiny model are ended afterwards."""
    monkeypatch.setenv("COPILOT_MODEL", str(tiny_model("qwen2")))
    monkeypatch.setenv("COPILOT_MAX_ANSWER_TOKENS", "16")
    folder = runtime / "copilot-offline"
    yield folder
    for found in find(folder):
        assert stop(found)


@pytest.fixture
def run(tmp_path: Path):
    """Run `copilot` in a process of its own; its exit code, stdout, stderr, and stdout as JSON."""

    def run_copilot(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COPILOT, *map(str, arguments)],
            cwd=tmp_path,
            env=os.environ | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run_copilot


def document(ran: subprocess.CompletedProcess[str]) -> Any:
    return json.loads(ran.stdout)


def ended(pid: int) -> bool:
    """Whether the process is gone, or waits for nothing but to be reaped."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def served_by(folder: Path) -> list[int]:
    return [found.pid for found in find(folder)]


def test_questions_are_answered_by_one_process_as_without_it(run, folder: Path, project: Path) -> None:
    """The second reuses what the first left in memory; the words are those of COPILOT_HOST=off."""
    asked = ("ask", "Where is the port printed?", "-C", project, "--json")
    alone = run(*asked, COPILOT_HOST="off")
    first, second = run(*asked), run(*asked)
    assert [ran.returncode for ran in (alone, first, second)] == [0, 0, 0], first.stderr
    answers = [document(ran) for ran in (alone, first, second)]
    assert answers[0]["answer"] == answers[1]["answer"] == answers[2]["answer"]
    assert answers[2]["usage"]["reused_tokens"] > 200
    [pid] = served_by(folder)
    assert run(*asked).returncode == 0 and served_by(folder) == [pid]


def test_a_piped_question_ends_though_the_host_stays(run, folder: Path, project: Path) -> None:
    """The host holds neither stdout nor stderr of the command that started it; both hold only what is the command's."""
    ran = run("ask", "Where is the port printed?", "-C", project)
    assert ran.returncode == 0
    assert "host" not in ran.stderr and len(served_by(folder)) == 1


def test_status_and_stop(run, folder: Path, project: Path) -> None:
    """What is loaded and held is shown; stopping frees it at once."""
    assert run("host", "status").stdout == "no engine runs; the next question starts one\n"
    assert document(run("host", "status", "--json")) == {"hosts": []}
    run("ask", "Where is the port printed?", "-C", project)
    [shown] = document(run("host", "status", "--json"))["hosts"]
    [pid] = served_by(folder)
    assert (shown["pid"], shown["answers"], shown["running"], shown["queued"]) == (pid, True, 0, 0)
    assert shown["memory_bytes"] > 20 << 20 and shown["uptime_s"] > 0 and shown["tokens_per_s"] > 0
    assert max(held["tokens"] for held in shown["prefixes"]) > 200
    plain = run("host", "status").stdout
    assert f"process {pid}" in plain and "holds" in plain and "idle" in plain
    assert "serves" in run("host", "log").stdout
    assert document(run("host", "stop", "--json")) == {"stopped": [pid]}
    assert ended(pid) and served_by(folder) == []
    assert document(run("host", "stop", "--json")) == {"stopped": []}


def test_a_stopped_host_is_shown_and_ended(run, folder: Path, project: Path) -> None:
    """`host stop` also ends a process that does not answer, and doctor says so."""
    run("ask", "Where is the port printed?", "-C", project)
    [pid] = served_by(folder)
    os.kill(pid, signal.SIGSTOP)
    [shown] = document(run("host", "status", "--json"))["hosts"]
    assert shown == {"pid": pid, "answers": False}
    checks = {check["name"]: check for check in document(run("doctor", "--json"))["checks"]}
    assert checks["host"]["status"] == "warning" and "copilot host stop" in checks["host"]["cure"]
    assert document(run("host", "stop", "--json")) == {"stopped": [pid]}
    assert ended(pid)


def test_interrupting_a_warm_up_is_prompt_and_reaches_the_host(folder: Path, tmp_path: Path) -> None:
    """Ctrl-C ends the command at once; the host stops reading and keeps what was read."""
    project = make_repo(tmp_path / "huge", HUGE)
    warming = subprocess.Popen(
        [*COPILOT, "warm", "-C", str(project)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    kv = Path(os.environ["COPILOT_CACHE_DIR"]) / "kv"
    deadline = time.monotonic() + 60
    while len(list(kv.glob("*/*.kv"))) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    began = time.monotonic()
    warming.send_signal(signal.SIGINT)
    _, err = warming.communicate(timeout=30)
    assert (warming.returncode, "interrupted" in err) == (130, True), err
    assert time.monotonic() - began < 5
    deadline = time.monotonic() + 10
    while (status := find(folder)[0].status) is None or status.running:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    kept = len(list(kv.glob("*/*.kv")))
    time.sleep(0.5)
    assert len(list(kv.glob("*/*.kv"))) == kept >= 5


def test_errors_of_the_host_are_the_commands(run, folder: Path, project: Path, tmp_path: Path) -> None:
    """One line, the same exit code as without a host."""
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(Path(os.environ["COPILOT_MODEL"]).read_bytes()[:-1000])
    for host in ("off", "on"):
        ran = run("ask", "why?", "-C", project, "--model", cut, COPILOT_HOST=host)
        assert (ran.returncode, "incomplete" in ran.stderr) == (3, True), ran.stderr
        assert "Traceback" not in ran.stderr


def test_a_folder_of_a_stranger_is_refused_with_a_way_out(run, runtime: Path, folder: Path, project: Path) -> None:
    """A file where the folder of sockets should be: exit code 3, one line, and doctor agrees."""
    folder.touch()
    ran = run("ask", "why?", "-C", project)
    assert ran.returncode == 3 and "COPILOT_HOST=off" in ran.stderr
    assert run("ask", "why?", "-C", project, COPILOT_HOST="off").returncode == 0
    checks = {check["name"]: check for check in document(run("doctor", "--json"))["checks"]}
    assert checks["host"]["status"] == "problem"
    folder.unlink()


def test_a_misspelt_host_setting_is_an_error(run, project: Path) -> None:
    """Nobody is left to guess whether it was off."""
    ran = run("ask", "why?", "-C", project, COPILOT_HOST="of", COPILOT_MODEL="nothing")
    assert ran.returncode == 2
