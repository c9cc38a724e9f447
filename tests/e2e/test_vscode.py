"""The extension in VS Code (code-server and Chromium), without a network: the real server around a scripted engine.

One sitting is played for all tests, with a picture of each step beside what was seen. It needs Chromium and what
`python -m tests.e2e.install_code_server` installs.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from copilot.testing import Shape, make_repo
from tests.e2e.install_code_server import EXTENSION, CodeServer, has_packages, installed

HERE = Path(__file__).parent
TOP = HERE.parent.parent
pytestmark = pytest.mark.xdist_group("vscode")
FILES = {
    "lines.py": (
        '"""Lines to other machines."""\n\nTIMEOUT_S = 30\n\n\ndef open_line(host, port):\n    """Dial a host."""\n'
    ),
    "mail.py": (
        '"""Mail over a line."""\n\nfrom lines import open_line\n\n\n'
        'class Refused(Exception):\n    """Nobody there."""\n\n\n'
        "def send(text, host):\n    try:\n        line = open_line(host, 25)\n    except OSError as error:\n"
        "        raise Refused(host) from error\n    return line, text\n"
    ),
    "README.md": "# Lines\n\nDials hosts.\n",
}
ANSWER = """\
`open_line` lets the `OSError` pass. `send` turns it into `Refused`, see `mail.py:10-15`:

```python
except OSError as error:
    raise Refused(host) from error
```

- the reason is kept as its **cause**
- `Refused` itself stands in mail.py:6-7

<img src=x onerror=alert(1)><b>
"""
OLD = """\
#!/bin/sh
case "$1" in
--version) echo "copilot, version 0.0.0" ;;
*) echo "Error: No such command '$1'." >&2; exit 2 ;;
esac
"""
WRAPPER = """\
#!/bin/sh
case "$1" in
--version) echo "copilot, version 0.0.0" ;;
*)
    echo start >> "{script}/starts"
    if [ -f "{script}/broken" ]; then cat "{script}/broken" >&2; exit 1; fi
    echo $$ > "{script}/pid"
    PYTHONPATH="{top}" exec "{python}" "{server}" "{script}" ;;
esac
"""
SETTINGS = {
    "chat.disableAIFeatures": True,
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "workbench.startupEditor": "none",
    "workbench.editor.enablePreview": False,
    "workbench.colorTheme": "Default Light Modern",
    "telemetry.telemetryLevel": "off",
    "extensions.autoCheckUpdates": False,
    "update.mode": "none",
    "editor.minimap.enabled": False,
    "editor.autoIndent": "none",
    "files.autoSave": "off",
    "files.insertFinalNewline": True,
    "editor.wordBasedSuggestions": "off",
}


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, tiny_model: Callable[[Shape], Path]) -> dict[str, Any]:
    """What the sitting saw."""
    server, chromium = installed(), shutil.which("chromium")
    if server is None or not has_packages():
        pytest.skip("code-server or the extension's packages are missing: `python -m tests.e2e.install_code_server`")
    if chromium is None:
        pytest.skip("there is no Chromium; `apt-get install chromium`")
    folder = tmp_path_factory.mktemp("vscode")
    script, profile = folder / "script", folder / "profile"
    root = make_repo(folder / "lines", FILES)
    _write_server(script, tiny_model("qwen2"))
    _write_settings(profile, script / "copilot")
    alone = _alone()
    plan = {
        "node": str(server.node),
        "entry": str(server.entry),
        "chromium": chromium,
        "vsix": str(_package(server, folder / "extension")),
        "profile": str(profile),
        "extensions": str(folder / "extensions"),
        "log": str(folder / "code-server.log"),
        "root": str(root),
        "script": str(script),
        "is_alone": bool(alone),
    }
    (folder / "plan.json").write_text(json.dumps(plan))
    driver = [sys.executable, "-m", "tests.e2e.vscode_sitting", str(folder / "plan.json")]
    environment = os.environ | {"COPILOT_HOST": "off"}
    subprocess.run([*alone, *driver], cwd=TOP, env=environment, stdin=subprocess.DEVNULL, timeout=280)
    seen: dict[str, Any] = json.loads((folder / "seen.json").read_text())
    return seen | {"folder": folder, "is_alone": bool(alone)}


def test_the_sitting_goes_through_without_a_network(seen: dict[str, Any]) -> None:
    """Every step finds what it needs although nothing but the loopback device is there."""
    assert "failed" not in seen, f"{seen['failed']}\npictures: {seen['folder']}"
    if not seen["is_alone"]:
        pytest.skip("it went through, but this machine has no network namespaces (`unshare --net`)")
    assert seen["network"] is False


def test_ghost_text_is_shown_and_taken(seen: dict[str, Any]) -> None:
    """What the engine suggests stands behind the cursor, and Tab puts it into the file."""
    assert seen["suggestion"]["ghost"] == "(host, port, TIMEOUT_S)"
    assert seen["suggestion"]["saved"] == FILES["lines.py"] + "    return (host, port, TIMEOUT_S)\n"


def test_parts_of_a_suggestion_are_taken_and_typing_along_keeps_the_rest(seen: dict[str, Any]) -> None:
    """A word, typed characters of the suggestion, the rest of the line; the engine is not asked in between."""
    assert seen["parts"]["rest"].lstrip(" ") == "beta(gamma)"
    assert seen["parts"]["along"] == "ta(gamma)"
    assert seen["parts"]["whole"] == "x = alpha beta(gamma)"


def test_the_status_bar_names_the_model(seen: dict[str, Any]) -> None:
    """At rest the item shows the model in use."""
    assert "tiny" in seen["suggestion"]["status"]


def test_a_finding_stands_among_the_problems_and_its_fix_mends_it(seen: dict[str, Any]) -> None:
    """A save is enough to have a change reviewed; the quick fix changes the file, and the finding is gone."""
    assert "literal-identity" in seen["finding"]["problem"]
    assert "if port == 443:" in seen["quick_fix"]["saved"]


def test_an_answer_is_drawn_with_its_citations_and_can_do_nothing_else(seen: dict[str, Any]) -> None:
    """Citations become links in the text and below it; markup of the model's stays text."""
    answer = seen["answer"]
    assert answer["cited"] == ["mail.py:10-15", "mail.py:6-7"]
    assert answer["sources"] == ["mail.py:10-15", "mail.py:6-7"]
    assert answer["code"] == ["except OSError as error:\n    raise Refused(host) from error\n"]
    assert answer["made"] == 0
    assert "<img src=x onerror=alert(1)>" in answer["text"]
    assert answer["focused"] is True


