"""`copilot ask` and `copilot warm` end to end, on a tiny model that runs the real engine."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from copilot.cli.render import clean
from copilot.testing import make_repo, run_git


def test_second_question_reads_its_turn_only(run, project: Path, tiny: Path) -> None:
    """The prefix is read once: a later process restores it and evaluates nothing but the turn."""
    first = run("ask", "Where are values stored?", "-C", project, "--json", COPILOT_MAX_ANSWER_TOKENS="8")
    second = run("ask", "Which port is used?", "-C", project, "--json", COPILOT_MAX_ANSWER_TOKENS="8")
    assert (first.code, second.code) == (0, 0), first.err + second.err
    read, reused = first.json["usage"], second.json["usage"]
    assert read["reused_tokens"] == 0
    assert reused["reused_tokens"] > 200
    assert reused["prompt_tokens"] == reused["reused_tokens"] + reused["evaluated_tokens"]
    assert first.json["prefix"] == "full"


def test_answer_alone_is_on_stdout(run, project: Path, tiny: Path) -> None:
    """Piped, stdout has the answer's text and nothing else; what is said about it goes to stderr."""
    asked = ("ask", "Where are values stored?", "-C", project)
    as_json = run(*asked, "--json", COPILOT_MAX_ANSWER_TOKENS="12").json
    plain = run(*asked, COPILOT_MAX_ANSWER_TOKENS="12")
    assert plain.out.strip() == clean(as_json["answer"])
    assert "\x1b" not in plain.out + plain.err


def test_reader_that_leaves_early_is_no_error(project: Path, tiny: Path) -> None:
    """`copilot ask … | head -c 5` ends in peace, though the answer was still being written."""
    asking = subprocess.Popen(
        [sys.executable, "-m", "copilot", "ask", "Explain everything", "-C", str(project)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert asking.stdout is not None and asking.stderr is not None
    asking.stdout.read(5)
    asking.stdout.close()
    err = asking.stderr.read().decode()
    asking.stderr.close()
    assert (asking.wait(timeout=60), "Traceback" in err) == (0, False), err


def test_warm_reads_everything_once(run, project: Path, tiny: Path) -> None:
    """After warm, a second warm and a question reuse the whole prefix."""
    first, second = (run("warm", "-C", project, "--json").json for _ in range(2))
    assert first["evaluated_tokens"] == first["tokens"] and first["bytes"] > 0
    assert (second["reused_tokens"], second["evaluated_tokens"]) == (first["tokens"], 0)
    asked = run("ask", "Why?", "-C", project, "--json", COPILOT_MAX_ANSWER_TOKENS="4").json
    assert asked["usage"]["reused_tokens"] == first["tokens"]


BIG = {
    f"src/m{i}.py": "".join(f"def handler_{i}_{j}(value):\n    return value + {j}\n\n\n" for j in range(60))
    for i in range(6)
}
"""Some 10,000 tokens in 39 segments: more than is read at once, and seconds of reading by the tiny model."""


def start_warm(project: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "copilot", "warm", "-C", str(project), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A suite started in the background inherits an ignored SIGINT; a user's terminal does not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def segments() -> int:
    return len(list(Path(os.environ["COPILOT_CACHE_DIR"]).glob("kv/*/*.kv")))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_interrupted_warm_goes_on_where_it_stopped(run, tmp_path: Path, tiny: Path, how: signal.Signals) -> None:
    """Killed or interrupted in the middle, the next run reads at most one segment again."""
    project = make_repo(tmp_path / "big", BIG)
    warming = start_warm(project)
    deadline = time.monotonic() + 60
    while segments() < 5 and time.monotonic() < deadline and warming.poll() is None:
        time.sleep(0.005)
    warming.send_signal(how)
    _, err = warming.communicate(timeout=30)
    kept = segments()
    assert kept >= 5
    if how == signal.SIGINT:
        assert warming.returncode == 130 and "interrupted" in err
    again = run("warm", "-C", project, "--json").json
    assert again["reused_tokens"] >= kept * 256
    assert again["evaluated_tokens"] > 0


def test_large_repository_is_answered_from_the_map_first(run, tmp_path: Path, tiny: Path) -> None:
    """What nobody read yet does not make a question wait; the hint says what warm would read."""
    project = make_repo(tmp_path / "big", BIG)
    cold = run("ask", "What does handler_3_7 do?", "-C", project, "--json", COPILOT_MAX_ANSWER_TOKENS="4")
    assert cold.json["prefix"] == "map"
    assert cold.json["usage"]["evaluated_tokens"] < 3000
    assert "`copilot warm` reads" in cold.err
    run("warm", "-C", project)
    warm = run("ask", "What does handler_3_7 do?", "-C", project, "--json", COPILOT_MAX_ANSWER_TOKENS="4")
    assert warm.json["prefix"] == "full"
    assert warm.json["usage"]["reused_tokens"] > 8_000


def test_small_edit_costs_little(run, tmp_path: Path, tiny: Path) -> None:
    """After an edit, what was read stays; only the change and the end of the prefix are read."""
    project = make_repo(tmp_path / "big", BIG)
    run("warm", "-C", project)
    (project / "src/m0.py").write_text(BIG["src/m0.py"].replace("value + 7\n", "value - 7\n"))
    run_git(project, "commit", "--quiet", "--all", "--message=Change")
    again = run("warm", "-C", project, "--json")
    assert again.json["evaluated_tokens"] < 700
    assert again.json["reused_tokens"] > 8_000
    assert "1 file has changed since the repository was read" in again.err
    assert run("warm", "-C", project, "--json").json["evaluated_tokens"] == 0
