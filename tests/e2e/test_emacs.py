"""A real Emacs with the package installed as its README says, and the real language server behind it."""

import base64
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

fcntl = pytest.importorskip("fcntl", reason="Emacs is driven in a terminal of Unix")
pty = pytest.importorskip("pty", reason="Emacs is driven in a terminal of Unix")
termios = pytest.importorskip("termios", reason="Emacs is driven in a terminal of Unix")
EMACS = shutil.which("emacs")
OLDEST = (28, 2)


def version() -> tuple[int, ...]:
    assert EMACS is not None
    shown = subprocess.run([EMACS, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"(\d+)\.(\d+)", shown)
    return (int(found[1]), int(found[2])) if found else (0, 0)


pytestmark = [
    pytest.mark.skipif(EMACS is None, reason="there is no emacs; `apt-get install emacs-nox elpa-eglot`"),
    pytest.mark.skipif(EMACS is not None and version() < OLDEST, reason="this emacs is older than 28.2"),
]
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
  (let ((overlay copilot-offline--overlay))
    (if overlay
        (substring-no-properties (or (overlay-get overlay 'after-string) (overlay-get overlay 'display)))
      "")))"""


class Editor:
    """One Emacs in a terminal of its own, which evaluates what we send it."""

    def __init__(self, workplace: Any, setup: str, file: Path) -> None:
        self.workplace = workplace
        listener = socket.create_server(("127.0.0.1", 0))
        init = workplace.home / ".emacs.d" / "init.el"
        listening = LISTEN.replace("PORT", str(listener.getsockname()[1]))
        # Nothing is gained by machine code for a few seconds, and nobody answers what Emacs asks its terminal.
        early = "(setq native-comp-deferred-compilation nil xterm-extra-capabilities nil)\n"
        init.with_name("early-init.el").write_text(early)
        init.write_text(init.read_text() + setup + listening)
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self._process = subprocess.Popen(
            [str(EMACS), "-nw", str(file)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=file.parent,
            env=workplace.environment | {"TERM": "xterm", "LC_ALL": "C.UTF-8"},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # Emacs opens /dev/tty
        )
        os.close(slave)
        self._master = master
        Thread(target=self._drain, daemon=True).start()
        listener.settimeout(20)
        self._channel, _ = listener.accept()
        listener.close()
        self._channel.settimeout(20)
        self._answers = self._channel.makefile("r", encoding="utf-8")
        self.until(lambda: self.evaluate("(bound-and-true-p test-started)"), "the end of the start")

    def _drain(self) -> None:
        try:
            while os.read(self._master, 65_536):
                pass
        except OSError:  # Emacs is gone
            pass

    def evaluate(self, form: str) -> Any:
        """The value of a form in the buffer that is shown."""
        whole = f"(with-current-buffer (window-buffer (selected-window)) {form})"
        self._channel.sendall(base64.b64encode(whole.encode()) + b"\n")
        value = json.loads(self._answers.readline())
        assert not (isinstance(value, str) and value.startswith("ERROR")), value
        return value

    def type(self, keys: str) -> None:
        """Keys as the terminal sends them."""
        os.write(self._master, keys.encode())

    def command(self, name: str, *answers: str) -> None:
        """M-x NAME, and what is typed for its questions."""
        self.type(f"\x1bx{name}\r" + "".join(f"{answer}\r" for answer in answers))

    def until(self, look: Callable[[], Any], what: str = "") -> Any:
        try:
            return self.workplace.until(look, what)
        except AssertionError as error:
            raise AssertionError(f"{error}; messages: {self.messages()}; {self.lines()[-4:]}") from None

    def ready(self) -> None:
        self.until(lambda: self.evaluate("(and (bound-and-true-p copilot-offline--document) t)"), "the server")

    def ghost(self) -> str:
        return str(self.evaluate(GHOST))

    def lines(self) -> list[str]:
        return str(self.evaluate("(buffer-substring-no-properties (point-min) (point-max))")).split("\n")

    def to_line(self, number: int) -> None:
        """Put the cursor at the end of a line; 0 is behind the last."""
        where = "(point-max)" if number == 0 else f"(progn (goto-line {number}) (line-end-position))"
        self.evaluate(f"(let ((place (save-excursion {where}))) (goto-char place) (set-window-point nil place))")

    def messages(self) -> list[str]:
        shown = str(self.evaluate('(with-current-buffer "*Messages*" (buffer-string))')).splitlines()
        return [line for line in shown if line.startswith(("copilot:", "state:", "this buffer")) or "rror" in line]

    def answer(self) -> str:
        form = '(if (get-buffer "*copilot answer*") (with-current-buffer "*copilot answer*" (buffer-string)) "")'
        return str(self.evaluate(f"(substring-no-properties {form})"))

    def quit(self) -> None:
        self._answers.close()
        self._channel.close()
        self._process.kill()
        self._process.wait()
        os.close(self._master)
        self.workplace.end_servers()


Start = Callable[..., Editor]


@pytest.fixture
def start(workplace: Any) -> Iterator[Start]:
    """Start an Emacs set up by the README's commands, with more in its init file where that is given."""
    editors: list[Editor] = []

    def make(setup: str = "", file: Path | None = None, *, waits: bool = True) -> Editor:
        workplace.follow_readme("emacs")
        editors.append(Editor(workplace, setup, file or workplace.code))
        if waits:
            editors[-1].ready()
        return editors[-1]

    yield make
    for editor in editors:
        editor.quit()