def test_a_question_can_be_about_some_lines(seen: dict[str, Any]) -> None:
    """The engine is shown the selected lines with their place."""
    turn = seen["selection"]["turn"]
    assert "lines.py:6" in turn
    assert "Why this?" in turn
    assert "def open_line(host, port):" in turn


def test_a_citation_opens_its_lines(seen: dict[str, Any]) -> None:
    """The file is opened with the cited lines selected."""
    assert re.search(r"Ln 15, Col 22 \(\d+ selected\)", seen["citation"]["place"])


def test_an_answer_can_be_stopped(seen: dict[str, Any]) -> None:
    """Escape ends it; what was said until then stays."""
    assert 0 < seen["stop"]["words"] < 2000
    assert seen["stop"]["end"] == "Stopped"


def test_a_killed_server_is_started_again_and_the_conversation_goes_on(seen: dict[str, Any]) -> None:
    """The next question is answered, although the new server knows nothing of the conversation."""
    assert seen["crash"] == {"restarted": True, "text": "Still here."}


def test_a_file_outside_the_folder_is_completed_and_a_huge_one_left_alone(seen: dict[str, Any]) -> None:
    """Neither brings a message; the status bar's menu says why there is no suggestion in the huge file."""
    assert seen["outside"] == {"ghost": "x + 1", "messages": []}
    assert "file too long" in seen["huge"]["said"]
    assert seen["huge"]["messages"] == []


def test_a_missing_and_an_old_program_are_one_message_each(seen: dict[str, Any]) -> None:
    """It says what is wrong and has a button for what to do; with the right program everything goes on."""
    missing, old = seen["missing"], seen["old"]
    assert "there is no program at" in missing["message"] and "Open Settings" in missing["message"]
    assert missing["messages"] == 1
    assert "No such command 'lsp'" in old["message"]
    assert old["messages"] == 1


def test_the_view_follows_the_theme(seen: dict[str, Any]) -> None:
    """In a dark theme its text is bright."""
    assert min(seen["dark"]["text"]) > 127


def test_a_server_that_keeps_dying_is_given_up_with_one_message(seen: dict[str, Any]) -> None:
    """It was started once, after the kill, and three times in vain; the message has its last words and a way on."""
    defeat = seen["defeat"]
    assert "the disk is full" in defeat["message"]
    assert "Show Log" in defeat["message"]
    assert defeat["messages"] == 1
    assert defeat["starts"] == 1 + 3
    assert "the disk is full" in defeat["problem"]


def _alone() -> list[str]:
    """What keeps a command from the network and its processes from outliving it; [] where that cannot be had."""
    alone = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        alone += ["--user", "--map-root-user"]
    works = shutil.which("unshare") and subprocess.run([*alone, "true"], capture_output=True).returncode == 0
    return alone if works else []


def _write_server(script: Path, model: Path) -> None:
    """A program `copilot` whose language server follows a script."""
    script.mkdir()
    (script / "tiny.gguf").symlink_to(model)
    first = {"suggestion": "(host, port, TIMEOUT_S)", "answer": ANSWER, "delay_s": 0.01}
    (script / "script.json").write_text(json.dumps(first))
    program = script / "copilot"
    server = TOP / "tests" / "lsp" / "scripted_server.py"
    program.write_text(WRAPPER.format(script=script, top=TOP, python=sys.executable, server=server))
    program.chmod(0o755)
    old = script / "old-copilot"
    old.write_text(OLD)
    old.chmod(0o755)


def _write_settings(profile: Path, program: Path) -> None:
    """The user's settings, and those of the machine: which program is started is one of them."""
    for name, settings in (("User", SETTINGS), ("Machine", {"copilot-offline.path": str(program)})):
        (profile / name).mkdir(parents=True)
        (profile / name / "settings.json").write_text(json.dumps(settings))


def _package(server: CodeServer, folder: Path) -> Path:
    """The extension as .vsix, made as the README says, in a copy so that the sources stay as they are."""
    kept = shutil.ignore_patterns("node_modules", "dist", "dist-test", "*.vsix")
    shutil.copytree(EXTENSION, folder, ignore=kept)
    (folder / "node_modules").symlink_to(EXTENSION / "node_modules")
    command = server.npm("run", "package")
    done = subprocess.run(command, cwd=folder, env=server.environment(), capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return folder / "copilot-offline.vsix"
