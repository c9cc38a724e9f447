"""`copilot search`, `cache`, `config` and `doctor` through the command line."""

import json
from pathlib import Path

import pytest


def test_search_finds_the_definition_first(run, project: Path) -> None:
    """Without any model, words of a docstring lead to the function."""
    hits = run("search", "remember a value under a key", "-C", project, "--json").json["hits"]
    assert (hits[0]["path"], hits[0]["symbol"]) == ("server.py", "Server.store_value")
    assert hits[0]["start_line"] <= 13 <= hits[0]["end_line"]


def test_search_answers_a_batch_line_by_line(run, project: Path) -> None:
    """Each line in has its line out, in order, with its id."""
    lines = "".join(
        json.dumps({"id": n, "query": q}) + "\n" for n, q in enumerate(["open_socket", "put", "nothing_like_it"])
    )
    ran = run("search", "--batch", "-", "-C", project, stdin=lines)
    answers = [json.loads(line) for line in ran.out.splitlines()]
    assert [answer["id"] for answer in answers] == [0, 1, 2]
    assert [answer["hits"][0]["symbol"] for answer in answers[:2]] == ["open_socket", "put"]


@pytest.mark.parametrize("line", ["nonsense", "[" * 100_000])
def test_search_rejects_a_broken_batch_line(run, project: Path, line: str) -> None:
    """The line's number is in the error."""
    ran = run("search", "--batch", "-", "-C", project, stdin=f'{{"id": 1, "query": "put"}}\n{line}\n')
    assert ran.code == 2 and "line 2" in ran.err


def test_secrets_and_ignored_files_are_not_found(run, project: Path) -> None:
    """What git ignores and what holds secrets is in no answer."""
    for query in ("TOKEN secret", "build out x"):
        paths = {hit["path"] for hit in run("search", query, "-C", project, "--json").json["hits"]}
        assert not paths & {".env", "build/out.py"}


def test_search_from_inside_a_folder_sees_the_whole_project(run, project: Path) -> None:
    """The project root is found from any folder or file in it."""
    (project / "deep").mkdir()
    hits = run("search", "open_socket", "--json", cwd=project / "deep").json["hits"]
    assert hits[0]["path"] == "server.py"


def test_cache_is_shown_and_cleared(run, project: Path, tiny: Path) -> None:
    """After clear, nothing of the repository is left on disk."""
    run("warm", "-C", project)
    before = run("cache", "info", "--json").json
    assert before["bytes"]["kv"] > 0 and before["bytes"]["index"] > 0
    assert run("cache", "clear", "--json").json["freed_bytes"] > 0
    assert set(run("cache", "info", "--json").json["bytes"].values()) == {0}
    assert not [path for path in Path(before["path"]).rglob("*") if path.is_file()]


def test_kept_files_are_private(run, project: Path, tiny: Path) -> None:
    """Files with code in them can be read by this user only."""
    run("warm", "-C", project)
    folder = Path(run("cache", "info", "--json").json["path"])
    code = [path for path in folder.rglob("*") if path.is_file() and path.parts[len(folder.parts)] in ("kv", "index")]
    assert code
    for path in code:
        reachable = path.stat().st_mode & 0o077 == 0 or any(
            parent.stat().st_mode & 0o077 == 0 for parent in path.parents if folder in (parent, *parent.parents)
        )
        assert reachable, path


def test_config_shows_what_is_in_force(run, project: Path) -> None:
    """The repository's own setting shows up for that repository."""
    (project / ".copilot.toml").write_text("context_tokens = 4096\n")
    assert run("config", "-C", project, "--json").json["context_tokens"] == 4096


@pytest.mark.parametrize("with_model", [True, False])
def test_doctor_names_each_problem_and_its_cure(run, request: pytest.FixtureRequest, with_model: bool) -> None:
    """With a model all is well; without one, the line says what to run and the exit code is 2."""
    if with_model:
        request.getfixturevalue("tiny")
    ran = run("doctor", "--json", **({} if with_model else {"COPILOT_MODEL": "qwen2.5-coder-0.5b"}))
    checks = {check["name"]: check for check in ran.json["checks"]}
    assert checks["llama.cpp"]["status"] != "problem"
    if with_model:
        assert (ran.code, checks["chat template"]["status"], checks["memory"]["status"]) == (0, "ok", "ok")
    else:
        assert ran.code == 2 and "copilot models pull" in checks["model"]["cure"]
