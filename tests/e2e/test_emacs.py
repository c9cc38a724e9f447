"""What is Emacs' own: keymaps, compiling, eglot and lsp-mode, an old version. The scenarios are in test_editors."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import Start
from tests.e2e.emacs_driver import Emacs, program
from tests.e2e.workplace import EDITORS, Workplace

pytestmark = [
    pytest.mark.parametrize("driver", [Emacs], indirect=True, scope="session", ids=["emacs"]),
    pytest.mark.xdist_group("emacs"),
]
NOT_HERE = 77
"""How a script ends that finds a package missing."""


def test_tab_without_a_suggestion_is_the_users(start: Start, workplace: Workplace) -> None:
    """Whatever Tab is bound to is called."""
    workplace.script(reason="low-confidence")
    editor = start(
        '(add-hook \'python-mode-hook (lambda () (local-set-key "\\t" (lambda () (interactive) (insert "MINE")))))\n'
    )
    editor.to_line(0)
    editor.type("z\ty")
    editor.until(lambda: editor.lines()[-1] == "zMINEy", "the user's Tab")


def test_edits_of_every_kind_reach_the_server(editor: Emacs) -> None:
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


def test_the_package_compiles_without_a_warning(driver: type[Emacs], tmp_path: Path) -> None:
    """Emacs' own compiler finds nothing to say."""
    folder = EDITORS / "emacs/lisp"
    elsewhere = f'(lambda (file) (concat "{tmp_path}/" (file-name-nondirectory file) "c"))'
    settings = f"(setq byte-compile-error-on-warn t byte-compile-dest-file-function {elsewhere})"
    files = sorted(folder.glob("*.el"))
    ran = subprocess.run(
        [program(), "-Q", "--batch", "-L", folder, "--eval", settings, "-f", "batch-byte-compile", *files],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr


def test_an_emacs_that_is_too_old_hears_so(driver: type[Emacs]) -> None:
    """Loading the package ends with one error that names the version it needs."""
    script = """(progn (setq emacs-version "27.1")
      (condition-case wrong (require 'copilot-offline) (error (message "%s" (error-message-string wrong)))))"""
    command = [program(), "-Q", "--batch", "-L", EDITORS / "emacs/lisp", "--eval", script]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert ran.stderr.strip() == "The package copilot-offline needs Emacs 28.2 or later, and this is 27.1"


def test_eglot_shows_findings_and_suggestions(driver: type[Emacs], workplace: Workplace) -> None:
    """With the lines of `eglot.el` the server is eglot's: diagnostics, and a suggestion in the completion list."""
    said = in_batch(
        workplace,
        "eglot",
        """
(setq eglot-sync-connect 10 eglot-autoshutdown nil)
(find-file CODE)
(python-mode)
(apply #'eglot (eglot--guess-contact))
(goto-char (point-max))
(insert "va")
(message "COMPLETION %S" (all-completions "va" (nth 2 (eglot-completion-at-point))))
(let ((deadline (+ (float-time) 20)))
  (while (and (null (flymake-diagnostics)) (< (float-time) deadline))
    (flymake-start)
    (accept-process-output nil 0.1)))
(message "DIAGNOSTICS %S" (mapcar #'flymake-diagnostic-text (flymake-diagnostics)))
(eglot-shutdown (eglot-current-server))
""",
    )
    assert "values = 1" in said["COMPLETION"]
    assert "debugger" in said["DIAGNOSTICS"]


def test_lsp_mode_shows_findings_and_applies_their_fixes(driver: type[Emacs], workplace: Workplace) -> None:
    """With the lines of `lsp-mode.el` the server is one of lsp-mode's: diagnostics, completion, code actions."""
    said = in_batch(
        workplace,
        "lsp-mode",
        """
(setq lsp-auto-guess-root t lsp-restart 'ignore lsp-enable-file-watchers nil lsp-session-file (concat CODE ".session"))
(setq lsp-diagnostics-provider :flymake lsp-warn-no-matched-clients nil lsp-enable-snippet nil)
(setq lsp-enable-indentation nil lsp-auto-execute-action t lsp-modeline-code-actions-enable nil)
(find-file CODE)
(python-mode)
(lsp)
(defun wait-for (look)
  (let ((deadline (+ (float-time) 20)) found)
    (while (and (null (setq found (funcall look))) (< (float-time) deadline))
      (accept-process-output nil 0.1))
    found))
(wait-for (lambda () (seq-some (lambda (w) (eq 'initialized (lsp--workspace-status w))) (lsp-workspaces))))
(wait-for (lambda () (hash-table-values (lsp-diagnostics t))))
(let ((found (gethash (file-truename CODE) (lsp-diagnostics t))))
  (message "DIAGNOSTICS %S" (mapcar #'lsp:diagnostic-message found))
  (goto-char (point-min))
  (forward-line (lsp:position-line (lsp:range-start (lsp:diagnostic-range (car found)))))
  (back-to-indentation))
(let ((fixes (seq-filter (lambda (action) (string-prefix-p "Fix" (lsp:code-action-title action)))
                         (lsp-code-actions-at-point))))
  (lsp-execute-code-action (car fixes)))
(message "FIXED %S" (not (string-match-p "breakpoint" (buffer-string))))
(goto-char (point-max))
(insert "va")
(message "COMPLETION %S" (all-completions "va" (nth 2 (lsp-completion-at-point))))
(lsp-workspace-shutdown (car (lsp-workspaces)))
""",
    )
    assert "debugger" in said["DIAGNOSTICS"]
    assert said["FIXED"] == "t"
    assert "values = 1" in said["COMPLETION"]


def in_batch(workplace: Workplace, client: str, body: str) -> dict[str, str]:
    """What a script says in an Emacs with a client set up as its file beside the README has it: by its first word."""
    workplace.script(suggestion="lues = 1")
    script = workplace.home / "run.el"
    script.write_text(
        f"(package-initialize)\n(unless (require '{client} nil t) (kill-emacs {NOT_HERE}))\n"
        f"(load {json.dumps(str(EDITORS / 'emacs' / f'{client}.el'))})\n"
        "(setq make-backup-files nil create-lockfiles nil)\n" + body.replace("CODE", json.dumps(str(workplace.code)))
    )
    ran = subprocess.run(
        [program(), "--batch", "-l", str(script)],
        env=workplace.environment | {"LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    if ran.returncode == NOT_HERE:
        pytest.skip(f"this emacs has no {client}; `apt-get install elpa-{client}`")
    assert ran.returncode == 0, ran.stderr
    return {line.partition(" ")[0]: line.partition(" ")[2] for line in ran.stderr.splitlines()}
