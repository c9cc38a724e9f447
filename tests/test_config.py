"""Settings: precedence, types, and what a repository may not set."""

from pathlib import Path

import pytest

from copilot.config import Settings
from copilot.errors import UsageError


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_flag_beats_environment_beats_repository_beats_user_file(tmp_path: Path) -> None:
    """Each source overrides the one below it and leaves the rest alone."""
    write(tmp_path / "config/config.toml", "context_tokens = 1\nmax_answer_tokens = 1\nthreads = 1\nkv_type = 'q8_0'")
    write(tmp_path / "repo/.copilot.toml", "context_tokens = 2\nmax_answer_tokens = 2")
    environment = {"COPILOT_CONFIG_DIR": str(tmp_path / "config"), "COPILOT_CONTEXT_TOKENS": "3", "COPILOT_HOST": "off"}
    settings = Settings.load(tmp_path / "repo", environment, {"model": "x", "threads": None})
    assert (settings.model, settings.context_tokens, settings.max_answer_tokens) == ("x", 3, 2)
    assert (settings.threads, settings.kv_type) == (1, "q8_0")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model = '/tmp/evil.gguf'", "'model', which is no setting there"),
        ("cache_dir = '/etc'", "no setting there"),
        ("contxt_tokens = 4", "did you mean context_tokens"),
        ("context_tokens = -4", "takes a positive number"),
        ("context_tokens = true", "takes a positive number"),
        ("context_tokens = ", "not valid TOML"),
        ("context_tokens = " + "9" * 5000, "not valid TOML"),
    ],
)
def test_a_repository_cannot_set_what_it_must_not(tmp_path: Path, text: str, message: str) -> None:
    """Wrong and forbidden keys are one clear error."""
    write(tmp_path / ".copilot.toml", text)
    with pytest.raises(UsageError, match=message):
        Settings.load(tmp_path, {"COPILOT_CONFIG_DIR": str(tmp_path / "none")}, {})


def test_variables_of_other_programs_and_empty_ones_are_ignored(tmp_path: Path) -> None:
    """COPILOT_GITHUB_TOKEN is somebody else's, and an empty variable sets nothing."""
    environment = {"COPILOT_GITHUB_TOKEN": "x", "COPILOT_CACHE_DIR": "", "COPILOT_CONFIG_DIR": str(tmp_path)}
    assert Settings.load(None, environment, {}) == Settings()


@pytest.mark.parametrize("value", ["nan", "inf", "-1"])
def test_quota_is_a_finite_size(tmp_path: Path, value: str) -> None:
    """What is no size is refused before anything is evicted by it."""
    with pytest.raises(UsageError, match="takes a number"):
        Settings.load(None, {"COPILOT_CACHE_QUOTA_GIB": value, "COPILOT_CONFIG_DIR": str(tmp_path)}, {})


def test_linked_repository_settings_are_not_followed(tmp_path: Path) -> None:
    """A link named .copilot.toml cannot make the program read another file."""
    (tmp_path / ".copilot.toml").symlink_to(write(tmp_path / "other", "context_tokens = 5"))
    assert Settings.load(tmp_path, {"COPILOT_CONFIG_DIR": str(tmp_path / "none")}, {}).context_tokens is None


def test_unknown_variable_is_refused_with_a_near_miss(tmp_path: Path) -> None:
    """A misspelt variable is an error, not silently ignored."""
    with pytest.raises(UsageError, match="did you mean kv_type"):
        Settings.load(None, {"COPILOT_KV_TYP": "f16", "COPILOT_CONFIG_DIR": str(tmp_path)}, {})
