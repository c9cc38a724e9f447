"""`copilot editors`: what is here, what to configure, and files put in place without losing anybody's."""

import json
import os
import sys
from pathlib import Path

import pytest

from copilot.tasks.editor_catalogue import EDITORS, Place, here
from copilot.tasks.editors import detect, editor_named, planned, write

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins for editors are shell scripts")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh home, and nothing on the PATH but a stand-in for Vim."""
    path = tmp_path / "home"
    path.mkdir()
    programs = tmp_path / "bin"
    programs.mkdir()
    vim = programs / "vim"
    vim.write_text("#!/bin/sh\necho 'VIM - Vi IMproved 9.1 (2024 Jan 02)'\n")
    vim.chmod(0o755)
    slow = programs / "emacs"
    slow.write_text("#!/bin/sh\nexit 3\n")
    slow.chmod(0o755)
    monkeypatch.setenv("HOME", str(path))
    monkeypatch.setenv("PATH", str(programs))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    return path


def test_editors_are_listed_with_what_is_known_of_each(home: Path, run) -> None:
    """Found or not, with version where it says one, and whether it is set up."""
    found = {each["name"]: each for each in run("editors", "--json").json["editors"]}
    assert list(found) == [editor.name for editor in EDITORS]
    assert found["vim"]["version"] == "9.1"
    assert found["vim"]["program"].endswith("/vim")
    assert found["emacs"]["program"] is not None
    assert found["emacs"]["version"] is None
    assert found["neovim"]["program"] is None
    assert not any(each["set_up"] for each in found.values())
    assert "Vim " in run("editors").out


@pytest.mark.parametrize("name", ["neovim", "vim", "emacs", "zed", "jetbrains", "helix", "sublime", "kate"])
def test_writing_installs_once(name: str, home: Path, run) -> None:
    """Everything lands below the home folder; a second time there is nothing to do, and the list knows."""
    editor = editor_named(name)
    written = write(editor, planned(editor, here()))
    assert written
    assert all(path.is_relative_to(home) and path.is_file() for path in written)
    assert write(editor, planned(editor, here())) == []
    assert [each.editor.name for each in detect(here()) if each.is_set_up] == [name]


def test_the_command_says_what_it_wrote(home: Path, run) -> None:
    """Each path on stdout, what is left to do on stderr; as JSON the same."""
    done = run("editors", "zed", "--write")
    assert done.code == 0
    assert all(Path(line.removeprefix("wrote ")).is_file() for line in done.out.splitlines())
    assert "install dev extension" in done.err
    again = run("editors", "zed", "--write", "--json").json
    assert again["written"] == []
    assert {file["state"] for file in again["files"]} == {"same"}


def test_nothing_is_overwritten_without_asking(home: Path, run) -> None:
    """A changed file of the plugin stays, with word of how to replace it; then it is replaced."""
    run("editors", "vim", "--write")
    changed = home / ".vim/pack/copilot-offline/start/copilot-offline/plugin/copilot_offline.vim"
    ours = changed.read_text()
    changed.write_text("mine")
    refused = run("editors", "vim", "--write")
    assert refused.code == 2
    assert "--yes" in refused.err
    assert changed.read_text() == "mine"
    assert run("editors", "vim", "--write", "--yes").code == 0
    assert changed.read_text() == ours


def test_a_users_own_settings_are_never_replaced(home: Path, run) -> None:
    """Not even with --yes: what to add is printed instead."""
    settings = home / ".config/helix/languages.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text('[[language]]\nname = "python"\n')
    refused = run("editors", "helix", "--write", "--yes")
    assert refused.code == 2
    assert "`copilot editors helix` prints" in refused.err
    assert settings.read_text() == '[[language]]\nname = "python"\n'
    assert "[language-server.copilot-offline]" in run("editors", "helix").out


def test_a_program_off_the_path_is_named_in_full(home: Path, run) -> None:
    """Editors cannot find a program in a virtual environment by its name; one that is on the PATH they can."""
    program = Path(sys.executable).with_name("copilot")
    if not program.is_file():
        pytest.skip("the package is not installed, so there is no program to name")
    printed = run("editors", "kate").out
    assert {tuple(server["command"]) for server in json.loads(printed)["servers"].values()} == {(str(program), "lsp")}
    named = run("editors", "kate", PATH=f"{program.parent}{os.pathsep}{os.environ['PATH']}").out
    assert '"copilot", "lsp"' in named


def test_unknown_editors_and_useless_options_are_errors(home: Path, run) -> None:
    """The message names what there is."""
    assert "neovim, vim, emacs" in run("editors", "ed").err
    assert run("editors", "ed", "--json").json["error"]["code"] == "usage"
    assert "needs an editor's name" in run("editors", "--write").err
    assert run("editors", "vscode", "--write").code == 2


def test_a_folder_that_cannot_be_written_is_named(home: Path, run) -> None:
    """A file where the folder should be is an error of one line."""
    (home / ".vim").write_text("")
    refused = run("editors", "vim", "--write")
    assert refused.code == 2
    assert len(refused.err.splitlines()) == 1
    assert "cannot be written" in refused.err


def test_places_follow_the_system() -> None:
    """XDG variables and Windows' own are where editors look, too."""
    home = Path("/home/me")
    assert Place.of({}, home, "linux").config == home / ".config"
    assert Place.of({"XDG_DATA_HOME": "/data"}, home, "linux").data == Path("/data")
    assert Place.of({"APPDATA": "/roaming", "LOCALAPPDATA": "/local"}, home, "win32") == Place(
        home, Path("/roaming"), Path("/local")
    )
