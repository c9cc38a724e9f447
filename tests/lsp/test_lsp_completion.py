"""Completion over the protocol, around a scripted engine."""

from copilot.testing import make_repo
from lsp import completers

INLINE_DYNAMIC = {"textDocument": {"inlineCompletion": {"dynamicRegistration": True}}}
LIST = {"textDocument": {"completion": {"completionItem": {}}}}
INLINE = {"textDocument": {"inlineCompletion": {}}}
AUTOMATIC = 2


def at(line: int, character: int) -> dict[str, int]:
    return {"line": line, "character": character}


def test_ghost_text_comes_from_the_engine(start) -> None:
    """An inline completion is the suggestion, at the cursor, with the command that counts it as accepted."""
    server = start(suggestion="host, 30")
    assert "inlineCompletionProvider" in server.session.result["capabilities"]
    assert "completionProvider" not in server.session.result["capabilities"]
    uri = server.uri("net.py")
    server.session.open(uri, "x = 1\ny = \n")
    [item] = server.session.answer_to(server.session.complete(uri, 1, 4))["result"]["items"]
    assert item["insertText"] == "host, 30"
    assert item["range"] == {"start": at(1, 4), "end": at(1, 4)}
    assert item["command"]["command"] == "copilot.accepted"
    assert server.heard("cursor") == [{"path": "net.py", "text": "x = 1\ny = \n", "offset": 10, "automatic": False}]


def test_accepting_is_told_to_the_completer(start) -> None:
    """The command of an item, run by the client, counts; other text in its place counts against it."""
    server = start(suggestion="host")
    uri = server.uri("net.py")
    server.session.open(uri, "y = ")
    [item] = server.session.answer_to(server.session.complete(uri, 0, 4))["result"]["items"]
    server.session.request("workspace/executeCommand", item["command"])
    server.session.answer_to(server.session.complete(uri, 0, 4))
    server.session.change(uri, 2, {"text": "y = 7"})
    server.session.answer_to(server.session.complete(uri, 0, 5))
    assert server.heard("accepted") == ["host"]
    assert server.heard("rejected") == ["host"]
    counts = server.session.request("copilot/status")["completions"]
    assert (counts["asked"], counts["accepted"], counts["rejected"]) == (3, 1, 1)


def test_positions_are_in_the_units_that_were_agreed(start) -> None:
    """In UTF-8 and in UTF-16, the engine's offset counts code points and the item's range the client's units."""
    for encoding, character in (("utf-8", 9), ("utf-16", 7)):
        capabilities = {"general": {"positionEncodings": [encoding]}, "textDocument": {"inlineCompletion": {}}}
        server = start(capabilities, suggestion="z", replaces=1)
        assert server.session.result["capabilities"]["positionEncoding"] == encoding
        uri = server.uri("net.py")
        server.session.open(uri, "x = '😀')")
        server.session.change(uri, 2, {"range": {"start": at(0, 0), "end": at(0, 1)}, "text": "y"})
        [item] = server.session.answer_to(server.session.complete(uri, 0, character))["result"]["items"]
        assert server.heard("cursor")[0]["offset"] == 6
        assert server.heard("cursor")[0]["text"] == "y = '😀')"
        assert item["range"] == {"start": at(0, character), "end": at(0, character + 1)}


def test_client_without_ghost_text_gets_a_list_entry(start) -> None:
    """The fallback begins with the word before the cursor, by which clients filter, and replaces the same tail."""
    server = start(LIST, suggestion="en_line(host)", replaces=1)
    assert "completionProvider" in server.session.result["capabilities"]
    assert "inlineCompletionProvider" not in server.session.result["capabilities"]
    uri = server.uri("mail.py")
    server.session.open(uri, "return op)")
    params = {"textDocument": {"uri": uri}, "position": at(0, 9)}
    [item] = server.session.request("textDocument/completion", params)["items"]
    assert item["filterText"] == item["textEdit"]["newText"] == "open_line(host)"
    assert item["textEdit"]["range"] == {"start": at(0, 7), "end": at(0, 10)}


def test_nobody_gets_both(start) -> None:
    """A client that asks for ghost text gets an empty list from then on."""
    server = start(LIST, suggestion="x")
    uri = server.uri("net.py")
    server.session.open(uri, "a")
    assert server.session.answer_to(server.session.complete(uri, 0, 1))["result"]["items"]
    params = {"textDocument": {"uri": uri}, "position": at(0, 1)}
    assert server.session.request("textDocument/completion", params)["items"] == []


