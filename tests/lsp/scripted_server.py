"""A server around a scripted engine, for tests: `python scripted_server.py FOLDER`.

FOLDER holds the tiny model (`tiny.gguf`) and the script: `script.json`, read anew for every answer, with `answer`,
`suggestion`, `reason`, `replaces`, `delay_s` (before every word) and `error` (the message of an error to raise). What
the engine was asked is written to `heard.jsonl`.
"""

import json
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from copilot.app import App
from copilot.config import Settings
from copilot.engine.base import Cancel, Session
from copilot.engine.requests import Request
from copilot.errors import EngineError
from copilot.events import Usage
from copilot.tasks.complete import Cursor, Suggestion
from copilot.tasks.repository import Repository
from copilot.testing import ScriptedSession
from lsp.projects import OpenApp
from lsp.start import serve


class Script:
    """What the engine says, and what it hears."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()

    def now(self) -> dict[str, Any]:
        return json.loads((self.folder / "script.json").read_text())

    def heard(self, **what: object) -> None:
        line = json.dumps(what | {"thread": threading.current_thread().name})
        with self._lock, (self.folder / "heard.jsonl").open("a") as file:
            file.write(line + "\n")


class ScriptedCompleter:
    """Suggests what the script says."""

    def __init__(self, script: Script) -> None:
        self._script = script

    def complete(self, cursor: Cursor, cancel: Cancel) -> Suggestion:
        now = self._script.now()
        self._script.heard(
            cursor={"path": cursor.path, "text": cursor.text, "offset": cursor.offset, "automatic": cursor.automatic}
        )
        if now.get("error"):
            raise EngineError(now["error"])
        until = time.monotonic() + now.get("delay_s", 0)
        while time.monotonic() < until and not cancel.is_set():
            time.sleep(0.002)
        if cancel.is_set():
            self._script.heard(cancelled=cursor.offset)
            return Suggestion("", cursor.offset, "cancelled", None, Usage())
        end = cursor.offset + now.get("replaces", 0)
        return Suggestion(now.get("suggestion", ""), end, now.get("reason"), 0.9, Usage(10, 8, 2, 3))

    def accepted(self, suggestion: Suggestion) -> None:
        self._script.heard(accepted=suggestion.text)

    def rejected(self, suggestion: Suggestion) -> None:
        self._script.heard(rejected=suggestion.text)

    def edited(self, path: str, before: str, after: str) -> None:
        self._script.heard(edited=[path, before, after])

    def heading(self, cursor: Cursor) -> None:
        """What is superseded ends."""

    def close(self) -> None:
        """Nothing to end."""


class ScriptedApp(App):
    """An App whose model is tiny and whose engine is a script."""

    def __init__(self, settings: Settings, script: Script) -> None:
        super().__init__(settings)
        self._script = script

    def session(self, model: Any) -> Session:
        script = self._script

        def answer(request: Request) -> str:
            before, turn = (model.tokenizer.decode(tokens).decode() for tokens in (request.prefix, request.turn))
            script.heard(turn=turn, prompt=before + turn)
            if script.now().get("error"):
                raise EngineError(script.now()["error"])
            return str(script.now().get("answer", ""))

        return ScriptedSession(model.n_ctx, answer=answer, delay_s=script.now().get("delay_s", 0))

    def completer(self, repository: Repository, *_: Any, **__: Any) -> Any:
        self._script.heard(indexed=sorted(repository.paths))
        refresh = repository.refresh

        def refreshed() -> None:
            refresh()
            self._script.heard(refreshed=sorted(repository.paths))

        repository.refresh = refreshed  # type: ignore[method-assign]
        return ScriptedCompleter(self._script)


def open_app_in(folder: Path) -> OpenApp:
    """Apps that follow the script in a folder."""
    script = Script(folder)

    def open_app(path: Path, flags: Mapping[str, object]) -> App:
        settings = {
            "model": str(folder / "tiny.gguf"),
            "cache_dir": str(folder / "cache"),
            "models_dir": str(folder / "models"),
        }
        mine = {"COPILOT_CONFIG_DIR": str(folder / "config")}
        return ScriptedApp(Settings.load(path, mine, settings | dict(flags)), script)

    return open_app


if __name__ == "__main__":
    sys.exit(serve(open_app_in(Path(sys.argv[1]))))
