"""A real Emacs in a terminal of its own, which evaluates what we send it."""

import base64
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, ClassVar

from tests.e2e import terminal
from tests.e2e.editor import Editor, Key
from tests.e2e.terminal import Terminal
from tests.e2e.workplace import Workplace

OLDEST = (28, 2)
LISTEN = """
(setq make-backup-files nil auto-save-default nil create-lockfiles nil inhibit-startup-screen t)
(setq ring-bell-function #'ignore suggest-key-bindings nil extended-command-suggest-shorter nil)
(defvar test-said "")
(defun test-hear (process text)
  (setq test-said (concat test-said text))
  (while (string-match "\\\\`\\\\(.*\\\\)\\n" test-said)
    (let ((form (match-string 1 test-said)))
      (setq test-said (substring test-said (match-end 0)))
      (process-send-string
       process
       (concat (condition-case error
                   (json-encode (eval (read (decode-coding-string (base64-decode-string form) 'utf-8)) t))
                 (error (json-encode (format "ERROR %S" error))))
               "\\n")))))
(add-hook 'emacs-startup-hook (lambda () (setq test-started t)))
(make-network-process :name "test" :host "127.0.0.1" :service PORT :filter #'test-hear :noquery t :coding 'utf-8)
"""
GHOST = """(with-current-buffer (window-buffer)
  (let ((overlay (bound-and-true-p copilot-offline--overlay)))
    (if overlay
        (substring-no-properties (or (overlay-get overlay 'after-string) (overlay-get overlay 'display)))
      "")))"""
FINDINGS = (
    "(vconcat (mapcar (lambda (d) (line-number-at-pos (flymake-diagnostic-beg d)))"
    " (and (bound-and-true-p flymake-mode) (flymake-diagnostics))))"
)
SHOWN = (
    "(mapconcat (lambda (w) (with-current-buffer (window-buffer w)"
    ' (buffer-substring-no-properties (point-min) (point-max)))) (window-list nil t) "\\n")'
)
NOTICES = ("copilot:", "state:", "this buffer")


def program() -> str:
    return shutil.which("emacs") or ""