def test_newer_request_has_the_older_one_answered_with_null(start) -> None:
    """The older one is answered while the engine would still work for seconds, and the engine is told to stop."""
    server = start(suggestion="x", delay_s=30)
    uri = server.uri("net.py")
    server.session.open(uri, "abc")
    first = server.session.complete(uri, 0, 1)
    server.until_heard("cursor", 1)
    server.says(suggestion="y")
    second = server.session.complete(uri, 0, 2)
    assert server.session.answer_to(first)["result"] is None
    assert server.session.answer_to(second)["result"]["items"][0]["insertText"] == "y"
    assert server.heard("cancelled") == [1]


def test_cancelled_request_stops_the_engine(start) -> None:
    """`$/cancelRequest` is answered with its error, and reaches the engine."""
    server = start(suggestion="x", delay_s=30)
    uri = server.uri("net.py")
    server.session.open(uri, "abc")
    request = server.session.complete(uri, 0, 1)
    server.until_heard("cursor", 1)
    server.session.notify("$/cancelRequest", {"id": request})
    assert server.session.answer_to(request)["error"]["code"] == -32800
    server.until_heard("cancelled", 1)


def test_nothing_is_offered_for_a_text_that_has_changed(start) -> None:
    """A suggestion that comes after the next keystroke is not shown."""
    server = start(suggestion="x", delay_s=0.3)
    uri = server.uri("net.py")
    server.session.open(uri, "abc")
    request = server.session.complete(uri, 0, 1)
    server.until_heard("cursor", 1)
    server.session.change(uri, 2, {"text": "other"})
    assert server.session.answer_to(request)["result"] is None
    assert "text has changed" in server.session.request("copilot/status")["message"]


def test_secret_files_are_not_completed(start) -> None:
    """Nothing of a file with a telling name reaches the engine, and the status says why nothing is offered."""
    server = start(suggestion="x")
    for path in (".env", "deploy/id_rsa"):
        server.session.open(server.uri(path), "KEY=1")
        assert server.session.answer_to(server.session.complete(server.uri(path), 0, 4))["result"] is None
        assert server.session.notified("copilot/status", lambda status: "secret file" in status["message"])
        server.session.change(server.uri(path), 2, {"text": "KEY=2"})
    server.session.open(server.uri("net.py"), "a")
    server.session.answer_to(server.session.complete(server.uri("net.py"), 0, 1))
    assert [each["path"] for each in server.heard("cursor")] == ["net.py"]
    assert server.heard("edited") == []


def test_automatic_requests_can_be_switched_off(start) -> None:
    """With `automatic` false only who asks by hand is answered; a language can be left out altogether."""
    server = start(options={"completion": {"automatic": False, "disabledLanguages": ["text"]}}, suggestion="x")
    uri, text = server.uri("net.py"), server.uri("README.md")
    server.session.open(uri, "a")
    server.session.open(text, "a", "text")
    assert server.session.answer_to(server.session.complete(uri, 0, 1, AUTOMATIC))["result"] is None
    assert server.session.answer_to(server.session.complete(text, 0, 1))["result"] is None
    assert server.session.answer_to(server.session.complete(uri, 0, 1))["result"]["items"]


def test_edits_elsewhere_are_told_before_the_next_completion(start) -> None:
    """The completer hears of every changed document, with its text before and after."""
    server = start(suggestion="x", options={"completion": {"debounceMs": 0}})
    mail, net = server.uri("mail.py"), server.uri("net.py")
    server.session.open(mail, "one")
    server.session.open(net, "a")
    server.session.change(mail, 2, {"text": "two"})
    server.session.answer_to(server.session.complete(net, 0, 1, AUTOMATIC))
    assert server.heard("edited") == [["mail.py", "one", "two"]]
    assert server.heard("cursor")[0]["automatic"] is True


def test_edits_are_told_to_the_completer_of_their_own_repository(start, tmp_path) -> None:
    """Completing in one repository takes away nothing that was typed in another, even in one that is set up wrong."""
    other = make_repo(tmp_path / "other", {"their.py": "one"})
    broken = make_repo(tmp_path / "broken", {"their.py": "one", ".copilot.toml": "model = 5\n"})
    server = start(suggestion="x")
    their, net = (other / "their.py").as_uri(), server.uri("net.py")
    for uri in (their, (broken / "their.py").as_uri()):
        server.session.open(uri, "one")
        server.session.change(uri, 2, {"text": "two"})
    server.session.open(net, "a")
    assert server.session.answer_to(server.session.complete(net, 0, 1))["result"]["items"]
    assert server.heard("edited") == []
    server.session.answer_to(server.session.complete(their, 0, 3))
    assert server.heard("edited") == [["their.py", "one", "two"]]


