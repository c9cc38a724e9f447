"""A real Vim with the plugin installed as its README says, and the real language server behind it."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

pty = pytest.importorskip("pty", reason="Vim is driven in a terminal of Unix")
VIM = shutil.which("vim")
OLDEST = (9, 0)


def is_new_enough() -> bool:
    assert VIM is not None
    shown = subprocess.run([VIM, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"IMproved (\d+)\.(\d+)", shown)
    has_vim9 = found is not None and (int(found[1]), int(found[2])) >= OLDEST
    return has_vim9 and "+channel" in shown and "+textprop" in shown


pytestmark = [
    pytest.mark.skipif(VIM is None, reason="there is no vim; `apt-get install vim-nox`"),
    pytest.mark.skipif(VIM is not None and not is_new_enough(), reason="this vim is older than 9.0, or a small one"),
]
PROPERTIES = "prop_list(1, {'end_lnum': -1, 'types': ['CopilotGhost']})->len()"
VIM9 = """
function Vim9(text)
  return execute('vim9cmd echo json_encode(' .. a:text .. ')')->trim()->json_decode()
endfunction
"""
SCREEN = (
    "range(1, &lines)->mapnew((_, row) => range(1, 110)->mapnew((_, column) => screenstring(row, column))->join(''))"
)
SIGNS = "sign_getplaced(bufnr(), {'group': 'copilot'})[0].signs->mapnew((_, sign) => sign.lnum)"
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


class Editor:
    """One Vim in a terminal of its own, which listens to us over a channel."""

    def __init__(self, workplace: Any, setup: str, file: Path) -> None:
        self.workplace = workplace
        listener = socket.create_server(("127.0.0.1", 0))
        (workplace.home / ".vimrc").write_text(
            "set nocompatible noswapfile viminfo= encoding=utf-8 hidden\nsyntax on\nfiletype plugin indent on\n"
            f"{VIM9}{setup}\n"
            f"let g:test = ch_open('127.0.0.1:{listener.getsockname()[1]}', #{{waittime: 5000}})\n"
        )
        master, slave = pty.openpty()
        self._process = subprocess.Popen(
            [str(VIM), str(file)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=file.parent,
            env=workplace.environment | {"TERM": "xterm", "LINES": "40", "COLUMNS": "120"},
            start_new_session=True,
        )
        os.close(slave)
        self._master = master
        Thread(target=self._drain, daemon=True).start()
        listener.settimeout(20)
        self._channel, _ = listener.accept()
        listener.close()
        self._channel.settimeout(20)
        self._said = b""
        self._next_id = 0
        self.until(lambda: self.evaluate("v:vim_did_enter"), "the end of the start")

    def _drain(self) -> None:
        try:
            while os.read(self._master, 65_536):
                pass
        except OSError:  # Vim is gone
            pass

    def evaluate(self, expression: str) -> Any:
        """The value of an expression of Vim9 script."""
        self._next_id -= 1
        self._channel.sendall(json.dumps(["expr", f"Vim9({json.dumps(expression)})", self._next_id]).encode())
        while True:
            line, end, rest = self._said.partition(b"\n")
            if end:
                self._said = rest
                number, value = json.loads(line)
                if number == self._next_id:
                    return value
                continue
            data = self._channel.recv(65_536)
            assert data, "Vim ended"
            self._said += data

    def command(self, text: str) -> None:
        """A command as a user gives it, from any mode."""
        self.type(f"<Esc>:{text}<CR>")

    def type(self, keys: str) -> None:
        """Keys as a user presses them; special ones as in mappings."""
        escaped = keys.replace("\\", "\\\\").replace('"', '\\"').replace("<", "\\<")
        self._channel.sendall(json.dumps(["ex", f'call feedkeys("{escaped}", "t")']).encode())

    def until(self, look: Callable[[], Any], what: str = "") -> Any:
        try:
            return self.workplace.until(look, what)
        except AssertionError as error:
            raise AssertionError(f"{error}; messages: {self.messages()}; {self.lines()[-4:]}") from None

    def ready(self) -> None:
        self.until(lambda: self.evaluate("copilot_offline#documents#Has(bufnr())"), "the server")

    def ghost(self) -> str:
        return str(self.evaluate("copilot_offline#ghost#Text()")) if self.evaluate(PROPERTIES) else ""

    def lines(self) -> list[str]:
        return list(self.evaluate("getline(1, '$')"))

    def messages(self) -> list[str]:
        shown = str(self.evaluate("execute('messages')")).splitlines()
        return [line for line in shown if line.startswith(("copilot:", "E", "Error"))]

    def answer(self) -> str:
        return "\n".join(self.evaluate("getbufline('copilot://answer', 1, '$')"))

    def screen(self) -> str:
        """What is really shown."""
        return "\n".join(
            self.evaluate(
                "range(1, &lines)->mapnew((_, r) => range(1, 110)->mapnew((_, c) => screenstring(r, c))->join(''))"
            )
        )

    def quit(self) -> None:
        self._channel.close()
        self._process.kill()
        self._process.wait()
        os.close(self._master)
        self.workplace.end_servers()


Start = Callable[..., Editor]


@pytest.fixture
def start(workplace: Any) -> Iterator[Start]:
    """Start a Vim set up by the README's commands, with more in its vimrc where that is given."""
    editors: list[Editor] = []

    def make(setup: str = "", file: Path | None = None, *, waits: bool = True) -> Editor:
        workplace.follow_readme("vim")
        editors.append(Editor(workplace, setup, file or workplace.code))
        if waits:
            editors[-1].ready()
        return editors[-1]

    yield make
    for editor in editors:
        editor.quit()


