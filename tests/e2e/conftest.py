"""Machines and editors for the tests: some of a test's own, and one editor of each kind that all others share."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from copilot.testing import Shape
from tests.e2e.editor import Editor
from tests.e2e.workplace import Workplace, set_up

Start = Callable[..., Editor]


@pytest.fixture
def workplace(tmp_path: Path, tiny_model: Callable[[Shape], Path]) -> Workplace:
    """A machine of the test's own."""
    return set_up(tmp_path, tiny_model("qwen2"))


@pytest.fixture(scope="session")
def driver(request: pytest.FixtureRequest) -> type[Editor]:
    """The editor the test is about, as its module says; skipped where it is not installed."""
    kind: type[Editor] = request.param
    if missing := kind.missing():
        pytest.skip(missing)
    return kind


@pytest.fixture
def start(driver: type[Editor], workplace: Workplace) -> Iterator[Start]:
    """Start an editor set up by its README's commands, with more in its configuration where that is given."""
    editors: list[Editor] = []

    def make(setup: str = "", file: Path | None = None, *, waits: bool = True) -> Editor:
        workplace.follow_readme(driver.name)
        editors.append(driver(workplace, setup, file or workplace.code))
        if waits:
            editors[-1].ready()
        return editors[-1]

    yield make
    for editor in editors:
        editor.quit()


@pytest.fixture(scope="session")
def shared_editor(
    driver: type[Editor], tmp_path_factory: pytest.TempPathFactory, tiny_model: Callable[[Shape], Path]
) -> Iterator[Editor]:
    """An editor set up by its README's commands and nothing else."""
    workplace = set_up(tmp_path_factory.mktemp(driver.name), tiny_model("qwen2"))
    workplace.follow_readme(driver.name)
    editor = driver(workplace, "", workplace.code)
    editor.ready()
    editor.until(editor.findings, "the first review")  # of a file nobody has typed in
    yield editor
    editor.quit()


@pytest.fixture
def editor(shared_editor: Editor) -> Editor:
    """That editor with one window, on the file with the finding as it is on the disk."""
    shared_editor.workplace.reset()
    shared_editor.reset()
    return shared_editor
