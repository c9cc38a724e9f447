"""Bad input: one clear line, exit code 2 or 3, and JSON where JSON was asked for."""

import os
from pathlib import Path

import pytest

from copilot.testing import make_repo, write_tiny_model


def failed(ran, code: int, message: str) -> None:
    assert ran.code == code, ran.err
    lines = [line for line in ran.err.splitlines() if line.startswith("copilot: ")]
    assert len(lines) == 1 and message in lines[0], ran.err
    assert "Traceback" not in ran.err


def test_no_model(run, project: Path) -> None:
    """Without a model, the line names the command that gets one."""
    ran = run("ask", "why?", "-C", project, "--json", COPILOT_MODEL="qwen2.5-coder-0.5b")
    failed(ran, 2, "copilot models pull qwen2.5-coder-0.5b")
    assert ran.json["error"]["code"] == "model-missing"


def test_wrong_file_as_model(run, project: Path, tmp_path: Path) -> None:
    """A file that is no GGUF is named as such."""
    (tmp_path / "notes.gguf").write_text("not a model")
    failed(run("ask", "why?", "-C", project, "--model", tmp_path / "notes.gguf"), 3, "not a GGUF")


def test_truncated_model(run, project: Path, tiny: Path, tmp_path: Path) -> None:
    """A cut file is found before llama.cpp sees it."""
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(tiny.read_bytes()[:-1000])
    failed(run("ask", "why?", "-C", project, "--model", cut), 3, "incomplete")


def test_model_with_too_little_context(run, project: Path, tmp_path: Path) -> None:
    """A context too small to work in is an error, not a silent cut."""
    small = write_tiny_model(tmp_path / "small.gguf", n_ctx_train=512)
    failed(run("ask", "why?", "-C", project, "--model", small), 2, "at least 2048 are needed")


def test_not_enough_memory(run, project: Path, tiny: Path) -> None:
    """A context that memory cannot hold is refused before it is loaded, with what would fit."""
    code = (
        "import sys, copilot.engine.memory as memory\n"
        "memory.available_bytes = lambda: 600 << 20\n"
        "from copilot.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    import subprocess
    import sys

    ran = subprocess.run(
        [sys.executable, "-c", code, "ask", "why?", "-C", str(project)],
        capture_output=True,
        text=True,
        env=dict(os.environ),
        check=False,
    )
    assert ran.returncode == 2 and "GiB are free" in ran.stderr, ran.stderr


def test_empty_repository(run, tiny: Path, tmp_path: Path) -> None:
    """A folder without files is not silently answered about."""
    (tmp_path / "empty").mkdir()
    failed(run("ask", "why?", "-C", tmp_path / "empty"), 2, "no files")


def test_missing_folder(run, tmp_path: Path) -> None:
    """A path that does not exist says how to name one."""
    failed(run("ask", "why?", "-C", tmp_path / "nowhere"), 2, "-C PATH")


def test_question_longer_than_the_room_left(run, project: Path, tiny: Path) -> None:
    """The error counts what was asked and what is left."""
    failed(run("ask", "word " * 24_000, "-C", project), 2, "tokens, ")


def test_empty_question(run, project: Path, tiny: Path) -> None:
    """An empty question is a usage error."""
    failed(run("ask", "  ", "-C", project), 2, "empty")


def test_files_that_are_no_text_are_left_out_with_the_reason(run, tiny: Path, tmp_path: Path) -> None:
    """Not UTF-8, binary and unreadable files are reported, and the rest is packed."""
    project = make_repo(tmp_path / "mixed", {"a.py": "def kept():\n    return 1\n"})
    (project / "latin.py").write_bytes("# caf\xe9\n".encode("latin-1"))
    (project / "blob.dat").write_bytes(b"\0\1\2" * 100)
    (project / "locked.py").write_text("x = 1\n")
    (project / "locked.py").chmod(0)
    packed = run("pack", project, "--format", "json")
    assert packed.code == 0, packed.err
    reasons = {skipped["path"]: skipped["reason"] for skipped in packed.json["skipped"]}
    assert "not UTF-8" in reasons["latin.py"]
    assert "binary" in reasons["blob.dat"]
    if os.geteuid() != 0:
        assert "locked.py" in reasons
    assert "def kept" in packed.json["text"]


@pytest.mark.parametrize("kind", ["a file", "a file in it"])
def test_cache_that_cannot_be_used_costs_time_only(run, project: Path, tiny: Path, tmp_path: Path, kind: str) -> None:
    """Where nothing can be kept, every command still answers, and says so."""
    folder = tmp_path / "unusable"
    if kind == "a file":
        folder.write_text("in the way")
    else:
        (folder / "index" / "index.sqlite3").mkdir(parents=True)
        (folder / "kv").write_text("in the way")
    variables = {"COPILOT_CACHE_DIR": str(folder), "COPILOT_MAX_ANSWER_TOKENS": "3"}
    found = run("search", "open_socket", "-C", project, "--json", **variables)
    assert (found.code, found.json["hits"][0]["symbol"]) == (0, "open_socket"), found.err
    assert "nothing is kept" in found.err
    answered = run("ask", "why?", "-C", project, "--json", **variables)
    assert answered.code == 0 and answered.json["usage"]["generated_tokens"] == 3, answered.err
    assert "0 of" in run("warm", "-C", project, **variables).err


def test_broken_speed_file_is_ignored(run, project: Path, tiny: Path) -> None:
    """A damaged note of the reading speed harms nothing."""
    folder = Path(os.environ["COPILOT_CACHE_DIR"])
    for damage in ('{"x": null}', '{"x": []}', "[1]", '{"x": "a"}', "{"):
        folder.mkdir(exist_ok=True)
        (folder / "speed.json").write_text(damage)
        assert run("doctor", "--json").code == 0


def test_cache_clear_deletes_only_what_is_ours(run, tmp_path: Path) -> None:
    """Folders of the user that happen to have our names keep their files."""
    theirs = [tmp_path / name / file for name, file in (("kv", "notes.txt"), ("index", "a.md"), ("models", "x.gguf"))]
    for path in theirs:
        path.parent.mkdir()
        path.write_text("mine")
    assert run("cache", "clear", COPILOT_CACHE_DIR=str(tmp_path)).code == 0
    assert [path.read_text() for path in theirs] == ["mine"] * 3


def test_repository_setting_that_is_not_allowed(run, project: Path, tiny: Path) -> None:
    """A repository's own file cannot choose the model."""
    (project / ".copilot.toml").write_text("model = '/tmp/x.gguf'\n")
    failed(run("ask", "why?", "-C", project), 2, ".copilot.toml")


@pytest.mark.parametrize("arguments", [("nonsense",), ("ask",), ("pack", "--tier", "99b"), ("search",)])
def test_wrong_usage(run, arguments: tuple[str, ...]) -> None:
    """A wrong command line is one line and exit code 2."""
    assert run(*arguments).code == 2