@pytest.fixture(scope="module")
def shared_editor(shared_workplace: Any) -> Iterator[Editor]:
    """A Vim set up by the README's commands and nothing else."""
    shared_workplace.follow_readme("vim")
    editor = Editor(shared_workplace, "", shared_workplace.code)
    editor.ready()
    editor.until(lambda: editor.evaluate(SIGNS), "the first review")  # of a file nobody has typed in
    yield editor
    editor.quit()


@pytest.fixture
def editor(shared_editor: Editor) -> Editor:
    """That Vim with one window, on the file with the finding as it is on the disk."""
    shared_editor.workplace.reset()
    shared_editor.type("<CR><Esc><Esc>")
    shared_editor.command(f"silent! only | edit! {shared_editor.workplace.code}")
    shared_editor.command("messages clear")
    shared_editor.ready()
    return shared_editor


def test_ghost_text_is_shown_and_tab_accepts_it(editor: Editor) -> None:
    """Typing shows the suggestion on the screen; Tab inserts it in one step of undo and tells the server."""
    editor.type("12GA<CR>self")
    editor.until(editor.ghost, "ghost text")
    assert editor.ghost() == editor.workplace.suggestion
    editor.until(lambda: f"self{editor.workplace.suggestion}" in editor.screen(), "ghost text on the screen")
    assert editor.lines()[12].strip() == "self"
    editor.type("<Tab>")
    editor.until(lambda: editor.lines()[12].endswith(f"self{editor.workplace.suggestion}"), "the accepted text")
    editor.workplace.until(
        lambda: any("accepted" in each for each in editor.workplace.heard()), "the accept statistics"
    )
    editor.type("<Esc>u")
    editor.until(lambda: editor.lines()[12].strip() == "self", "undo")


def test_parts_are_accepted_and_typing_along_keeps_the_rest(editor: Editor) -> None:
    """A word, then typed characters of the suggestion, then a line: what is left stays shown, and nothing is lost."""
    editor.workplace.script(suggestion="alpha beta(gamma)\n    delta")
    editor.type("GA<CR>x = ")
    editor.until(editor.ghost, "ghost text")
    editor.workplace.script(reason="low-confidence")
    editor.type("<M-Right>")
    editor.until(lambda: editor.ghost() == " beta(gamma)\n    delta", "the rest after a word")
    asked = len(editor.workplace.heard())
    editor.type(" be")
    editor.until(lambda: editor.ghost() == "ta(gamma)\n    delta", "the rest after typing along")
    assert len(editor.workplace.heard()) == asked
    editor.type("<M-C-Right>")
    editor.until(lambda: editor.lines()[-1].endswith("x = alpha beta(gamma)"), "the accepted line")
    editor.type("<C-]>")
    editor.until(lambda: not editor.ghost(), "dismissal")