def test_untitled_documents_are_completed_beside_the_first_folder(start) -> None:
    """A document that is no file has no path and is completed all the same."""
    server = start(suggestion="x")
    server.session.open("untitled:Untitled-1", "a = ")
    assert server.session.answer_to(server.session.complete("untitled:Untitled-1", 0, 4))["result"]["items"]
    assert server.heard("cursor")[0]["path"] == ""


def test_cells_are_completed_within_their_notebook(start) -> None:
    """The engine sees the cells of the same language around, and the suggestion lands in the cell."""
    server = start(suggestion="x", replaces=5)
    book = server.uri("book.ipynb")
    cells = [("c1", "a = 1", "python"), ("c2", "# Title", "markdown"), ("c3", "b = ", "python"), ("c4", "c", "python")]
    server.session.notify(
        "notebookDocument/didOpen",
        {
            "notebookDocument": {
                "uri": book,
                "notebookType": "jupyter-notebook",
                "version": 1,
                "cells": [{"kind": 2, "document": name} for name, _, _ in cells],
            },
            "cellTextDocuments": [
                {"uri": name, "languageId": language, "version": 1, "text": text} for name, text, language in cells
            ],
        },
    )
    [item] = server.session.answer_to(server.session.complete("c3", 0, 4))["result"]["items"]
    assert server.heard("cursor")[0] | {"automatic": False} == {
        "path": "book.ipynb",
        "text": "a = 1\n\nb = \n\nc",
        "offset": 11,
        "automatic": False,
    }
    assert item["range"] == {"start": at(0, 4), "end": at(0, 4)}


def test_suggestion_goes_on_from_what_the_popup_selected(start) -> None:
    """With a selected entry, the suggestion begins with that entry's text and takes its range."""
    server = start(suggestion="(host)")
    uri = server.uri("net.py")
    server.session.open(uri, "x = op")
    selected = {"range": {"start": at(0, 4), "end": at(0, 6)}, "text": "open_line"}
    params = {
        "textDocument": {"uri": uri},
        "position": at(0, 6),
        "context": {"triggerKind": 1, "selectedCompletionInfo": selected},
    }
    [item] = server.session.request("textDocument/inlineCompletion", params)["items"]
    assert (item["insertText"], item["range"]) == ("open_line(host)", selected["range"])
    assert server.heard("cursor")[0]["text"] == "x = open_line"


def test_old_trigger_kinds_and_a_missing_context_are_understood(start) -> None:
    """Clients from before 3.18 count from 0 and may leave the context out."""
    server = start(suggestion="x")
    uri = server.uri("net.py")
    server.session.open(uri, "a")
    assert server.session.answer_to(server.session.complete(uri, 0, 1, 0))["result"]["items"]
    params = {"textDocument": {"uri": uri}, "position": at(0, 1)}
    assert server.session.request("textDocument/inlineCompletion", params)["items"]
    assert [each["automatic"] for each in server.heard("cursor")] == [False, False]


def test_completion_is_registered_when_there_is_a_model(start) -> None:
    """With dynamic registration, ghost text is offered after the model was found, not in `initialize`."""
    server = start(INLINE_DYNAMIC)
    assert "inlineCompletionProvider" not in server.session.result["capabilities"]
    [registration] = server.session.asked("client/registerCapability")["registrations"]
    assert registration["method"] == "textDocument/inlineCompletion"
    assert server.session.notified("copilot/status", lambda status: status["model"])["kind"] == "Normal"


def test_missing_model_is_said_once_and_completion_comes_when_there_is_one(start) -> None:
    """No model: one message that helps, no registration; after the setting is mended it is registered."""
    server = start(INLINE_DYNAMIC, {"model": "/nowhere/model.gguf"})
    message = server.session.notified("window/showMessage")
    assert "/nowhere/model.gguf" in message["message"] and "copilot models" in message["message"]
    uri = server.uri("net.py")
    server.session.open(uri, "a")
    for _ in range(3):
        assert server.session.answer_to(server.session.complete(uri, 0, 1))["result"] is None
    assert server.session.error("copilot/ask", {"question": "Why?"})["data"] == {"code": "model-missing"}
    said = [each for each in server.session.notifications if each["method"] == "window/showMessage"]
    assert len(said) == 1
    assert server.session.requests == []
    settings = {"copilot": {"model": str(server.folder / "tiny.gguf")}}
    server.session.notify("workspace/didChangeConfiguration", {"settings": settings})
    assert server.session.asked("client/registerCapability")
    server.session.notify("workspace/didChangeConfiguration", {"settings": {"copilot": {"model": "/gone.gguf"}}})
    assert server.session.asked("client/unregisterCapability")


