"""`copilot doctor --offline`: the main commands, run without a network and watched.

`python -m copilot.cli.offline COMMAND …` is one such run: in a network namespace of its own where the kernel lets it,
and with an audit hook that refuses whatever concerns another machine and notes it.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from copilot.tasks.doctor import Check
from copilot.testing.no_network import guard, leave_network

COMMANDS = (
    ("pack", "--budget", "1024"),
    ("search", "where is the greeting"),
    ("ask", "where is the greeting?"),
    ("warm",),
    ("review", "--diff", "change.diff"),
    ("complete", "greeter.py", "--line", "3", "--column", "12"),
    ("models", "list"),
)
RUN_S = 300
NOTES = "COPILOT_OFFLINE_NOTES"
"""Where a watched run writes what it saw; the parent's own, no setting."""
_FILES = {
    "README.md": "# greeter\n\nSays hello.\n",
    "greeter.py": 'def greeting(name: str) -> str:\n    """Say hello."""\n    return f"hello {name}"\n',
    "change.diff": "--- a/README.md\n+++ b/README.md\n@@ -3 +3 @@\n-Says hello.\n+Says hello, politely.\n",
}


def prove(model: str | None, models_dir: Path) -> list[Check]:
    """Run each command on a small project; a model that is not named is a tiny one written for it."""
    with tempfile.TemporaryDirectory(prefix="copilot-offline-proof-") as folder:
        place = Path(folder)
        project = place / "project"
        project.mkdir()
        for name, text in _FILES.items():
            (project / name).write_text(text)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("COPILOT_")}
        environment |= {f"COPILOT_{name}_DIR": str(place / name.lower()) for name in ("CACHE", "CONFIG")}
        environment |= {"COPILOT_HOST": "off", "COPILOT_MAX_ANSWER_TOKENS": "8", "COPILOT_CONTEXT_TOKENS": "4096"}
        environment["COPILOT_MODELS_DIR"] = str(models_dir.absolute())
        environment["COPILOT_MODEL"] = _from_anywhere(model) if model else _tiny(place)
        return [_watched(command, project, environment, place) for command in COMMANDS]


def _from_anywhere(model: str) -> str:
    """A name as it is, and a path so that it leads to the same file from another folder."""
    path = Path(model).expanduser()
    return str(path.absolute()) if path.exists() else model


def _tiny(folder: Path) -> str:
    from copilot.testing import write_tiny_model

    return str(write_tiny_model(folder / "tiny.gguf"))


def _watched(command: tuple[str, ...], project: Path, environment: dict[str, str], place: Path) -> Check:
    """One command, and what it tried."""
    notes = place / f"{command[0]}.json"
    name = f"offline {command[0]}"
    try:
        ran = subprocess.run(
            [sys.executable, "-P", "-m", "copilot.cli.offline", *command],
            cwd=project,
            env=environment | {NOTES: str(notes), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=RUN_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Check(name, "problem", f"not done after {RUN_S} s", "try it without --model, or with a smaller one")
    try:
        seen = json.loads(notes.read_text())
        tried, isolated = [str(each) for each in seen["tried"]], bool(seen["isolated"])
    except (OSError, ValueError, KeyError, TypeError):
        return Check(name, "problem", "it ended before it could be watched", _last_line(ran.stderr))
    where = "in a namespace without a network" if isolated else "with the audit hook alone (no namespaces here)"
    if tried:
        cure = "nothing but `copilot models pull` may do that: report it"
        return Check(name, "problem", f"tried {', '.join(sorted(set(tried)))} ({where})", cure)
    if ran.returncode:
        return Check(name, "problem", f"failed with exit code {ran.returncode} {where}", _last_line(ran.stderr))
    return Check(name, "ok", f"done {where}; no attempt to reach another machine")


def _last_line(output: bytes) -> str:
    return next((line for line in reversed(output.decode(errors="replace").splitlines()) if line.strip()), "no message")


def main() -> int:
    """The watched run itself."""
    tried: list[str] = []
    isolated = leave_network()
    notes = Path(os.environ.pop(NOTES))

    def refuse(what: str) -> None:
        tried.append(what)
        raise PermissionError(f"{what}: there is no network in this run")

    sys.addaudithook(lambda event, arguments: guard(event, arguments, refuse))
    from copilot.cli import main as run

    try:
        return run(sys.argv[1:])
    finally:
        notes.write_text(json.dumps({"tried": tried, "isolated": isolated}))


if __name__ == "__main__":
    sys.exit(main())