def test_what_stands_behind_the_cursor_is_replaced_once(editor: Editor) -> None:
    """A suggestion that brings its own closing bracket does not leave two; other characters than ASCII count right."""
    editor.workplace.script(suggestion="a, b)", replaces=1)
    editor.type("Go'é𝛼', call()<Left><Space><BS>")
    editor.until(lambda: editor.ghost() == "a, b)", "ghost text")
    editor.until(lambda: "call(a, b)" in editor.screen(), "one bracket on the screen")
    editor.type("<Tab>")
    editor.until(lambda: editor.lines()[-1].endswith("'é𝛼', call(a, b)"), "the accepted text")


def test_a_tab_that_the_user_mapped_stays_the_users(start: Start, workplace: Any) -> None:
    """Neither is it overwritten nor is the suggestion lost: another key can take it."""
    editor = start("inoremap <Tab> MINE\nimap <C-L> <Plug>(copilot-accept)\n")
    editor.type("Goz")
    editor.until(editor.ghost, "ghost text")
    editor.type("<Tab>")
    editor.until(lambda: editor.lines()[-1].endswith("zMINE"), "the user's mapping")
    editor.until(editor.ghost, "ghost text")
    editor.type("<C-L>")
    editor.until(lambda: editor.lines()[-1].endswith(workplace.suggestion), "the accepted text")


def test_tab_without_a_suggestion_is_a_tab(editor: Editor) -> None:
    """The key does what it does without the plugin."""
    editor.workplace.script(reason="low-confidence")
    editor.command("setlocal noexpandtab softtabstop=0")
    editor.type("Goz<Tab>y")
    editor.until(lambda: editor.lines()[-1].endswith("z\ty"), "a tab")


def test_findings_are_marked_and_their_fix_applies(editor: Editor) -> None:
    """The uncommitted change is reviewed when its file is opened; `:Copilot fix` takes the finding away."""
    line = editor.workplace.text.splitlines().index("    breakpoint()") + 1
    editor.until(lambda: editor.evaluate(SIGNS) == [line], "the sign")
    editor.command("Copilot findings")
    editor.until(lambda: editor.evaluate("getloclist(0)->mapnew((_, e) => e.lnum)") == [line], "the location list")
    editor.command("lclose")
    editor.command("Copilot review")
    [text] = editor.until(lambda: editor.evaluate("getqflist()->mapnew((_, e) => e.text)"), "the quickfix list")
    assert "breakpoint" in text
    editor.command(f"{line}")
    editor.command("Copilot fix")
    editor.until(lambda: "\n".join(editor.lines()) + "\n" == editor.workplace.fixed, "the fix")


def test_an_answer_streams_and_its_places_are_jumped_to(editor: Editor) -> None:
    """The answer grows while it is given; Enter on its citation opens the file at the line."""
    editor.command("Copilot ask Where are values stored?")
    seen = set()

    def complete() -> bool:
        seen.add(editor.answer())
        return "Sources:" in editor.answer()

    editor.until(complete, "the answer")
    assert [text for text in seen if "Values" in text and "Sources:" not in text], seen
    assert editor.answer().startswith("> Where are values stored?")
    assert editor.workplace.answer in editor.answer()
    editor.type("<C-W>lgg/server.py:<CR><CR>")
    editor.until(
        lambda: editor.evaluate("[expand('%:p'), line('.')]") == [str(editor.workplace.code), 10], "the cited line"
    )


def test_selected_code_is_explained(editor: Editor) -> None:
    """`:Copilot act` offers what can be done with some lines; the answer is shown as a file."""
    editor.command("4,8Copilot act")
    editor.until(lambda: "Explain this code" in editor.screen(), "the menu")
    editor.type("<CR>")
    editor.until(lambda: editor.evaluate("expand('%:e')") == "md", "the answer's file")
    assert "Values are stored by" in "\n".join(editor.lines())


