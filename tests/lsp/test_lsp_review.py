"""Reviews, fixes and code actions over the protocol, around a scripted engine."""

from pathlib import Path
from typing import Any

import pytest

ACTIONS = {
    "codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["quickfix", "refactor"]}},
    "dataSupport": True,
}
RESOLVING = ACTIONS | {"resolveSupport": {"properties": ["edit"]}}
EDITS = {"applyEdit": True, "workspaceEdit": {"documentChanges": True, "resourceOperations": ["create"]}}
PULLS = {"textDocument": {"diagnostic": {}}, "workspace": {"diagnostics": {"refreshSupport": True}}}
BROKEN = (
    'TIMEOUT_S = 30\n\n\ndef open_line(host):\n    """Dial a host."""\n    breakpoint()\n    return host, TIMEOUT_S\n'
)
MENDED = BROKEN.replace("    breakpoint()\n", "")


def save(server, path: str, text: str) -> str:
    """Write a file and say so, as an editor does."""
    uri = server.uri(path)
    (server.root / path).write_text(text)
    server.session.open(uri, text)
    server.session.notify("textDocument/didSave", {"textDocument": {"uri": uri}})
    return uri


def published(server, uri: str) -> list[dict[str, Any]]:
    """The first findings that are pushed for a document."""
    return server.session.notified(
        "textDocument/publishDiagnostics", lambda params: params["uri"] == uri and params["diagnostics"]
    )["diagnostics"]


def line(number: int) -> dict[str, Any]:
    return {"start": {"line": number, "character": 0}, "end": {"line": number, "character": 5}}


def actions(server, uri: str, span: dict[str, Any], **context: Any) -> list[dict[str, Any]]:
    params = {"textDocument": {"uri": uri}, "range": span, "context": {"diagnostics": []} | context}
    return server.session.request("textDocument/codeAction", params)


def edited(text: str, edit: dict[str, Any]) -> str:
    """A text after the edits of a WorkspaceEdit for one document."""
    [change] = edit["documentChanges"]
    lines = text.split("\n")
    for each in change["edits"]:
        start, end = each["range"]["start"], each["range"]["end"]
        before = "\n".join([*lines[: start["line"]], lines[start["line"]][: start["character"]]])
        after = "\n".join([lines[end["line"]][end["character"] :], *lines[end["line"] + 1 :]])
        text = before + each["newText"] + after
    return text


def test_findings_of_a_saved_file_are_pushed_and_taken_back(start) -> None:
    """After a save the findings are there; after it is mended and saved they are gone."""
    server = start()
    uri = save(server, "net.py", BROKEN)
    [found] = published(server, uri)
    assert (found["code"], found["source"], found["severity"]) == ("debugger-left", "copilot", 1)
    assert found["range"]["start"] == {"line": 5, "character": 4}
    save(server, "net.py", MENDED)
    server.session.notified(
        "textDocument/publishDiagnostics", lambda params: params["uri"] == uri and not params["diagnostics"]
    )


def test_findings_can_be_pulled(start) -> None:
    """A client that pulls gets nothing pushed for open documents; what it knows already is not sent again."""
    server = start(PULLS)
    assert "diagnosticProvider" in server.session.result["capabilities"]
    uri = save(server, "net.py", BROKEN)
    params = {"textDocument": {"uri": uri}}
    report = server.session.request("textDocument/diagnostic", params)
    assert [each["code"] for each in report["items"]] == ["debugger-left"]
    again = server.session.request("textDocument/diagnostic", params | {"previousResultId": report["resultId"]})
    assert again["kind"] == "unchanged"
    server.session.asked("workspace/diagnostic/refresh")
    assert not [each for each in server.session.notifications if each["method"] == "textDocument/publishDiagnostics"]
    server.session.change(uri, 2, {"text": "# new\n" + BROKEN})
    moved = server.session.request("textDocument/diagnostic", params)
    assert moved["items"][0]["range"]["start"]["line"] == 6


def test_review_on_command_only(start) -> None:
    """With `run: command`, saving reviews nothing; the request does, and tells all of it."""
    server = start(options={"review": {"run": "command", "severity": "high"}})
    uri = save(server, "net.py", BROKEN)
    done = server.session.request("copilot/review")
    assert done["label"] == "uncommitted changes"
    assert [each["rule"] for each in done["findings"]] == ["debugger-left"]
    assert done["coverage"]["files"] == 1
    assert len(published(server, uri)) == 1
    assert len([each for each in server.session.notifications if each["method"] == "$/progress"]) == 0


@pytest.mark.parametrize("asks", [True, False])
def test_a_review_on_command_asks_the_model_unless_it_is_told_not_to(start, asks: bool) -> None:
    """An edit is weighed by the model; after a save it never is."""
    server = start(options={"review": {"model": asks}})
    save(server, "net.py", MENDED.replace("return host, TIMEOUT_S", "return host, TIMEOUT_S + 1"))
    done = server.session.request("copilot/review")
    assert (done["usage"]["evaluated_tokens"] > 0) == asks


