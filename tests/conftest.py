"""Fixtures for all tests: private folders, no network, tiny models that run the real llama.cpp code."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from copilot.config import Settings
from copilot.models import shipped_catalogue
from copilot.testing import Shape, write_tiny_model
from copilot.testing.no_network import guard

os.environ["GOMP_SPINCOUNT"] = "0"
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell leaves it for what it starts in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)
# Parts of a model that are installed as wheels would be joined, a gigabyte each time, by any command that finds no
# other model. Another version of the first part, found before it, hides them from tests and what they start.
NO_MODEL_WHEELS = str(Path(__file__).parent / "no_model_wheels")
sys.path.insert(0, NO_MODEL_WHEELS)
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (NO_MODEL_WHEELS, os.environ.get("PYTHONPATH"))))
hypothesis.settings.register_profile("ci", derandomize=True, print_blob=True)
if os.environ.get("CI"):  # the same draws for the same code; new ones are looked for at developers' machines
    hypothesis.settings.load_profile("ci")


@pytest.fixture(autouse=True)
def private_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees or touches the user's own settings, cache or models."""
    for name in [name for name in os.environ if name.startswith("COPILOT_") and not name.startswith("COPILOT_TEST_")]:
        monkeypatch.delenv(name)
    for name in ("CACHE", "MODELS", "CONFIG"):
        monkeypatch.setenv(f"COPILOT_{name}_DIR", str(tmp_path / f"copilot-{name.lower()}"))
    monkeypatch.setenv("COPILOT_HOST", "off")


_attempts: list[str] = []


def _refuse(what: str) -> None:
    _attempts.append(what)
    raise AssertionError(f"a test tried to reach another machine: {what}")


sys.addaudithook(lambda event, arguments: guard(event, arguments, _refuse))


@pytest.fixture(autouse=True)
def only_loopback() -> Iterator[None]:
    """A test that connects, binds or asks for a name anywhere but on this machine fails, even if it hides the error."""
    _attempts.clear()
    yield
    assert not _attempts, f"tried to reach another machine: {', '.join(_attempts)}"


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Shape], Path]:
    """The path of a tiny model of a shape, written once per run."""
    folder = tmp_path_factory.mktemp("tiny-models")

    def path_of(shape: Shape) -> Path:
        path = folder / f"{shape}.gguf"
        if not path.exists():
            write_tiny_model(path, shape)
        return path

    return path_of


@pytest.fixture(scope="session")
def default_model() -> Path:
    """The default model, for tests that need sense: COPILOT_TEST_MODEL names its file, or it is installed."""
    named = os.environ.get("COPILOT_TEST_MODEL")
    path = Path(named) if named else Settings().models_dir / f"{shipped_catalogue().default}.gguf"
    if not path.is_file():
        pytest.skip(f"{path.name} is not installed and COPILOT_TEST_MODEL names no file")
    return path
