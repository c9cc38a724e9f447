"""Starting a host: a process that outlives its client, is nobody's child and writes to no terminal.

Everything it needs goes through its stdin, nothing over the command line. Knows no connections.
"""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from copilot.errors import HostError
from copilot.files import private_folder
from copilot.host.orders import Orders
from copilot.host.wire import decode_error

MAX_STDERR_BYTES = 1 << 20
START_S = 600.0
"""How long a host may take until it listens: its predecessor leaves, or a large model file is hashed first."""

_DETACH_S = 30.0
if sys.platform == "win32":
    _DETACHED = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
else:
    _DETACHED = 0


@dataclass(frozen=True, slots=True)
class Launch:
    """Which host, and the command that becomes it."""

    orders: Orders
    command: tuple[str, ...] = (sys.executable, "-m", "copilot.host")

    @property
    def stderr(self) -> Path:
        """Where the last words of a process that crashed are."""
        return self.orders.log.with_suffix(".err")


def start(launch: Launch) -> None:
    """Have a host that listens: this one, or another that was faster. CopilotError where it cannot start."""
    with _stderr(launch.stderr) as stderr, _spawned(launch, stderr) as process:
        assert process.stdin is not None and process.stdout is not None
        with suppress(BrokenPipeError):  # it has died; its silence says so
            process.stdin.write(launch.orders.to_json())
            process.stdin.close()
        line = _line(process.stdout, time.monotonic() + START_S)
        process.stdout.close()
    answer = _parsed(line)
    if "error" in answer:
        raise decode_error(answer["error"])
    if not answer.keys() & {"ready", "taken"}:
        raise HostError(f"the engine's process did not start; see {launch.stderr}, or set COPILOT_HOST=off")


@contextmanager
def _spawned(launch: Launch, stderr: IO[bytes] | int) -> Iterator[subprocess.Popen[bytes]]:
    """The process that soon leaves a host behind; waited for at the end."""
    package = str(Path(__file__).parents[2])
    paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path and Path(path).is_absolute()]
    process = subprocess.Popen(
        launch.command,
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        cwd=Path(sys.prefix).anchor,  # neither a repository's modules nor a busy mount
        env=os.environ | {"PYTHONPATH": os.pathsep.join([package, *paths])},
        start_new_session=True,
        creationflags=_DETACHED,
    )
    try:
        yield process
    finally:
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        if sys.platform != "win32":  # there the process itself is the host
            _reap(process)


def _reap(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_DETACH_S)
    except subprocess.TimeoutExpired:  # it was to leave a host behind and end
        process.kill()
        process.wait()


@contextmanager
def _stderr(path: Path) -> Iterator[IO[bytes] | int]:
    """The file for what llama.cpp and the interpreter say when they die."""
    try:
        private_folder(path.parent)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError:
        yield subprocess.DEVNULL
        return
    with os.fdopen(descriptor, "ab") as file:
        if os.fstat(descriptor).st_size > MAX_STDERR_BYTES:
            file.truncate(0)
        yield file


def _line(pipe: IO[bytes], deadline: float) -> bytes:
    """The line the process answers with; less if it dies or takes too long."""
    if sys.platform == "win32":
        return pipe.readline()
    line = b""
    while not line.endswith(b"\n") and (left := deadline - time.monotonic()) > 0:
        if not select.select([pipe], [], [], left)[0] or not (part := os.read(pipe.fileno(), 4096)):
            break
        line += part
    return line


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(line)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