@pytest.fixture(scope="module")
def shared_editor(shared_workplace: Any) -> Iterator[Editor]:
    """An Emacs set up by the README's commands and nothing else."""
    shared_workplace.follow_readme("emacs")
    editor = Editor(shared_workplace, "", shared_workplace.code)
    editor.ready()
    editor.until(lambda: editor.evaluate("(and (flymake-diagnostics) t)"), "the first review")  # before anybody types
    yield editor
    editor.quit()


@pytest.fixture
def editor(shared_editor: Editor) -> Editor:
    """That Emacs with one window, on the file with the finding as it is on the disk."""
    shared_editor.workplace.reset()
    file = f'(get-file-buffer "{shared_editor.workplace.code}")'
    shared_editor.evaluate(f"(progn (delete-other-windows) (switch-to-buffer {file}) (revert-buffer t t t) t)")
    shared_editor.ready()
    return shared_editor


def test_ghost_text_is_shown_and_tab_accepts_it(editor: Editor) -> None:
    """Typing shows the suggestion behind the cursor; Tab inserts it in one step of undo and tells the server."""
    editor.to_line(13)
    editor.type("self")
    editor.until(editor.ghost, "ghost text")
    assert editor.ghost() == editor.workplace.suggestion
    assert editor.lines()[12] == "self"
    editor.type("\t")
    editor.until(lambda: editor.lines()[12] == f"self{editor.workplace.suggestion}", "the accepted text")
    editor.workplace.until(
        lambda: any("accepted" in each for each in editor.workplace.heard()), "the accept statistics"
    )
    editor.type("\x1f")
    editor.until(lambda: editor.lines()[12] == "self", "undo")


def test_parts_are_accepted_and_typing_along_keeps_the_rest(editor: Editor) -> None:
    """A word, then typed characters of the suggestion, then a line: what is left stays shown, and nothing is lost."""
    editor.workplace.script(suggestion="alpha beta(gamma)\n    delta")
    editor.to_line(0)
    editor.type("x = ")
    editor.until(editor.ghost, "ghost text")
    editor.workplace.script(reason="low-confidence")
    editor.type("\x1b[1;3C")
    editor.until(lambda: editor.ghost() == " beta(gamma)\n    delta", "the rest after a word")
    asked = len(editor.workplace.heard())
    editor.type(" be")
    editor.until(lambda: editor.ghost() == "ta(gamma)\n    delta", "the rest after typing along")
    assert len(editor.workplace.heard()) == asked
    editor.type("\x1b[1;3B")
    editor.until(lambda: editor.lines()[-1] == "x = alpha beta(gamma)", "the accepted line")
    editor.type("\x07")
    editor.until(lambda: not editor.ghost(), "dismissal")


def test_what_stands_behind_the_cursor_is_replaced_once(editor: Editor) -> None:
    """A suggestion that brings its own closing bracket does not leave two; other characters than ASCII count right."""
    editor.workplace.script(suggestion="a, b)", replaces=1)
    editor.to_line(0)
    editor.evaluate("(insert \"'é𝛼', call()\")")
    editor.evaluate("(progn (backward-char) (set-window-point nil (point)))")
    editor.type(" \x7f")
    editor.until(lambda: editor.ghost() == "a, b", "ghost text")
    editor.type("\t")
    editor.until(lambda: editor.lines()[-1].endswith("'é𝛼', call(a, b)"), "the accepted text")


def test_tab_without_a_suggestion_is_the_users(start: Start, workplace: Any) -> None:
    """Whatever Tab is bound to is called."""
    workplace.script(reason="low-confidence")
    editor = start(
        '(add-hook \'python-mode-hook (lambda () (local-set-key "\\t" (lambda () (interactive) (insert "MINE")))))\n'
    )
    editor.to_line(0)
    editor.type("z\ty")
    editor.until(lambda: editor.lines()[-1] == "zMINEy", "the user's Tab")


