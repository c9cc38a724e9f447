"""Requests that nobody waits for any more: which go on, and whom they serve."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot.app import App
from copilot.config import Settings
from copilot.engine.base import Cancel
from copilot.events import Done, Text, Usage
from copilot.tasks.complete import Cursor
from copilot.tasks.complete.results import Asked, Result, Results
from copilot.tasks.complete.underway import Underway
from copilot.testing import ScriptedSession, make_repo, write_tiny_model

HERE = Asked("a.py", "x = ", "\n")


def then(typed: str) -> Asked:
    return Asked("a.py", f"x = {typed}", "\n")


@given(st.text("ab", max_size=4), st.text("ab", max_size=4))
def test_what_is_left_goes_on_only_along_what_it_has_written(said: str, typed: str) -> None:
    """It ends where nothing is written yet, where nothing was typed, and where something else was."""
    underway, cancel = Underway(), Cancel()
    with underway.request(HERE, cancel) as pending:
        pending.hear(said)
        underway.head(then(typed))
        assert not pending.cancel.is_set()
        cancel.set()
        goes_along = bool(said and typed) and (said.startswith(typed) or typed.startswith(said))
        assert pending.cancel.is_set() != goes_along


@pytest.mark.parametrize("where", [None, then("no"), Asked("b.py", "x = fi", "\n"), Asked("a.py", "x = fi", ")\n")])
def test_what_is_left_ends_when_the_user_goes_elsewhere(where: Asked | None) -> None:
    """Other text, another document, another rest of the document, or nothing at all."""
    underway, cancel = Underway(), Cancel()
    with underway.request(HERE, cancel) as pending:
        pending.hear("first")
        underway.head(then("fi"))
        cancel.set()
        assert not pending.cancel.is_set()
        underway.head(where)
        assert pending.cancel.is_set()


def test_a_result_ends_those_who_wait_for_it_and_not_those_who_do_not() -> None:
    """A newer request along the text is served."""
    underway, results, left = Underway(), Results(), Cancel()
    with underway.request(HERE, left) as older, underway.request(then("fi"), Cancel()) as newer:
        older.hear("first")
        underway.head(then("fi"))
        left.set()
        results.keep(HERE, Result("first", 0, 0.9, None))
        underway.serve(results)
        assert newer.result is not None and newer.result.text == "rst" and newer.cancel.is_set()
        assert older.result is None and not older.cancel.is_set()


def test_a_superseded_completion_serves_the_next_keystroke(tmp_path: Path) -> None:
    """Who types what is being written gets the rest of it, and the model is asked once."""
    write_tiny_model(tmp_path / "tiny.gguf", "qwen2")
    root = make_repo(tmp_path / "repo", {"a.py": "x = 1\n"})
    app = App(Settings(model=str(tmp_path / "tiny.gguf"), cache_dir=tmp_path / "cache"))
    heard, go_on = threading.Event(), threading.Event()

    class Session(ScriptedSession):
        def infill(self, request, cancel):  # type: ignore[no-untyped-def]
            self.infill_requests.append(request)
            yield Text("first_", (-0.1,))
            heard.set()
            assert go_on.wait(10)
            assert not cancel.is_set()
            yield Text("part", (-0.1,))
            yield Done("stop", Usage())

    session, cancel = Session(), Cancel()
    with app.repository(root) as repository, ThreadPoolExecutor(1) as pool:
        completer = app.completer(repository, app.completion_model(), session, ahead=False)
        older = pool.submit(completer.complete, Cursor("a.py", "x = \n", 4), cancel)
        assert heard.wait(10)
        newer = Cursor("a.py", "x = fi\n", 6)
        completer.heading(newer)
        cancel.set()
        go_on.set()
        assert older.result(10).reason == "cancelled"
        suggestion = completer.complete(newer, Cancel())
    assert (suggestion.text, suggestion.usage) == ("rst_part", Usage())
    assert len(session.infill_requests) == 1
