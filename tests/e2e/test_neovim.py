"""What is Neovim's own: mapped keys, health, help, an old version. The scenarios are in test_editors."""

import subprocess

import pytest

from tests.e2e.conftest import Start
from tests.e2e.neovim_driver import Neovim, binary
from tests.e2e.workplace import EDITORS, Workplace

pytestmark = [
    pytest.mark.parametrize("driver", [Neovim], indirect=True, scope="session", ids=["neovim"]),
    pytest.mark.xdist_group("neovim"),
]


def test_a_tab_that_the_user_mapped_stays_the_users(start: Start, workplace: Workplace) -> None:
    """Neither is it overwritten nor is the suggestion lost: another key can take it, and without one Tab is Tab."""
    editor = start("vim.keymap.set('i', '<Tab>', 'MINE')\nvim.keymap.set('i', '<C-e>', '<Plug>(copilot-accept)')\n")
    editor.to_line(0)
    editor.type("z")
    editor.until(editor.ghost, "ghost text")
    editor.press("tab")
    editor.until(lambda: editor.lines()[-1].endswith("zMINE"), "the user's mapping")
    editor.until(editor.ghost, "ghost text")
    editor.type("<C-e>")
    editor.until(lambda: editor.lines()[-1].endswith(workplace.suggestion), "the accepted text")


def test_tab_without_a_suggestion_is_a_tab(editor: Neovim) -> None:
    """The key does what it did before."""
    editor.workplace.script(reason="low-confidence")
    editor.command("setlocal noexpandtab")
    editor.to_line(0)
    editor.type("z<Tab>y")
    editor.until(lambda: editor.lines()[-1].endswith("z\ty"), "a tab")


def test_a_start_with_defaults_shows_no_message(start: Start) -> None:
    """Nothing is said to somebody who has nothing to do."""
    editor = start()
    editor.until(editor.findings, "the first review")
    assert editor.notices() == []
    assert editor.lua("return vim.fn.execute('messages')") == ""


def test_a_buffer_that_gets_another_name_is_completed_under_that(start: Start, workplace: Workplace) -> None:
    """Before it is written as well, and the server does not take it for the old file any longer."""
    editor = start()
    for name in ("copy.py", "notes.py"):
        editor.command(f"file {workplace.project / name}")
        editor.ready()
        editor.to_line(0)
        editor.type("x")
        editor.until(editor.ghost, "ghost text")
        assert workplace.heard()[-1]["cursor"]["path"] == name
        assert workplace.heard()[-1]["cursor"]["text"].splitlines() == editor.lines()
        editor.press("dismiss")
        editor.type("<Esc>")


def test_checkhealth_is_content(editor: Neovim) -> None:
    """With everything in place `:checkhealth copilot` finds no error and tells how ghost text is shown."""
    editor.command("checkhealth copilot")
    text = "\n".join(editor.lines())
    assert "ghost text is shown by this plugin" in text
    assert "copilot, version" in text
    assert "ERROR" not in text
    assert "WARNING" not in text


def test_the_help_file_is_found(editor: Neovim) -> None:
    """`:helptags ALL` indexes it, and its subjects are there."""
    editor.command("silent! helptags ALL")
    for subject in ("copilot", "copilot-keys", "copilot-options", ":Copilot"):
        editor.command(f"help {subject}")
        assert editor.place()[0].endswith("doc/copilot.txt"), subject


def test_a_neovim_that_is_too_old_hears_so_and_nothing_else(driver: type[Neovim]) -> None:
    """The plugin says which version it needs and stays away."""
    script = (
        "vim.fn.has = function(what) return what:match('^nvim%-0%.1') and 0 or 1 end\n"
        "local said\nvim.notify = function(text) said = text end\n"
        f"vim.cmd.source('{EDITORS / 'neovim/plugin/copilot.lua'}')\n"
        "vim.wait(5000, function() return said end)\n"
        "io.stdout:write(said, '|', vim.fn.exists(':Copilot'))\n"
    )
    done = subprocess.run(
        [binary(), "--headless", "-u", "NONE", "-i", "NONE", "-n", "-l", "-"],
        input=script,
        env={"PATH": "", "VIMRUNTIME": str(binary().parents[1] / "share/nvim/runtime")},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "copilot: this plugin needs Neovim 0.10 or later|0"