def test_findings_are_diagnostics_and_their_fix_applies(editor: Editor) -> None:
    """The uncommitted change is reviewed when its file is opened; the fix takes the finding away."""
    line = editor.workplace.text.splitlines().index("    breakpoint()") + 1
    shown = "(vconcat (mapcar (lambda (d) (line-number-at-pos (flymake-diagnostic-beg d))) (flymake-diagnostics)))"
    editor.until(lambda: editor.evaluate(shown) == [line], "the diagnostic")
    editor.command("copilot-offline-review")
    review = '(if (get-buffer "*copilot review*") (with-current-buffer "*copilot review*" (buffer-string)) "")'
    text = editor.until(lambda: editor.evaluate(f"(substring-no-properties {review})"), "the review")
    assert f"server.py:{line}: " in text
    editor.to_line(line)
    editor.command("copilot-offline-fix")
    editor.until(lambda: "\n".join(editor.lines()) == editor.workplace.fixed, "the fix")


def test_an_answer_streams_and_its_places_are_jumped_to(editor: Editor) -> None:
    """The answer grows while it is given; Return on its citation goes to the line in the file."""
    editor.command("copilot-offline-ask", "Where are values stored?")
    seen = set()

    def complete() -> bool:
        seen.add(editor.answer())
        return "Sources:" in editor.answer()

    editor.until(complete, "the answer")
    assert [text for text in seen if "Values" in text and "Sources:" not in text], seen
    assert editor.answer().startswith("> Where are values stored?")
    assert editor.workplace.answer in editor.answer()
    editor.type("\x18o\x1b<\x13server.py:\r\r")
    here = "(vector (buffer-file-name) (line-number-at-pos (window-point)))"
    editor.until(lambda: editor.evaluate(here) == [str(editor.workplace.code), 10], "the cited line")


def test_selected_code_is_explained(editor: Editor) -> None:
    """`copilot-offline-act` offers what can be done with the region; the answer is shown as a file."""
    editor.evaluate("(progn (goto-char 40) (set-window-point nil 40) (set-mark 140) (activate-mark) t)")
    editor.command("copilot-offline-act", "Explain this code")
    shown = "(vconcat (mapcar (lambda (w) (with-current-buffer (window-buffer w) (buffer-string))) (window-list)))"
    editor.until(
        lambda: any("# Explain" in text and "Values" in text for text in editor.evaluate(shown)), "the answer's file"
    )


def test_a_question_can_be_about_some_lines(editor: Editor) -> None:
    """The engine is shown the lines with their place, and nothing that was typed since is missing."""
    editor.evaluate("(let ((end (progn (goto-line 7) (point)))) (goto-line 4) (set-mark end) (activate-mark) t)")
    editor.evaluate("(progn (set-window-point nil (point)) t)")
    editor.command("copilot-offline-ask", "Why this?")
    turns = editor.until(lambda: [each["turn"] for each in editor.workplace.heard() if "turn" in each], "the question")
    assert "server.py:4-6" in turns[-1]
    assert "Why this?" in turns[-1]
    assert "class Server:" in turns[-1]


def test_a_killed_server_comes_back_with_one_message(start: Start, workplace: Any) -> None:
    """The answer that was under way says so, and the next suggestion is there without anything being done."""
    workplace.script(answer=workplace.answer, delay_s=0.2)
    editor = start()
    editor.command("copilot-offline-ask", "Where?")
    editor.until(lambda: "Values" in editor.answer(), "the answer's begin")
    [server] = workplace.servers()
    workplace.script(suggestion=workplace.suggestion)
    os.kill(server, signal.SIGKILL)
    editor.until(lambda: "ended before" in editor.answer(), "word of the lost answer")
    editor.until(lambda: workplace.servers() not in ([], [server]), "a new server")
    editor.ready()
    editor.to_line(0)
    editor.type("x")
    editor.until(editor.ghost, "ghost text")
    [message] = editor.messages()
    assert "started again" in message


def test_a_missing_program_is_said_once(start: Start, workplace: Any) -> None:
    """One message says what to do, however many files are opened; typing goes on as without the package."""
    editor = start('(setq copilot-offline-command \'("no-such-copilot" "lsp"))\n', waits=False)
    editor.evaluate(f'(progn (find-file "{workplace.project / "README.md"}") t)')
    editor.to_line(0)
    editor.type("z")
    editor.until(lambda: editor.lines()[-1].endswith("z"), "typing")
    [message] = editor.messages()
    assert "`no-such-copilot' is not found" in message.replace("‘", "`").replace("’", "'")
    assert "full path" in message


def test_a_program_that_does_not_serve_is_started_once(start: Start, workplace: Any) -> None:
    """Another program of that name, or a broken one, is said and not tried again and again."""
    editor = start('(setq copilot-offline-command \'("false"))\n', waits=False)
    editor.until(lambda: any("does not start" in each for each in editor.messages()), "the message")
    editor.evaluate(f'(progn (find-file "{workplace.project / "README.md"}") t)')
    assert len(editor.messages()) == 1