def test_engine_that_fails_costs_the_suggestion_only(start) -> None:
    """The status says what failed; the next request is answered."""
    server = start(error="the engine's process ended 3 times")
    uri = server.uri("net.py")
    server.session.open(uri, "a")
    assert server.session.answer_to(server.session.complete(uri, 0, 1))["result"] is None
    failed = server.session.notified("copilot/status", lambda status: status["kind"] == "Error")
    assert "ended 3 times" in failed["message"]
    server.says(suggestion="x")
    assert server.session.answer_to(server.session.complete(uri, 0, 1))["result"]["items"]
    assert server.session.notified("copilot/status", lambda status: status["kind"] == "Normal")


def test_engine_works_on_threads_of_its_own(start) -> None:
    """Neither the loop's nor the reading thread ever runs a completion or an answer."""
    server = start(suggestion="x", answer="yes")
    uri = server.uri("net.py")
    server.session.open(uri, "a")
    server.session.answer_to(server.session.complete(uri, 0, 1))
    server.session.request("copilot/ask", {"question": "Why?"})
    names = server.heard("thread")
    assert {name.rpartition("-")[0] for name in names} == {"completions", "questions"}


def test_files_changed_outside_are_looked_at(start) -> None:
    """The client is asked to watch files; what it tells of is indexed before it is needed."""
    server = start({"workspace": {"didChangeWatchedFiles": {"dynamicRegistration": True}}, **INLINE}, suggestion="x")
    [registration] = server.session.asked("client/registerCapability")["registrations"]
    assert registration["method"] == "workspace/didChangeWatchedFiles"
    uri = server.uri("net.py")
    server.session.open(uri, "a")
    server.session.answer_to(server.session.complete(uri, 0, 1))
    (server.root / "new.py").write_text("def fresh():\n    pass\n")
    changes = [{"uri": server.uri("new.py"), "type": 1}, {"uri": "file:///elsewhere/x", "type": 2}]
    server.session.notify("workspace/didChangeWatchedFiles", {"changes": changes})
    server.until_heard("refreshed", 1)
    assert "new.py" in server.heard("refreshed")[0]


def test_repository_is_indexed_when_a_document_is_opened(start) -> None:
    """The first suggestion does not wait for the index; with completion switched off nothing is indexed."""
    server = start(suggestion="x")
    server.session.open(server.uri("net.py"), "a")
    server.until_heard("indexed", 1)
    assert server.heard("indexed") == [["README.md", "mail.py", "net.py"]]
    assert server.heard("cursor") == []
    off = start(options={"completion": {"enabled": False}})
    off.session.open(off.uri("net.py"), "a")
    assert off.session.request("copilot/status")["kind"] in ("Normal", "Inactive")
    assert off.heard("indexed") == []


def test_panel_of_copilot_s_clients_has_the_suggestion(start) -> None:
    """`textDocument/copilotPanelCompletion` lists what ghost text would show."""
    server = start(suggestion="host")
    uri = server.uri("net.py")
    server.session.open(uri, "y = ")
    params = {"textDocument": {"uri": uri}, "position": at(0, 4)}
    [item] = server.session.request("textDocument/copilotPanelCompletion", params)["items"]
    assert item["insertText"] == "host"


def test_file_of_no_repository_is_completed(start, tmp_path) -> None:
    """A file somewhere on the disk is completed without any folder, and the folder it lies in is not read."""
    server = start(folder=None, suggestion="x")
    uri = (tmp_path / "loose.py").as_uri()
    server.session.open(uri, "a = ")
    assert server.session.answer_to(server.session.complete(uri, 0, 4))["result"]["items"]
    assert server.heard("cursor")[0]["path"] == ""


def test_indexing_that_takes_its_time_is_shown(start, monkeypatch) -> None:
    """The first completion waits for the index, with a progress display of its own."""
    monkeypatch.setattr(completers, "SHOWN_AFTER_S", 0)
    server = start(INLINE | {"window": {"workDoneProgress": True}}, suggestion="x")
    uri = server.uri("net.py")
    server.session.open(uri, "a")
    assert server.session.answer_to(server.session.complete(uri, 0, 1))["result"]["items"]
    token = server.session.asked("window/workDoneProgress/create")["token"]
    begun = server.session.notified("$/progress", lambda params: params["token"] == token)
    assert begun["value"]["title"] == "Indexing the repository"
    server.session.notified("$/progress", lambda params: params["value"].get("kind") == "end")
