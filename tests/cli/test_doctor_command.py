"""`copilot doctor` through the command line: broken settings, measuring, and the proof that nothing is sent."""

import json
from pathlib import Path

import pytest


def found(ran) -> dict[str, dict[str, str]]:
    return {check["name"]: check for check in ran.json["checks"]}


@pytest.mark.parametrize(
    ("text", "says"), [("model = = 1\n", "is not valid TOML"), ('model = "x"\n', "'model', which is no setting there")]
)
def test_a_broken_setting_of_the_repository_is_reported(run, project: Path, tiny: Path, text: str, says: str) -> None:
    """Doctor is what one runs when something is wrong, so it works without what is wrong."""
    (project / ".copilot.toml").write_text(text)
    assert run("ask", "why?", "-C", project).code == 2
    ran = run("doctor", "--json", cwd=project)
    checks = found(ran)
    assert (ran.code, checks["settings"]["status"]) == (2, "problem")
    assert says in checks["settings"]["cure"]
    assert checks["model"]["status"] == "ok"


def test_broken_settings_of_the_user_are_reported_too(run, tmp_path: Path) -> None:
    """The user's file and the environment: each is named, and the checks go on with what is left."""
    folder = tmp_path / "copilot-config"
    folder.mkdir()
    (folder / "config.toml").write_text('kv_type = "f17"\n')
    ran = run("doctor", "--json", COPILOT_THREADS="many")
    problems = [check["cure"] for check in ran.json["checks"] if check["name"] == "settings"]
    assert any("kv_type" in cure for cure in problems) and any("threads" in cure for cure in problems)
    assert "llama.cpp" in found(ran)


def test_a_measurement_is_kept_and_told(run, tiny: Path) -> None:
    """Measured once, it serves the tier of later runs, until the cache is cleared."""
    measured = found(run("doctor", "--measure", "--json", COPILOT_CONTEXT_TOKENS="1024"))
    assert "measured with" in measured["speed"]["found"]
    assert "(measured here)" in found(run("doctor", "--json"))["tier"]["found"]
    kept = Path(run("cache", "info", "--json").json["path"]) / "machine.json"
    assert json.loads(kept.read_text())["reads"] > 0
    assert kept.stat().st_mode & 0o077 == 0
    assert run("cache", "clear").code == 0
    assert not kept.exists()


def test_the_main_commands_run_without_a_network(run) -> None:
    """What people run, in a namespace of its own where there are such, watched everywhere."""
    ran = run("doctor", "--offline", "--json")
    assert ran.code == 0, ran.out + ran.err
    checks = found(ran)
    commands = ("pack", "search", "ask", "warm", "review", "complete", "models")
    assert list(checks) == [f"offline {name}" for name in commands]
    assert all("no attempt to reach another machine" in check["found"] for check in checks.values())
