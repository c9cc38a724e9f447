"""What the language server costs beside the model: starting, a keystroke, a superseded request.

`python tests/bench/language_server.py` prints JSON. A request counts as superseded from the moment the newer one is
written. Times are of this machine as it is; CPU seconds are the server's own.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psutil

from copilot.testing import make_repo, write_tiny_model
from lsp.testing import LspSession, Process

SERVER = Path(__file__).parents[1] / "lsp" / "scripted_server.py"
REQUESTS = 40
LINES = 20_000


def ready(folder: Path) -> tuple[LspSession, Path, float]:
    """A server whose scripted engine never answers by itself, its repository, and the seconds it took to start."""
    write_tiny_model(folder / "tiny.gguf", "qwen2")
    (folder / "script.json").write_text(json.dumps({"suggestion": "x", "delay_s": 60}))
    root = make_repo(folder / "repo", {"a.py": "x = 1\n"})
    began = time.perf_counter()
    session = LspSession(Process([sys.executable, str(SERVER), str(folder)]))
    session.initialize(root)
    return session, root, time.perf_counter() - began


def superseded(session: LspSession, uri: str) -> list[float]:
    """Seconds until a request is answered after a newer one was made."""
    waits = []
    older = session.complete(uri, 0, 1)
    for _ in range(REQUESTS):
        time.sleep(0.05)
        began = time.perf_counter()
        newer = session.complete(uri, 0, 1)
        answer = session.answer_to(older)
        waits.append(time.perf_counter() - began)
        assert answer["result"] is None
        older = newer
    session.notify("$/cancelRequest", {"id": older})
    session.answer_to(older)
    return waits


def keystrokes(session: LspSession, uri: str, cpu: psutil.Process) -> float:
    """CPU seconds for each change of a long document and the status request after it."""
    session.open(uri, "value = 1  # é\n" * LINES)
    session.request("copilot/status")
    before = sum(cpu.cpu_times()[:2])
    for version in range(2, REQUESTS + 2):
        at = {"line": LINES // 2, "character": 5}
        session.change(uri, version, {"range": {"start": at, "end": at}, "text": "x"})
        session.request("copilot/status")
    return (sum(cpu.cpu_times()[:2]) - before) / REQUESTS


def main() -> None:
    os.environ["GOMP_SPINCOUNT"] = "0"
    with tempfile.TemporaryDirectory() as name:
        session, root, start_s = ready(Path(name))
        assert isinstance(session.server, Process)
        cpu = psutil.Process(session.server.pid)
        start_cpu_s = sum(cpu.cpu_times()[:2])
        uri = (root / "a.py").as_uri()
        session.open(uri, "x = 1\n")
        waits = sorted(superseded(session, uri))
        key_s = keystrokes(session, (root / "long.py").as_uri(), cpu)
        resident = cpu.memory_info().rss
        code = session.leave()
        session.close()
    found = {
        "start_s": round(start_s, 2),
        "start_cpu_s": round(start_cpu_s, 2),
        "superseded_ms": {"median": round(1e3 * statistics.median(waits), 1), "worst": round(1e3 * waits[-1], 1)},
        "keystroke_cpu_ms": round(1e3 * key_s, 2),
        "resident_mb": round(resident / 1e6),
        "exit_code": code,
    }
    print(json.dumps(found, indent=2))  # noqa: T201 - it is what a bench is for


if __name__ == "__main__":
    main()
