"""A repository is not trusted: whatever it holds, nothing of it is run, nothing is fetched, and every command ends."""

import json
import os
import resource
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from copilot.cli import main
from copilot.config import MAX_FILE_BYTES
from copilot.testing import Shape, make_repo, run_git

Run = Callable[..., tuple[int, str, str]]
SOURCE = "def store(key, value):\n    return value\n"


@pytest.fixture
def run(tiny_model: Callable[[Shape], Path], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process with a tiny model and a short answer."""
    monkeypatch.setenv("COPILOT_MODEL", str(tiny_model("qwen2")))
    monkeypatch.setenv("COPILOT_CONTEXT_TOKENS", "4096")
    monkeypatch.setenv("COPILOT_MAX_ANSWER_TOKENS", "4")

    def command(*arguments: object) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        told = capfd.readouterr()
        return code, told.out, told.err

    return command


COMMANDS = (("pack", "--budget", "1024"), ("search", "store", "-C"), ("ask", "why?", "-C"), ("review", "-C"))


def test_nothing_that_a_repository_configures_is_run(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hooks, monitors, filters, drivers, pagers and aliases of git, and programs named like tools and modules."""
    root = make_repo(tmp_path / "repo", {"a.py": SOURCE, ".gitattributes": "* filter=evil diff=evil merge=evil\n"})
    mark = tmp_path / "it-ran"
    evil = f"echo $0 $@ > {mark}"
    script = root / "evil.sh"
    script.write_text(f"#!/bin/sh\n{evil}\n")
    script.chmod(0o700)
    for name in ("git", "python", "python3", "nvidia-smi", "c++"):
        (root / name).write_text(f"#!/bin/sh\n{evil}\n")
        (root / name).chmod(0o700)
    for name in ("pip.py", "sitecustomize.py", "tomllib.py", "copilot.py", "llama_cpp.py"):
        (root / name).write_text(f"open({str(mark)!r}, 'w')\n")
    for key in ("core.fsmonitor", "core.pager", "diff.external", "diff.evil.textconv", "diff.evil.command",
                "filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "core.sshCommand", "core.editor",
                "alias.ls-files", "credential.helper", "gpg.program", "uploadpack.packObjectsHook"):  # fmt: skip
        run_git(root, "config", key, str(script))
    run_git(root, "config", "core.hooksPath", str(root))
    run_git(root, "config", "remote.origin.url", "ext::sh -c touch% it-ran")
    run_git(root, "config", "remote.origin.promisor", "true")
    (root / "a.py").write_text(SOURCE + "x = 1\n")
    monkeypatch.chdir(root)
    assert not mark.exists()
    for command in COMMANDS:
        code, _, said = run(*command, root)
        assert code in (0, 1), said
        assert not mark.exists(), command
    assert run("doctor")[0] in (0, 2)
    assert not mark.exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('model = "/tmp/evil.gguf"', "'model', which is no setting there"),
        ('completion_model = "evil"', "no setting there"),
        ('cache_dir = "/etc"', "no setting there"),
        ('models_dir = "https://evil.example"', "no setting there"),
        ('host = "https://evil.example"', "no setting there"),
        ("context_tokens = " + "[" * 40_000, "is not valid TOML"),
        ("context_tokens = 1e999", "it takes a positive number"),
        ("#" * (MAX_FILE_BYTES + 1), "is longer than"),
        ("context_tokens = \x00", "is not valid TOML"),
    ],
    ids=range(9),
)
def test_a_repositorys_settings_name_no_file_program_or_address(run: Run, tmp_path: Path, text: str, says: str) -> None:
    """What it may not set, and what is no settings file at all, is one line and exit code 2."""
    root = make_repo(tmp_path / "repo", {"a.py": SOURCE, ".copilot.toml": text}, git=False)
    code, out, said = run("search", "store", "-C", root)
    assert (code, out, said.count("\n")) == (2, "", 1)
    assert says in said


def test_settings_behind_a_link_are_not_read(run: Run, tmp_path: Path) -> None:
    """A link could lead to any file, whose text would come out in the message."""
    (tmp_path / "secret").write_text("password = = hunter2")
    root = make_repo(tmp_path / "repo", {"a.py": SOURCE})
    (root / ".copilot.toml").symlink_to(tmp_path / "secret")
    code, _, said = run("search", "store", "-C", root)
    assert code == 0 and "hunter2" not in said


