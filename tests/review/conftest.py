"""Small changes in real repositories, and a model that answers what it is told to."""

from collections.abc import Callable
from pathlib import Path

import pytest

from copilot.app import App
from copilot.config import Settings
from copilot.tasks.model import ChatModel
from copilot.tasks.model_review.asking import Desk
from copilot.testing import ScriptedSession, Shape, make_repo, run_git


@pytest.fixture
def stage(tmp_path: Path) -> Callable[[dict[str, str], dict[str, str]], Path]:
    """Make a repository whose one commit holds the files `before`, and whose index and work tree hold `after`."""

    def make(before: dict[str, str], after: dict[str, str]) -> Path:
        root = make_repo(tmp_path / "project", before | {".gitignore": "/ignored\n"})
        for path in before.keys() - after.keys():
            (root / path).unlink()
        make_repo(root, after, git=False)
        run_git(root, "add", "--all", "--force")
        return root

    return make


@pytest.fixture
def model(tiny_model: Callable[[Shape], Path], tmp_path: Path) -> ChatModel:
    settings = Settings(model=str(tiny_model("qwen2")), cache_dir=tmp_path / "cache", models_dir=tmp_path / "models")
    return App(settings).chat_model()


@pytest.fixture
def session() -> ScriptedSession:
    return ScriptedSession()


@pytest.fixture
def desk(model: ChatModel, session: ScriptedSession) -> Desk:
    return Desk(lambda: "tiny", lambda: (model, session))
