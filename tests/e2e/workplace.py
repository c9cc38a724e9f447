"""What every editor's test starts from: a fresh home, a repository with something to find, and `copilot` on the PATH.

`copilot lsp` is the real language server around a scripted engine; every other command is the real one.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from copilot.testing import make_repo

SERVER = Path(__file__).parents[1] / "lsp" / "scripted_server.py"
EDITORS = Path(__file__).parents[2] / "editors"
GIVE_UP_S = 20.0
"""When a test gives up waiting; no test measures time by it."""
WORD_S = 0.1
"""Between the words of an answer; the engine takes it from the script when it is first asked."""
ANSWER = "Values are stored by `store_value`, see server.py:10 for how it is done."
SUGGESTION = "self.values[key] = value"
CODE = '''\
"""A tiny key-value server."""


class Server:
    """Keeps values in memory."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def store_value(self, key: str, value: str) -> None:
        """Remember a value under a key."""
'''
FINDING = """\


def debug(server: Server) -> int:
    breakpoint()
    return len(server.values)
"""


@dataclass(frozen=True)
class Workplace:
    """One user's machine."""

    home: Path
    project: Path
    script_folder: Path
    environment: dict[str, str]
    answer: str = ANSWER
    suggestion: str = SUGGESTION
    text: str = CODE + FINDING
    """What is in `code`; the last but one line is what a review finds."""
    fixed: str = CODE + FINDING.replace("    breakpoint()\n", "")

    def old_program(self) -> Path:
        """A `copilot` from before there was a language server."""
        program = self.home / "old-copilot"
        program.write_text(
            f"#!/bin/sh\necho $$ >> {self.script_folder}/started\necho \"Error: No such command '$1'.\" >&2\nexit 2\n"
        )
        program.chmod(0o755)
        return program

    @staticmethod
    def until(look: Callable[[], Any], what: str = "") -> Any:
        """What `look` returns once that is something."""
        deadline = time.monotonic() + GIVE_UP_S
        while not (found := look()):
            assert time.monotonic() < deadline, f"waited in vain for {what}"
            time.sleep(0.02)
        return found

    @property
    def code(self) -> Path:
        return self.project / "server.py"

    def script(self, **values: object) -> None:
        """What the engine says from now on."""
        path = self.script_folder / "script.json"
        path.with_suffix(".new").write_text(json.dumps(values))
        path.with_suffix(".new").replace(path)

    def reset(self) -> None:
        """The change with the finding is in its file again, and the engine says what it says by default."""
        self.code.write_text(self.text)
        self.script(suggestion=self.suggestion, answer=self.answer, delay_s=WORD_S)
        (self.script_folder / "heard.jsonl").unlink(missing_ok=True)

    def heard(self) -> list[dict[str, Any]]:
        """What the engine was asked."""
        path = self.script_folder / "heard.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def started(self) -> list[int]:
        """The ids of all language servers there were, in the order of their starts."""
        path = self.script_folder / "started"
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    def servers(self) -> list[int]:
        """Those that run."""
        return [each for each in self.started() if _runs(each)]

    def end_servers(self) -> None:
        for each in self.servers():
            os.kill(each, signal.SIGKILL)

    def follow_readme(self, editor: str) -> None:
        """Run the first commands of an editor's README, word for word."""
        text = (EDITORS / editor / "README.md").read_text()
        commands = re.search(r"```sh\n(.*?)```", text, re.DOTALL)
        assert commands, "the README begins with commands"
        subprocess.run(
            ["sh", "-e"],
            input=commands[1],
            env=self.environment,
            cwd=self.home,
            text=True,
            check=True,
            capture_output=True,
        )


def _runs(process_id: int) -> bool:
    try:
        return bool(psutil.Process(process_id).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def set_up(folder: Path, tiny: Path) -> Workplace:
    """A machine with the copilot installed and no editor configured; one uncommitted change has a finding."""
    if sys.platform == "win32":
        pytest.skip("the stand-in for `copilot` is a shell script")
    home, script, programs = folder / "home", folder / "script", folder / "bin"
    for each in (home, script, programs):
        each.mkdir()
    (script / "tiny.gguf").symlink_to(tiny)
    program = programs / "copilot"
    program.write_text(
        f"""#!/bin/sh
if [ "$1" = lsp ]; then
    echo $$ >> {script}/started
    exec {sys.executable} {SERVER} {script}
fi
exec {sys.executable} -m copilot "$@"
"""
    )
    program.chmod(0o755)
    project = make_repo(folder / "project", {"server.py": CODE, "README.md": "# kv\n"})
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PYTHON", "LANG", "LC_"))}
    environment = kept | {
        "HOME": str(home),
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "TERM": "dumb",
        "TMPDIR": str(folder),
        "COPILOT_HOST": "off",
        "COPILOT_CACHE_DIR": str(folder / "cache"),
        "COPILOT_MODELS_DIR": str(folder / "models"),
        "COPILOT_CONFIG_DIR": str(folder / "config"),
        "PYTHONPATH": os.pathsep.join(path for path in (str(SERVER.parents[2]), os.environ.get("PYTHONPATH")) if path),
    }
    made = Workplace(home, project, script, environment)
    made.reset()
    return made