def test_review_of_a_diff_changes_no_diagnostics(start) -> None:
    """What is not the work tree is answered and not shown."""
    server = start()
    diff = f"--- a/net.py\n+++ b/net.py\n@@ -5,2 +5,3 @@\n{MENDED.splitlines()[4]!s:>1}\n"
    assert server.session.error("copilot/review", {"which": "range", "revisions": "nowhere"})["data"] == {
        "code": "diff"
    }
    assert server.session.error("copilot/review", {"which": "diff", "diff": diff})["code"] == -32803
    assert server.session.error("copilot/review", {"which": "sideways"})["code"] == -32602
    assert not [each for each in server.session.notifications if each["method"] == "textDocument/publishDiagnostics"]


def test_folder_without_git_is_no_error(start, tmp_path: Path) -> None:
    """Nothing can be reviewed there, and nobody is bothered with that."""
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "a.py").write_text("x = 1\n")
    server = start(folder=plain)
    uri = (plain / "a.py").as_uri()
    server.session.open(uri, "x = 1\n")
    server.session.notify("textDocument/didSave", {"textDocument": {"uri": uri}})
    assert server.session.request("textDocument/diagnostic", {"textDocument": {"uri": uri}})["items"] == []
    assert not [each for each in server.session.notifications if each["method"] == "window/showMessage"]


def test_hover_tells_of_the_finding(start) -> None:
    """On its line there is a hover, elsewhere there is none."""
    server = start()
    uri = save(server, "net.py", BROKEN)
    published(server, uri)
    about = {"textDocument": {"uri": uri}}
    found = server.session.request("textDocument/hover", about | {"position": {"line": 5, "character": 6}})
    assert "debugger-left" in found["contents"]["value"]
    assert server.session.request("textDocument/hover", about | {"position": {"line": 0, "character": 0}}) is None


def test_fix_is_an_edit_of_the_text_as_it_is_now(start) -> None:
    """The quick fix carries the edit, or fetches it when it is resolved; where it no longer fits, there is none."""
    for ability in (ACTIONS, RESOLVING):
        server = start({"textDocument": {"codeAction": ability}, "workspace": EDITS})
        uri = save(server, "net.py", BROKEN)
        published(server, uri)
        [action] = actions(server, uri, line(5), only=["quickfix"])
        assert (action["title"], action["isPreferred"]) == ("Fix: debugger left in the code", True)
        assert ("edit" in action) == (ability is ACTIONS)
        if ability is RESOLVING:
            server.session.change(uri, 2, {"text": "# new\n" + BROKEN})
            action = server.session.request("codeAction/resolve", action)
            assert edited("# new\n" + BROKEN, action["edit"]) == "# new\n" + MENDED
            server.session.change(uri, 3, {"text": MENDED})
            assert "edit" not in server.session.request("codeAction/resolve", {**action, "edit": None})
        else:
            assert edited(BROKEN, action["edit"]) == MENDED


def test_fix_of_a_file_without_a_final_newline(start) -> None:
    """What is at the end of the file is mended like everything else, and no newline is added."""
    server = start({"textDocument": {"codeAction": ACTIONS}, "workspace": EDITS})
    text = BROKEN + "\n\ndef is_safe(port):\n    return port is 443"
    uri = save(server, "net.py", text.replace("    breakpoint()\n", ""))
    published(server, uri)
    [action] = actions(server, uri, line(9), only=["quickfix"])
    assert edited(text.replace("    breakpoint()\n", ""), action["edit"]).endswith("\n    return port == 443")


def test_selection_offers_what_the_model_can_do(start) -> None:
    """Explain, document, refactor, test; the kinds asked for only; a question in a comment can be asked."""
    server = start({"textDocument": {"codeAction": ACTIONS}, "workspace": EDITS})
    uri = server.uri("net.py")
    server.session.open(uri, "# why is this sorted twice?\nx = sorted(sorted(y))\n")
    span = {"start": {"line": 0, "character": 0}, "end": {"line": 2, "character": 0}}
    commands = [each["command"]["command"] for each in actions(server, uri, span)]
    assert commands == ["copilot.explain", "copilot.document", "copilot.refactor", "copilot.tests", "copilot.ask"]
    assert [each["command"]["command"] for each in actions(server, uri, span, only=["refactor.tests"])] == [
        "copilot.tests"
    ]
    assert actions(server, uri, span, only=["quickfix"]) == []
    assert actions(server, uri, {"start": span["start"], "end": span["start"]}) == []
    server.session.open(server.uri(".env"), "A=1\n")
    assert actions(server, server.uri(".env"), line(0)) == []


