"""What is Vim's own: mapped keys, lists, the screen, an old version. The scenarios are in test_editors."""

import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import Start
from tests.e2e.vim_driver import Vim
from tests.e2e.workplace import EDITORS, Workplace

pytestmark = [
    pytest.mark.parametrize("driver", [Vim], indirect=True, scope="session", ids=["vim"]),
    pytest.mark.xdist_group("vim"),
]
EDITS = (
    "ggdd",
    "Gdd",
    "ggOnew<Esc>",
    "GoEnd<Esc>",
    "3GJ",
    "ggVGy2Gp",
    "u",
    ":%s/e/éé/g<CR>",
    "ggdG",
    "isome<CR>text<Esc>",
)


def test_a_tab_that_the_user_mapped_stays_the_users(start: Start, workplace: Workplace) -> None:
    """Neither is it overwritten nor is the suggestion lost: another key can take it."""
    editor = start("inoremap <Tab> MINE\nimap <C-L> <Plug>(copilot-accept)\n")
    editor.to_line(0)
    editor.type("z")
    editor.until(editor.ghost, "ghost text")
    editor.press("tab")
    editor.until(lambda: editor.lines()[-1].endswith("zMINE"), "the user's mapping")
    editor.until(editor.ghost, "ghost text")
    editor.type("<C-L>")
    editor.until(lambda: editor.lines()[-1].endswith(workplace.suggestion), "the accepted text")


def test_tab_without_a_suggestion_is_a_tab(editor: Vim) -> None:
    """The key does what it does without the plugin."""
    editor.workplace.script(reason="low-confidence")
    editor.command("setlocal noexpandtab softtabstop=0")
    editor.to_line(0)
    editor.type("z<Tab>y")
    editor.until(lambda: editor.lines()[-1].endswith("z\ty"), "a tab")


def test_ghost_text_stands_on_the_screen_as_it_will_be_inserted(editor: Vim) -> None:
    """Behind what was typed, and before the bracket that it replaces."""
    editor.workplace.script(suggestion="a, b)", replaces=1)
    editor.to_line(0)
    editor.type("call()<Left><Space><BS>")
    editor.until(lambda: "call(a, b)" in editor.screen(), "one bracket on the screen")
    assert editor.lines()[-1].endswith("call()")


def test_the_example_shows_the_defaults(editor: Vim) -> None:
    """Whoever takes it over as it is changes nothing, and misses no key."""
    keys, command = "copilot_offline#options#Keys()", "copilot_offline#options#Get('command')"
    defaults = editor.evaluate(f"[{keys}, {command}]")
    editor.command(f"source {EDITORS / 'vim/example.vim'}")
    assert editor.until(lambda: editor.evaluate("get(g:, 'copilot_offline', {})"), "the options") == {
        "keys": defaults[0],
        "command": defaults[1],
    }
    editor.command("unlet g:copilot_offline")


def test_findings_of_a_file_are_a_location_list(editor: Vim) -> None:
    """`:Copilot findings` has them all."""
    line = editor.workplace.text.splitlines().index("    breakpoint()") + 1
    editor.until(lambda: editor.findings() == [line], "the sign")
    editor.command("Copilot findings")
    editor.until(lambda: editor.evaluate("getloclist(0)->mapnew((_, e) => e.lnum)") == [line], "the location list")


def test_edits_of_every_kind_reach_the_server(editor: Vim) -> None:
    """Whatever is done to a buffer, the server completes in the text that is shown."""
    for keys in EDITS:
        editor.type(keys)
    editor.type("Goz")
    text = "\n".join(editor.until(lambda: (found := editor.lines())[-1].endswith("z") and found)) + "\n"
    heard = editor.until(lambda: [each["cursor"] for each in editor.workplace.heard() if "cursor" in each], "a request")
    editor.until(
        lambda: editor.workplace.heard()[-1].get("cursor", {}).get("text") == text, f"{text!r}, not {heard[-1]}"
    )


def test_a_vim_that_is_too_old_hears_so_and_nothing_else(driver: type[Vim], tmp_path: Path) -> None:
    """The plugin says which version it needs and stays away."""
    text = (EDITORS / "vim/plugin/copilot_offline.vim").read_text()
    assert "has('patch-9.0.0185')" in text
    plugin = tmp_path / "plugin.vim"
    plugin.write_text(text.replace("has('patch-9.0.0185')", "has('patch-99.0.1')"))
    said = tmp_path / "said"
    script = f"redir > {said} | source {plugin} | echo exists(':Copilot') | redir END | qa!"
    vim = ["vim", "-es", "-N", "-u", "NONE", "-i", "NONE", "-n", "-c", script]
    subprocess.run(vim, timeout=60, check=True, stdin=subprocess.DEVNULL)
    assert said.read_text().split("\n") == [
        "",
        "copilot: this plugin needs Vim 9.0.0185 or later with +channel and +textprop",
        "0",
    ]