class Emacs(Editor):
    """One Emacs."""

    name = "emacs"
    keys: ClassVar[dict[Key, str]] = {
        "tab": "\t", "word": "\x1b[1;3C", "line": "\x1b[1;3B", "dismiss": "\x07", "undo": "\x1f",
        "left": "\x02", "backspace": "\x7f",
    }  # fmt: skip
    size_option = "copilot-offline-max-file-size"

    @staticmethod
    def missing() -> str:
        if not program():
            return "there is no emacs; `apt-get install emacs-nox elpa-eglot`"
        shown = subprocess.run([program(), "--version"], capture_output=True, text=True, check=True).stdout
        found = re.search(r"(\d+)\.(\d+)", shown)
        if found is None or (int(found[1]), int(found[2])) < OLDEST:
            return "this emacs is older than 28.2"
        return terminal.missing()

    @staticmethod
    def program_setup(*command: str) -> str:
        return f"(setq copilot-offline-command '({' '.join(map(json.dumps, command))}))\n"

    def __init__(self, workplace: Workplace, setup: str, file: Path) -> None:
        self.workplace = workplace

        def command(port: int) -> list[str]:
            init = workplace.home / ".emacs.d" / "init.el"
            # Nothing is gained by machine code for a few seconds, and nobody answers what Emacs asks its terminal.
            early = "(setq native-comp-deferred-compilation nil xterm-extra-capabilities nil)\n"
            init.with_name("early-init.el").write_text(early)
            init.write_text(init.read_text() + setup + LISTEN.replace("PORT", str(port)))
            return [program(), "-nw", str(file)]

        self._terminal = Terminal(command, file.parent, workplace.environment | {"LC_ALL": "C.UTF-8"})
        self._answers = self._terminal.channel.makefile("r", encoding="utf-8")
        self.until(lambda: self.evaluate("(bound-and-true-p test-started)"), "the end of the start")

    def evaluate(self, form: str) -> Any:
        """The value of a form in the buffer that is shown."""
        whole = f"(with-current-buffer (window-buffer (selected-window)) {form})"
        self._terminal.channel.sendall(base64.b64encode(whole.encode()) + b"\n")
        value = json.loads(self._answers.readline())
        assert not (isinstance(value, str) and value.startswith("ERROR")), value
        return value

    def command(self, name: str, *answers: str) -> None:
        """M-x NAME, and what is typed for its questions."""
        self.type(f"\x1bx{name}\r" + "".join(f"{answer}\r" for answer in answers))

    def ready(self) -> None:
        self.until(self.is_attached, "the server")

    def reset(self) -> None:
        file = f'(get-file-buffer "{self.workplace.code}")'
        self.evaluate(f"(progn (delete-other-windows) (switch-to-buffer {file}) (revert-buffer t t t) t)")
        self.evaluate('(with-current-buffer "*Messages*" (let ((inhibit-read-only t)) (erase-buffer)) t)')
        self.ready()

    def quit(self) -> None:
        self._answers.close()
        self._terminal.close()
        self.workplace.end_servers()

    def type(self, text: str) -> None:
        self._terminal.send(text)

    def to_line(self, number: int) -> None:
        """The file ends with a newline, so that behind the last line there is a new one."""
        where = "(point-max)" if number == 0 else f"(progn (goto-line {number}) (line-end-position))"
        self.evaluate(f"(let ((place (save-excursion {where}))) (goto-char place) (set-window-point nil place))")

    def open(self, path: Path) -> None:
        self.evaluate(f'(progn (find-file "{path}") t)')

    def save_as(self, path: Path) -> None:
        self.evaluate(f'(progn (write-file "{path}") t)')

    def review(self) -> None:
        self.command("copilot-offline-review")

    def fix(self, line: int) -> None:
        self.to_line(line)
        self.command("copilot-offline-fix")

    def ask(self, question: str, lines: tuple[int, int] | None = None) -> None:
        if lines:
            self._select(lines)
        self.command("copilot-offline-ask", question)

    def _select(self, lines: tuple[int, int]) -> None:
        first, last = lines
        select = f"(let ((end (progn (goto-line {last + 1}) (point)))) (goto-line {first}) (set-mark end)"
        self.evaluate(f"{select} (activate-mark) (set-window-point nil (point)) t)")

    def chat(self, message: str) -> None:
        self.command("copilot-offline-chat", message)

    def cancel(self) -> None:
        self.command("copilot-offline-cancel")

    def explain(self, lines: tuple[int, int]) -> None:
        self._select(lines)
        self.command("copilot-offline-act", "Explain this code")

    def follow_citation(self, text: str) -> None:
        self.type(f"\x18o\x1b<\x13{text}\r\r")

    def show_status(self) -> None:
        self.command("copilot-offline-show-status")

    def show_log(self) -> None:
        self.evaluate('(progn (switch-to-buffer "*copilot log*") t)')

    def begin_conversations(self, count: int) -> None:
        self.evaluate(f"(dotimes (_ {count} t) (copilot-offline--request :copilot/chat '(:message \"x\") #'ignore))")

    def ghost(self) -> str:
        return str(self.evaluate(GHOST))

    def lines(self) -> list[str]:
        return str(self.evaluate("(buffer-substring-no-properties (point-min) (point-max))")).split("\n")

    def place(self) -> tuple[str, int]:
        path, line = self.evaluate("(vector (buffer-file-name) (line-number-at-pos (window-point)))")
        return path, line

    def findings(self) -> list[int]:
        return list(self.evaluate(FINDINGS))

    def reviewed(self) -> list[tuple[int, str]]:
        text = self._buffer("*copilot review*")
        return [(int(line), words) for line, words in re.findall(r"^\S+?:(\d+): (.*)$", text, re.MULTILINE)]

    def answer(self) -> str:
        return self._buffer("*copilot answer*")

    def _buffer(self, name: str) -> str:
        form = f'(if (get-buffer "{name}") (with-current-buffer "{name}" (buffer-string)) "")'
        return str(self.evaluate(f"(substring-no-properties {form})"))

    def shown(self) -> str:
        return "\n".join([str(self.evaluate(SHOWN)), *self.notices()])

    def notices(self) -> list[str]:
        shown = self._buffer("*Messages*").splitlines()
        return [line for line in shown if line.startswith(NOTICES) or "rror" in line]

    def is_attached(self) -> bool:
        return bool(self.evaluate("(and (bound-and-true-p copilot-offline--document) t)"))