def test_client_without_action_literals_gets_commands(start) -> None:
    """An old client is offered commands that do the same, the fix of a finding among them."""
    server = start({"workspace": EDITS}, replies={"workspace/applyEdit": lambda params: {"applied": True}})
    uri = save(server, "net.py", BROKEN)
    published(server, uri)
    commands = actions(server, uri, line(5))
    assert commands[0]["command"] == "copilot.fix"
    done = server.session.request("workspace/executeCommand", commands[0])
    assert done["applied"] is True
    assert edited(BROKEN, server.session.asked("workspace/applyEdit")["edit"]) == MENDED


def test_rewritten_code_replaces_the_selection(start) -> None:
    """The model's code block, at the indentation of the selection, is applied at the document's version."""
    server = start(
        {"workspace": EDITS},
        answer="Sure:\n```python\nreturn sorted(y)\n```\nDone.",
        replies={"workspace/applyEdit": lambda params: {"applied": True}},
    )
    uri, text = server.uri("net.py"), "def f(y):\n    return sorted(sorted(y))\n"
    server.session.open(uri, text, version=4)
    argument = {"textDocument": {"uri": uri}, "range": line(1), "instruction": "Sort once."}
    run = {"command": "copilot.refactor", "arguments": [argument]}
    assert server.session.request("workspace/executeCommand", run)["applied"] is True
    edit = server.session.asked("workspace/applyEdit")["edit"]
    assert edited(text, edit) == "def f(y):\n    return sorted(y)\n"
    assert edit["documentChanges"][0]["textDocument"]["version"] == 4
    [turn] = server.heard("turn")
    assert "Sort once." in turn and "`net.py:2-2`" in turn


def test_code_that_was_changed_meanwhile_is_left_alone(start) -> None:
    """An edit is made where the code stands now; where it stands no more, nothing is done and that is said."""
    server = start({"workspace": EDITS}, replies={"workspace/applyEdit": lambda params: {"applied": True}})
    server.says(answer="```\ny = 2\n```", delay_s=0.1)
    uri = server.uri("net.py")
    server.session.open(uri, "x = 1\n")
    run = {"command": "copilot.refactor", "arguments": [{"textDocument": {"uri": uri}, "range": line(0)}]}
    server.session.request("copilot/status")
    request = server.session.begin("workspace/executeCommand", run)
    server.until_heard("turn", 1)
    server.session.change(uri, 2, {"text": "other = 1\n"})
    error = server.session.answer_to(request)["error"]
    assert "changed while" in error["message"]
    assert not [each for each in server.session.requests if each["method"] == "workspace/applyEdit"]


def test_action_is_resolved_for_clients_that_apply_nothing(start) -> None:
    """Where the server may not send edits, the action itself carries the model's edit once it is chosen."""
    server = start(
        {"textDocument": {"codeAction": RESOLVING}, "workspace": {"workspaceEdit": {"documentChanges": True}}},
        answer="```\ny = 2\n```",
    )
    uri = server.uri("net.py")
    server.session.open(uri, "x = 1\n")
    found = actions(server, uri, line(0), only=["refactor.rewrite"])
    action = next(each for each in found if each["title"] == "Refactor this code")
    assert edited("x = 1\n", server.session.request("codeAction/resolve", action)["edit"]) == "y = 2\n"


def test_tests_go_into_a_file_of_their_own(start) -> None:
    """The new file is created by the client; one that is there already is left alone."""
    server = start(
        {"workspace": EDITS},
        answer="```python\ndef test_f():\n    assert f(1) == 1\n```",
        replies={"workspace/applyEdit": lambda params: {"applied": True}},
    )
    uri = server.uri("net.py")
    server.session.open(uri, "def f(x):\n    return x\n")
    span = {"start": {"line": 0, "character": 0}, "end": {"line": 2, "character": 0}}
    run = {"command": "copilot.tests", "arguments": [{"textDocument": {"uri": uri}, "range": span}]}
    done = server.session.request("workspace/executeCommand", run)
    assert (done["applied"], done["uri"]) == (True, server.uri("test_net.py"))
    created, written = server.session.asked("workspace/applyEdit")["edit"]["documentChanges"]
    assert (created["kind"], created["uri"]) == ("create", done["uri"])
    assert written["edits"][0]["newText"] == "def test_f():\n    assert f(1) == 1\n"
    (server.root / "test_net.py").write_text("")
    again = server.session.request("workspace/executeCommand", run)
    assert (again["applied"], again["reason"]) == (False, "test_net.py is there already")


def test_changes_outside_are_reviewed_too(start) -> None:
    """A file that another program mended loses its finding without being saved in the editor."""
    server = start()
    uri = save(server, "net.py", BROKEN)
    published(server, uri)
    (server.root / "net.py").write_text(MENDED)
    server.session.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": uri, "type": 2}]})
    server.session.notified(
        "textDocument/publishDiagnostics", lambda params: params["uri"] == uri and not params["diagnostics"]
    )
