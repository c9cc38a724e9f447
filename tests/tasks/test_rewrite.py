"""Having code written, with a scripted session."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from copilot.app import App
from copilot.config import Settings
from copilot.engine.base import Cancel
from copilot.errors import BudgetError
from copilot.tasks.ask import Asking
from copilot.tasks.rewrite import Rewriting, Rewritten, as_indented, rewrite
from copilot.testing import ScriptedSession, Shape, make_repo


@pytest.fixture
def tools(tiny_model: Callable[[Shape], Path], tmp_path: Path) -> Iterator[Asking]:
    settings = Settings(model=str(tiny_model("qwen2")), cache_dir=tmp_path / "cache", models_dir=tmp_path / "models")
    app = App(settings)
    model = app.chat_model()
    with app.repository(make_repo(tmp_path / "project", {"a.py": "x = 1\n"})) as repository:
        yield Asking(repository, app.prefixes(repository, model), model, ScriptedSession(), app.speed(model))


def written(tools: Asking, asked: Rewriting, answer: str) -> Rewritten:
    assert isinstance(tools.session, ScriptedSession)
    tools.session.enqueue(answer)
    *_, last = rewrite(asked, tools, Cancel())
    assert isinstance(last, Rewritten)
    return last


def test_lines_come_back_at_the_indentation_they_had(tools: Asking) -> None:
    """The model's block alone is the text, moved to where the code stood."""
    asked = Rewriting("lines", "Simplify.", "    if a:\n        return b\n", "a.py:2-3")
    done = written(tools, asked, "Here:\n```python\nif a:\n    return c\n```")
    assert (done.text, done.reason) == ("    if a:\n        return c", "stop")


def test_file_is_left_as_it_was_written(tools: Asking) -> None:
    """A new file begins at the margin."""
    asked = Rewriting("file", "Write tests.", "    x = 1", "a.py:1-1")
    assert written(tools, asked, "```\ndef test_x():\n    pass\n```").text == "def test_x():\n    pass"


def test_code_that_does_not_fit_is_refused(tools: Asking) -> None:
    """The error says how much there is and how much fits."""
    with pytest.raises(BudgetError, match="select less"):
        list(rewrite(Rewriting("lines", "Do.", "word " * 40_000, "a.py:1-1"), tools, Cancel()))


@pytest.mark.parametrize(
    ("code", "like", "expected"),
    [
        ("a\n  b\n\nc", "\tx\n\ty", "\ta\n\t  b\n\n\tc"),
        ("    a\n      b", "x", "a\n  b"),
        ("  a", "  x\n    y", "  a"),
        ("", "  x", ""),
    ],
)
def test_indentation_follows_the_code_that_was_there(code: str, like: str, expected: str) -> None:
    """Tabs, spaces and blank lines; what is right already stays."""
    assert as_indented(code, like) == expected
