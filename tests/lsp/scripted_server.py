"""A server around a scripted engine, for tests: `python scripted_server.py FOLDER`.

FOLDER holds the tiny model (`tiny.gguf`) and the script: `script.json`, read anew for every answer, with `answer`,
`suggestion`, `reason`, `replaces`, `delay_s` (before every word) and `error` (the message of an error to raise).
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
from copilot.engine.base import Cancel, Request, Session
from copilot.errors import EngineError
from copilot.events import Usage
from copilot.tasks.complete import Cursor, Suggestion
from copilot.testing import ScriptedSession
from lsp.start import serve

FOLDER = Path(sys.argv[1])


def script() -> dict[str, Any]:
    return json.loads((FOLDER / "script.json").read_text())


def said(**what: object) -> None:
    with (FOLDER / "heard.jsonl").open("a") as file:
        file.write(json.dumps(what | {"thread": threading.current_thread().name}) + "\n")


class ScriptedCompleter:
    """Suggests what the script says, and writes down what it was asked."""

    def complete(self, cursor: Cursor, cancel: Cancel) -> Suggestion:
        now = script()
        said(cursor={"path": cursor.path, "text": cursor.text, "offset": cursor.offset, "automatic": cursor.automatic})
        if now.get("error"):
            raise EngineError(now["error"])
        until = time.monotonic() + now.get("delay_s", 0)
        while time.monotonic() < until and not cancel.is_set():
            time.sleep(0.005)
        if cancel.is_set():
            said(cancelled=True)
            return Suggestion("", cursor.offset, "cancelled", None, Usage())
        end = cursor.offset + now.get("replaces", 0)
        return Suggestion(now.get("suggestion", ""), end, now.get("reason"), 0.9, Usage(10, 8, 2, 3))

    def accepted(self, suggestion: Suggestion) -> None:
        said(accepted=suggestion.text)

    def rejected(self, suggestion: Suggestion) -> None:
        said(rejected=suggestion.text)

    def close(self) -> None:
        said(closed=True)

    def edited(self, path: str, before: str, after: str) -> None:
        said(edited=path, before=before, after=after)


class ScriptedApp(App):
    """An App whose model is tiny and whose engine is a script."""

    def session(self, model: Any) -> Session:
        now = script()

        def answer(request: Request) -> str:
            said(turn=model.tokenizer.decode(request.turn).decode())
            if script().get("error"):
                raise EngineError(script()["error"])
            return str(script().get("answer", ""))

        return ScriptedSession(model.n_ctx, answer=answer, delay_s=now.get("delay_s", 0))

    def completer(self, *_: Any, **__: Any) -> Any:
        return ScriptedCompleter()


def open_app(path: Path, flags: Mapping[str, object]) -> App:
    settings = {
        "model": str(FOLDER / "tiny.gguf"),
        "cache_dir": str(FOLDER / "cache"),
        "models_dir": str(FOLDER / "models"),
    }
    return ScriptedApp(Settings.from_values(settings | dict(flags)))


if __name__ == "__main__":
    sys.exit(serve(open_app))