def test_a_file_outside_any_repository_is_completed_and_not_indexed(start: Start, tmp_path: Path) -> None:
    """Suggestions need no repository; a question does, and says so."""
    stray = tmp_path / "stray" / "notes.py"
    stray.parent.mkdir()
    stray.write_text("x = 1\n")
    editor = start(file=stray)
    editor.to_line(0)
    editor.type("y = ")
    editor.until(editor.ghost, "ghost text")
    editor.command("copilot-offline-ask", "Where?")
    editor.until(lambda: "no folder is open" in editor.answer(), "why there is no answer")


def test_a_huge_file_is_left_alone(editor: Editor) -> None:
    """It is not sent to the server at all, and the status says so."""
    huge = editor.workplace.project / "huge.py"
    huge.write_text(f"x = 1  # {'-' * 90}\n" * 25_000)
    editor.evaluate(f'(progn (find-file "{huge}") t)')
    editor.type("y")
    editor.command("copilot-offline-show-status")
    editor.until(lambda: any("copilot-offline-max-file-size" in each for each in editor.messages()), "the status")
    assert not editor.evaluate("copilot-offline--document")
    editor.evaluate("(progn (set-buffer-modified-p nil) (kill-buffer) t)")


def test_edits_of_every_kind_reach_the_server(editor: Editor) -> None:
    """Whatever is done to a buffer, the server completes in the text that is shown."""
    for form in (
        "(progn (goto-char 1) (delete-region 1 40))",
        '(progn (goto-char (point-max)) (insert "End\\nno newline"))',
        '(progn (goto-char 5) (insert "é𝛼\\n\\n") (delete-char 3) (delete-char -2))',
        "(progn (goto-char (point-max)) (delete-char -20))",
        "(progn (goto-char 30) (join-line) (upcase-region 20 60) (transpose-lines 1))",
        '(progn (erase-buffer) (insert "some\\ntext\\n"))',
    ):
        editor.evaluate(f"{form} (copilot-offline--sync) t")
    editor.evaluate('(progn (goto-char 3) (insert "X\\nY") (goto-char (point-max)) (insert "\\n\\nend") t)')
    editor.to_line(0)
    editor.type("z")
    editor.until(lambda: editor.lines()[-1] == "endz", "typing")
    text = "\n".join(editor.lines())
    editor.until(
        lambda: [each for each in editor.workplace.heard() if each.get("cursor", {}).get("text") == text], text
    )


def test_the_package_compiles_without_a_warning(tmp_path: Path) -> None:
    """Emacs' own compiler finds nothing to say."""
    folder = Path(__file__).parents[2] / "editors/emacs/lisp"
    elsewhere = f'(lambda (file) (concat "{tmp_path}/" (file-name-nondirectory file) "c"))'
    settings = f"(setq byte-compile-error-on-warn t byte-compile-dest-file-function {elsewhere})"
    files = sorted(folder.glob("*.el"))
    ran = subprocess.run(
        [str(EMACS), "-Q", "--batch", "-L", folder, "--eval", settings, "-f", "batch-byte-compile", *files],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr


def test_eglot_shows_findings_and_suggestions(workplace: Any) -> None:
    """With the lines of `eglot.el` the server is eglot's: diagnostics, and a suggestion in the completion list."""
    lines = Path(__file__).parents[2] / "editors/emacs/eglot.el"
    script = workplace.home / "run.el"
    script.write_text(
        f"""
(package-initialize)
(unless (require 'eglot nil t) (kill-emacs 77))
(load {json.dumps(str(lines))})
(setq eglot-sync-connect 10 eglot-autoshutdown nil make-backup-files nil create-lockfiles nil)
(find-file {json.dumps(str(workplace.code))})
(python-mode)
(apply #'eglot (eglot--guess-contact))
(goto-char (point-max))
(insert "va")
(let* ((found (eglot-completion-at-point)) (words (all-completions "va" (nth 2 found))))
  (message "COMPLETION %S" words))
(let ((deadline (+ (float-time) 20)))
  (while (and (null (flymake-diagnostics)) (< (float-time) deadline))
    (flymake-start)
    (accept-process-output nil 0.1)))
(message "DIAGNOSTICS %S" (mapcar #'flymake-diagnostic-text (flymake-diagnostics)))
(eglot-shutdown (eglot-current-server))
"""
    )
    workplace.script(suggestion="lues = 1")
    ran = subprocess.run(
        [str(EMACS), "--batch", "-l", str(script)],
        env=workplace.environment | {"LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    if ran.returncode == 77:
        pytest.skip("this emacs has no eglot; `apt-get install elpa-eglot`")
    assert "values = 1" in ran.stderr.partition("COMPLETION")[2].splitlines()[0], ran.stderr
    assert "breakpoint" in ran.stderr.partition("DIAGNOSTICS")[2].splitlines()[0], ran.stderr
