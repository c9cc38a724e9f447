"""Small changes in real repositories."""

from collections.abc import Callable
from pathlib import Path

import pytest

from copilot.testing import make_repo, run_git


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
