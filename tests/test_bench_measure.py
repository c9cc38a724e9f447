"""What the benchmarks measure is what a command used."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.measure import CommandFailedError, measure

ROOT = Path(__file__).parent.parent
BURN = "import time\nwhile time.process_time() < 0.5: pass"
HOLD = "held = bytearray(b'x') * 80_000_000"


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def below(code: str) -> tuple[str, ...]:
    """A command that starts a process of its own and does nothing else."""
    return python(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}], check=True)")


def peak(command: tuple[str, ...], cwd: Path) -> int:
    """The peak as a small process measures it: a child's is never less than that of whoever starts it."""
    code = (
        "from pathlib import Path; from tests.bench.measure import measure; "
        f"print(measure({command!r}, Path({str(cwd)!r}), {{}}).peak_bytes)"
    )
    return int(subprocess.run(python(code), cwd=ROOT, check=True, capture_output=True).stdout)


@pytest.mark.parametrize("command", [python(BURN), below(BURN)], ids=["itself", "its child"])
def test_cpu_time_is_that_of_the_whole_process_tree(command: tuple[str, ...], tmp_path: Path) -> None:
    """Half a second of work is half a second, and little more, whoever does it."""
    assert 0.5 <= measure(command, tmp_path, {}).cpu_s < 1.5


def test_sleeping_costs_no_cpu_time(tmp_path: Path) -> None:
    """The clock on the wall is not what is measured."""
    assert measure(python("import time; time.sleep(1)"), tmp_path, {}).cpu_s < 0.5


@pytest.mark.parametrize("command", [python(HOLD), below(HOLD)], ids=["itself", "its child"])
def test_memory_is_that_of_the_largest_process(command: tuple[str, ...], tmp_path: Path) -> None:
    """Eighty megabytes more are seen, also below the process that was started."""
    more = peak(command, tmp_path) - peak(python(""), tmp_path)
    assert 60e6 < more < 130e6


def test_memory_of_processes_that_run_together_adds_up(tmp_path: Path) -> None:
    """Two workers with eighty megabytes each cannot pass for eighty."""
    hold = f"{HOLD}; import time; time.sleep(1.5)"
    start = f"subprocess.Popen([sys.executable, '-c', {hold!r}])"
    both = python(f"import subprocess, sys; [worker.wait() for worker in ({start}, {start})]")
    assert measure(both, tmp_path, {}).peak_bytes > 160e6


def test_a_command_that_fails_is_not_measured(tmp_path: Path) -> None:
    """Its exit code and the last line it said are the error."""
    with pytest.raises(CommandFailedError, match=r"exited with 3: second$"):
        measure(python("import sys; sys.stderr.write('first\\nsecond\\n'); sys.exit(3)"), tmp_path, {})


def test_the_environment_is_the_one_given(tmp_path: Path) -> None:
    """Nothing of the caller's environment leaks into a run."""
    measure(
        python("import os, sys; sys.exit('HOME' in os.environ or os.environ['GIVEN'] != '1')"), tmp_path, {"GIVEN": "1"}
    )