def test_links_lead_nowhere_outside(run: Run, tmp_path: Path) -> None:
    """Neither files nor folders that only look like the repository's are read, searched or packed."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.py").write_text("outside_secret = 1\n")
    root = make_repo(tmp_path / "repo", {"a.py": SOURCE})
    (root / "link.py").symlink_to(tmp_path / "outside" / "secret.py")
    (root / "folder").symlink_to(tmp_path / "outside")
    code, out, _ = run("pack", root, "--budget", "2048")
    assert code == 0 and "outside_secret" not in out
    assert "secret" not in run("search", "outside_secret", "-C", root)[1]


BOMB = """
import resource, sys
resource.setrlimit(resource.RLIMIT_DATA, (1_500_000_000, 1_500_000_000))
from copilot.cli import main
sys.exit(main(["pack", sys.argv[1], "--budget", "2048", "--json"]))
"""


def test_files_that_are_larger_than_they_look_take_no_memory(run: Run, tmp_path: Path) -> None:
    """A hole of 40 GB, a line of 20 MB, a million lines, a nest of brackets and ignore files of nonsense."""
    root = make_repo(
        tmp_path / "repo",
        {
            "a.py": SOURCE,
            "line.js": "x" * 20_000_000,
            "lines.txt": "a\n" * 1_000_000,
            "nest.json": "[" * 200_000,
            "many/.gitignore": "\n".join("*a" * 50 + str(number) for number in range(2_000)),
            ".copilotignore": "**/" * 2_000 + "x\n" + "[a-" * 2_000 + "\n" + "\\" * 10_001 + "\n",
            "many/" + "a" * 200 + "b": "x\n",
        },
        git=False,
    )
    for name in ("hole.py", ".gitattributes", "many/.copilotignore"):
        with (root / name).open("wb") as file:
            file.truncate(40_000_000_000)
    variables = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    ran = subprocess.run(
        [sys.executable, "-c", BOMB, str(root)], env=variables, capture_output=True, text=True, timeout=120
    )
    assert ran.returncode == 0, ran.stderr
    packed = json.loads(ran.stdout)
    assert any(skipped["path"] == "hole.py" for skipped in packed["skipped"])
    assert any(file["path"] == "a.py" for file in packed["files"])
    assert resource.getrlimit(resource.RLIMIT_DATA)[0] != 1_500_000_000


def test_everything_that_is_kept_is_private_and_goes_with_clear(run: Run, tmp_path: Path) -> None:
    """Files are 0600 or behind a folder that is 0700; after `cache clear` nothing of the repository is left."""
    root = make_repo(tmp_path / "repo", {"a.py": SOURCE + "unmistakable_name = 1\n"})
    for command in (*COMMANDS, ("warm", "-C")):
        assert run(*command, root)[0] in (0, 1)
    cache = Path(os.environ["COPILOT_CACHE_DIR"])
    kept = [path for path in cache.rglob("*") if path.is_file()]
    assert kept
    for path in kept:
        chain = [path, *(parent for parent in path.parents if parent.is_relative_to(cache))]
        assert any(stat.S_IMODE(each.stat().st_mode) & 0o077 == 0 for each in chain), path
    assert run("cache", "clear")[0] == 0
    assert [path for path in cache.rglob("*") if path.is_file()] == []


def test_no_folder_of_the_user_holds_anything_after_clear(tiny_model: Callable[[Shape], Path], tmp_path: Path) -> None:
    """Of what commands and the engine's process wrote below home, the temporary and the runtime folder, locks stay.

    They are empty files, named by a hash: one that is deleted while somebody waits for it would lock nobody out.
    """
    root = make_repo(tmp_path / "repo", {"a.py": SOURCE + "unmistakable_name = 1\n"})
    (root / "a.py").write_text(SOURCE + "unmistakable_name = 2\n")
    places = [tmp_path / name for name in ("home", "tmp", "runtime")]
    for place in places:
        place.mkdir(mode=0o700)
    own = {"HOME": places[0], "TMPDIR": places[1], "XDG_RUNTIME_DIR": places[2], "COPILOT_MODEL": tiny_model("qwen2")}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COPILOT_", "XDG_"))}
    variables = kept | {name: str(value) for name, value in own.items()}
    variables |= {"COPILOT_MAX_ANSWER_TOKENS": "4", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}

    def files() -> list[Path]:
        return [path for place in places for path in place.rglob("*") if not path.is_dir()]

    for command in (["ask", "why?"], ["review"], ["complete", "a.py", "--offset", "40"], ["cache", "clear"]):
        arguments = [sys.executable, "-m", "copilot", *command]
        ran = subprocess.run(arguments, cwd=root, env=variables, capture_output=True, text=True, timeout=120)
        assert ran.returncode == 0, ran.stderr
        assert bool([path for path in files() if path.suffix in (".kv", ".sqlite3")]) is (command[0] != "cache")
    left = files()
    assert {path.suffix for path in left} <= {".lock", ".starting"}
    assert all(path.stat().st_size == 0 for path in left)