def test_a_question_can_be_about_some_lines(editor: Editor) -> None:
    """The engine is shown the lines with their place, and nothing that was typed since is missing."""
    editor.command("4,6Copilot ask Why this?")
    turns = editor.until(lambda: [each["turn"] for each in editor.workplace.heard() if "turn" in each], "the question")
    assert "server.py:4-6" in turns[-1]
    assert "Why this?" in turns[-1]
    assert "class Server:" in turns[-1]


def test_a_killed_server_comes_back_with_one_message(start: Start, workplace: Any) -> None:
    """The answer that was under way says so, and the next suggestion is there without anything being done."""
    workplace.script(answer=workplace.answer, delay_s=0.2)
    editor = start()
    editor.command("Copilot ask Where?")
    editor.until(lambda: "Values" in editor.answer(), "the answer's begin")
    [server] = workplace.servers()
    workplace.script(suggestion=workplace.suggestion)
    os.kill(server, signal.SIGKILL)
    editor.until(lambda: "ended before" in editor.answer(), "word of the lost answer")
    editor.until(lambda: workplace.servers() not in ([], [server]), "a new server")
    editor.ready()
    editor.until(lambda: editor.evaluate("copilot_offline#server#IsReady()"), "the new server's greeting")
    editor.type("Gox")
    editor.until(editor.ghost, "ghost text")
    [message] = editor.messages()
    assert "started again" in message


def test_a_missing_program_is_said_once(start: Start, workplace: Any) -> None:
    """One message says what to do, however many files are opened; typing goes on as without the plugin."""
    editor = start("let g:copilot_offline = #{command: ['no-such-copilot', 'lsp']}", waits=False)
    editor.command(f"edit {workplace.project / 'README.md'}")
    editor.type("Goz<Tab>")
    editor.until(lambda: editor.lines()[-1].startswith("z"), "typing")
    [message] = editor.messages()
    assert "`no-such-copilot` is not found" in message
    assert "full path" in message


def test_a_program_that_does_not_serve_is_started_once(start: Start, workplace: Any) -> None:
    """Another program of that name, or a broken one, is said and not tried again and again."""
    editor = start("let g:copilot_offline = #{command: ['false']}", waits=False)
    editor.until(lambda: any("does not start" in each for each in editor.messages()), "the message")
    editor.command(f"edit {workplace.project / 'README.md'}")
    assert len(editor.messages()) == 1


def test_a_file_outside_any_repository_is_completed_and_not_indexed(start: Start, tmp_path: Path) -> None:
    """Suggestions need no repository; a question does, and says so."""
    stray = tmp_path / "stray" / "notes.py"
    stray.parent.mkdir()
    stray.write_text("x = 1\n")
    editor = start(file=stray)
    editor.type("Goy = ")
    editor.until(editor.ghost, "ghost text")
    editor.command("Copilot ask Where?")
    editor.until(lambda: "no folder is open" in editor.answer(), "why there is no answer")


def test_a_huge_file_is_left_alone(editor: Editor) -> None:
    """It is not sent to the server at all, and the status says so."""
    huge = editor.workplace.project / "huge.py"
    huge.write_text(f"x = 1  # {'-' * 90}\n" * 25_000)
    editor.command(f"edit {huge}")
    editor.type("Goy = <Esc>")
    editor.command("Copilot status")
    editor.until(lambda: "more than `max_file_bytes`" in editor.screen(), "the status")
    assert not editor.evaluate("copilot_offline#documents#Has(bufnr())")
    editor.command("bwipeout!")


def test_edits_of_every_kind_reach_the_server(editor: Editor) -> None:
    """Whatever is done to a buffer, the server completes in the text that is shown."""
    for keys in EDITS:
        editor.type(keys)
    editor.type("Goz")
    text = "\n".join(editor.until(lambda: (found := editor.lines())[-1].endswith("z") and found)) + "\n"
    heard = editor.until(lambda: [each["cursor"] for each in editor.workplace.heard() if "cursor" in each], "a request")
    editor.until(
        lambda: editor.workplace.heard()[-1].get("cursor", {}).get("text") == text, f"{text!r}, not {heard[-1]}"
    )
