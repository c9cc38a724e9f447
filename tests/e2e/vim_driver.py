"""A real Vim in a terminal of its own, which listens to us over a channel."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.e2e import terminal
from tests.e2e.editor import VIM_KEYS, Editor
from tests.e2e.terminal import Terminal
from tests.e2e.workplace import Workplace

OLDEST = (9, 0)
PROPERTIES = "prop_list(1, {'end_lnum': -1, 'types': ['CopilotGhost']})->len()"
VIM9 = """
function Vim9(text)
  return execute('vim9cmd echo json_encode(' .. a:text .. ')')->trim()->json_decode()
endfunction
"""
SCREEN = (
    "range(1, &lines)->mapnew((_, row) => range(1, 110)->mapnew((_, column) => screenstring(row, column))->join(''))"
)
CHAT = "copilot_offline#server#Request('copilot/chat', {'message': 'x'}, (_, _) => 0)"
SIGNS = "sign_getplaced(bufnr(), {'group': 'copilot'})[0].signs->mapnew((_, sign) => sign.lnum)"
WINDOWS = "getwininfo()->mapnew((_, window) => getbufline(window.bufnr, 1, '$'))->flattennew()"


class Vim(Editor):
    """One Vim."""

    name = "vim"
    keys = VIM_KEYS
    size_option = "max_file_bytes"

    @staticmethod
    def missing() -> str:
        vim = shutil.which("vim")
        if vim is None:
            return "there is no vim; `apt-get install vim-nox`"
        shown = subprocess.run([vim, "--version"], capture_output=True, text=True, check=True).stdout
        found = re.search(r"IMproved (\d+)\.(\d+)", shown)
        is_new = found is not None and (int(found[1]), int(found[2])) >= OLDEST
        if not is_new or "+channel" not in shown or "+textprop" not in shown:
            return "this vim is older than 9.0, or a small one"
        return terminal.missing()

    @staticmethod
    def program_setup(*command: str) -> str:
        return f"let g:copilot_offline = #{{command: {list(command)}}}"

    def __init__(self, workplace: Workplace, setup: str, file: Path) -> None:
        self.workplace = workplace

        def command(port: int) -> list[str]:
            (workplace.home / ".vimrc").write_text(
                "set nocompatible noswapfile viminfo= encoding=utf-8 hidden\nsyntax on\nfiletype plugin indent on\n"
                f"{VIM9}{setup}\n"
                f"let g:test = ch_open('127.0.0.1:{port}', #{{waittime: 5000}})\n"
            )
            return ["vim", str(file)]

        self._terminal = Terminal(command, file.parent, workplace.environment)
        self._said = b""
        self._next_id = 0
        self.until(lambda: self.evaluate("v:vim_did_enter"), "the end of the start")

    def evaluate(self, expression: str) -> Any:
        """The value of an expression of Vim9 script."""
        self._next_id -= 1
        self._send(["expr", f"Vim9({json.dumps(expression)})", self._next_id])
        while True:
            line, end, rest = self._said.partition(b"\n")
            if end:
                self._said = rest
                number, value = json.loads(line)
                if number == self._next_id:
                    return value
                continue
            data = self._terminal.channel.recv(65_536)
            assert data, "Vim ended"
            self._said += data

    def _send(self, message: list[Any]) -> None:
        self._terminal.channel.sendall(json.dumps(message).encode())

    def command(self, text: str) -> None:
        """A command as a user gives it, from any mode."""
        self.type(f"<Esc>:{text}<CR>")

    def ready(self) -> None:
        self.until(lambda: self.is_attached() and self.evaluate("copilot_offline#server#IsReady()"), "the server")

    def reset(self) -> None:
        self.type("<CR><Esc><Esc>")
        self.command(f"silent! only | edit! {self.workplace.code}")
        self.command("messages clear")
        self.until(lambda: self.place()[0] == str(self.workplace.code), "the file")
        self.ready()

    def quit(self) -> None:
        self._terminal.close()
        self.workplace.end_servers()

    def type(self, text: str) -> None:
        escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("<", "\\<")
        self._send(["ex", f'call feedkeys("{escaped}", "t")'])

    def to_line(self, number: int) -> None:
        self.type(f"<Esc>{number}GA" if number else "<Esc>Go")

    def open(self, path: Path) -> None:
        self.command(f"edit {path}")

    def save_as(self, path: Path) -> None:
        self.command(f"saveas {path}")

    def review(self) -> None:
        self.command("Copilot review")

    def fix(self, line: int) -> None:
        self.command(f"{line}")
        self.command("Copilot fix")

    def ask(self, question: str, lines: tuple[int, int] | None = None) -> None:
        self.command(f"{lines[0]},{lines[1]}Copilot ask {question}" if lines else f"Copilot ask {question}")

    def chat(self, message: str) -> None:
        self.command(f"Copilot chat {message}")

    def cancel(self) -> None:
        self.command("Copilot cancel")

    def explain(self, lines: tuple[int, int]) -> None:
        self.command(f"{lines[0]},{lines[1]}Copilot act")
        self.until(lambda: "Explain this code" in self.screen(), "the menu")
        self.type("<CR>")

    def follow_citation(self, text: str) -> None:
        self.type(f"<C-W>lgg/{text}<CR><CR>")

    def show_status(self) -> None:
        self.command("Copilot status")

    def show_log(self) -> None:
        self.command("Copilot log")

    def begin_conversations(self, count: int) -> None:
        self.evaluate(f"range({count})->mapnew((_, _) => {CHAT})")

    def ghost(self) -> str:
        return str(self.evaluate("copilot_offline#ghost#Text()")) if self.evaluate(PROPERTIES) else ""

    def lines(self) -> list[str]:
        return list(self.evaluate("getline(1, '$')"))

    def place(self) -> tuple[str, int]:
        path, line = self.evaluate("[expand('%:p'), line('.')]")
        return path, line

    def findings(self) -> list[int]:
        return list(self.evaluate(SIGNS))

    def reviewed(self) -> list[tuple[int, str]]:
        return [(line, text) for line, text in self.evaluate("getqflist()->mapnew((_, e) => [e.lnum, e.text])")]

    def answer(self) -> str:
        return "\n".join(self.evaluate("getbufline('copilot://answer', 1, '$')"))

    def screen(self) -> str:
        """What is really shown."""
        return "\n".join(self.evaluate(SCREEN))

    def shown(self) -> str:
        return "\n".join([*self.evaluate(WINDOWS), self.screen()])

    def notices(self) -> list[str]:
        shown = str(self.evaluate("execute('messages')")).splitlines()
        return [line for line in shown if line.startswith(("copilot:", "E", "Error"))]

    def is_attached(self) -> bool:
        return bool(self.evaluate("copilot_offline#documents#Has(bufnr())"))
