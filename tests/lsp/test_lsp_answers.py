"""Questions, conversations, reading, status and commands that answer, over the protocol around a scripted engine."""

from pathlib import Path

from copilot.tasks.cache import clear

SHOWS = {"window": {"showDocument": {"support": True}, "workDoneProgress": True}}


def progress(server, token: str) -> list[dict]:
    """What was streamed to a token."""
    said = [each["params"] for each in server.session.notifications if each["method"] == "$/progress"]
    return [params["value"] for params in said if params["token"] == token]


def test_answers_stream_to_their_token(start) -> None:
    """`copilot/ask` sends its text in pieces, and at the end the whole answer with checked citations."""
    server = start(answer="`open_line` dials, see `net.py:4-6`.")
    result = server.session.request("copilot/ask", {"question": "Who dials?", "partialResultToken": "t1"})
    assert result["answer"] == "`open_line` dials, see `net.py:4-6`."
    [citation] = result["citations"]
    assert (citation["path"], citation["start_line"], citation["end_line"]) == ("net.py", 4, 6)
    assert citation["uri"] == server.uri("net.py")
    pieces = [value["text"] for value in progress(server, "t1") if "text" in value]
    assert len(pieces) > 1 and "".join(pieces).strip() == result["answer"]
    assert result["usage"]["prompt_tokens"] > 0 and result["reason"] == "stop"


def test_question_about_a_selection_shows_the_editor_s_text(start) -> None:
    """The code of the range is in the question as the editor has it, unsaved, with its place."""
    server = start(answer="It adds.")
    uri = server.uri("net.py")
    server.session.open(uri, "def unsaved(a):\n    return a + 1\n")
    span = {"start": {"line": 0, "character": 0}, "end": {"line": 2, "character": 0}}
    server.session.request("copilot/ask", {"question": "What?", "textDocument": {"uri": uri}, "range": span})
    [turn] = server.heard("turn")
    assert "def unsaved(a):" in turn and "`net.py:1-2`" in turn


def test_selection_of_a_secret_file_is_not_read(start) -> None:
    """A question about such a file is refused before the engine hears of it."""
    server = start(answer="x")
    uri = server.uri(".env")
    server.session.open(uri, "TOKEN=abc")
    span = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 9}}
    error = server.session.error("copilot/ask", {"question": "?", "textDocument": {"uri": uri}, "range": span})
    assert (error["code"], "secrets" in error["message"]) == (-32803, True)
    assert server.heard("turn") == []


def test_conversation_remembers_its_turns(start) -> None:
    """A second message of a conversation shows the model the first one and its answer; a new one begins empty."""
    server = start(answer="It is `open_line`.")
    first = server.session.request("copilot/chat", {"message": "Who dials?"})
    second = server.session.request("copilot/chat", {"message": "And why?", "conversation": first["conversation"]})
    other = server.session.request("copilot/chat", {"message": "Hello?"})
    assert (second["conversation"], second["turns"], other["turns"]) == (first["conversation"], 2, 1)
    _, prompt, fresh = server.heard("prompt")
    assert prompt.index("Who dials?") < prompt.index("It is `open_line`.") < prompt.index("And why?")
    assert "Who dials?" not in fresh
    assert server.session.request("copilot/chat/end", {"conversation": first["conversation"]}) == {"ended": True}
    error = server.session.error("copilot/chat", {"message": "?", "conversation": first["conversation"]})
    assert error["code"] == -32602


def test_cancelled_question_stops_the_engine(start) -> None:
    """An answer that is cancelled ends with the cancel's error, and the words stop."""
    server = start(answer="word " * 200)
    server.says(answer="word " * 200, delay_s=0.05)
    server.session.request("copilot/status")
    server.session.notify("workspace/didChangeConfiguration", {"settings": {"copilot": {"maxAnswerTokens": 500}}})
    request = server.session.begin("copilot/ask", {"question": "Why?", "token": "t"})
    server.session.notified("$/progress", lambda params: "text" in params["value"])
    server.session.notify("$/cancelRequest", {"id": request})
    assert server.session.answer_to(request)["error"]["code"] == -32800
    assert server.session.notified("copilot/status", lambda status: status["busy"])
    assert server.session.request("copilot/status")["busy"] is False


def test_work_is_shown_and_can_be_cancelled_there(start) -> None:
    """The server makes a progress display, begins and ends it; its cancel button cancels the request."""
    server = start(SHOWS, answer="ok")
    server.session.request("copilot/ask", {"question": "Why?"})
    token = server.session.asked("window/workDoneProgress/create")["token"]
    kinds = [value["kind"] for value in progress(server, token)]
    assert (kinds[0], kinds[-1]) == ("begin", "end")
    assert "report" in kinds
    server.says(answer="word " * 200, delay_s=0.05)
    server.session.notify("workspace/didChangeConfiguration", {"settings": {"copilot": {"maxAnswerTokens": 400}}})
    request = server.session.begin("copilot/ask", {"question": "Why?", "workDoneToken": "mine", "token": "t"})
    server.session.notified("$/progress", lambda params: params["token"] == "t" and "text" in params["value"])
    server.session.notify("window/workDoneProgress/cancel", {"token": "mine"})
    assert server.session.answer_to(request)["error"]["code"] == -32800


def test_warming_reads_the_whole_prefix(start) -> None:
    """`copilot/warm` answers what is kept now, and reads nothing the second time."""
    server = start()
    first, second = (server.session.request("copilot/warm", {"budget": 2000}) for _ in range(2))
    assert first["tokens"] == first["total"] == first["evaluated_tokens"] > 0
    assert (second["reused_tokens"], second["evaluated_tokens"]) == (first["tokens"], 0)
    assert server.session.request("copilot/status")["prefix"] == "full"


def test_status_notifications_can_be_switched_off(start) -> None:
    """A client that wants none gets none, and may still ask."""
    server = start(options={"statusNotifications": False}, answer="ok")
    server.session.request("copilot/ask", {"question": "Why?"})
    assert server.session.request("copilot/status")["kind"] == "Normal"
    assert not [each for each in server.session.notifications if each["method"] == "copilot/status"]


def test_answer_of_a_command_is_shown_as_a_document(start) -> None:
    """`copilot.explain` returns the answer and opens it as Markdown where the client can; it goes with the cache."""
    server = start(SHOWS, answer="It dials.", replies={"window/showDocument": lambda params: {"success": True}})
    uri = server.uri("net.py")
    server.session.open(uri, "def f():\n    pass\n")
    span = {"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": 8}}
    arguments = [{"textDocument": {"uri": uri}, "range": span}]
    run = {"command": "copilot.explain", "arguments": arguments}
    assert server.session.request("workspace/executeCommand", run)["answer"] == "It dials."
    shown = server.session.asked("window/showDocument")
    kept = Path(shown["uri"].removeprefix("file://"))
    assert kept.read_text().endswith("It dials.\n")
    clear(kept.parents[1])
    assert not kept.exists()


def test_answer_of_a_command_is_a_message_elsewhere(start) -> None:
    """A client that opens no documents is told; one that shows answers itself is not."""
    server = start(answer="It dials.")
    run = {"command": "copilot.ask", "arguments": [{"question": "Who?"}]}
    server.session.request("workspace/executeCommand", run)
    assert server.session.notified("window/showMessage")["message"] == "It dials."
    server.session.notify("workspace/didChangeConfiguration", {"settings": {"copilot": {"ask": {"show": "none"}}}})
    server.session.request("workspace/executeCommand", run)
    assert len([each for each in server.session.notifications if each["method"] == "window/showMessage"]) == 1


def test_configuration_is_asked_for_where_the_client_has_one(start) -> None:
    """`workspace/configuration` wins over what was given at the start, and a mistake in it is said."""
    answer = [{"model": "/gone.gguf", "review": {"run": "sometimes"}}]
    server = start({"workspace": {"configuration": True}}, replies={"workspace/configuration": lambda params: answer})
    assert server.session.asked("workspace/configuration")["items"] == [{"section": "copilot"}]
    said = server.session.notified("window/showMessage", lambda params: "review.run" in params["message"])
    assert "it takes one of save, command" in said["message"]
    assert server.session.notified("window/showMessage", lambda params: "/gone.gguf" in params["message"])


def test_each_folder_answers_for_itself(start, tmp_path: Path) -> None:
    """With several folders, a question goes to the repository of its document; folders come and go."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "queue.py").write_text("def enqueue_job(job):\n    return job\n")
    server = start(answer="`enqueue_job` does.")
    change = {"event": {"added": [{"uri": other.as_uri(), "name": "other"}], "removed": []}}
    server.session.notify("workspace/didChangeWorkspaceFolders", change)
    about = {"question": "Who?", "textDocument": {"uri": (other / "queue.py").as_uri()}}
    [citation] = server.session.request("copilot/ask", about)["citations"]
    assert citation["path"] == "queue.py"
    assert server.session.request("copilot/ask", {"question": "Who?"})["citations"] == []


def test_without_a_folder_there_is_nothing_to_ask(start) -> None:
    """The error says what to open."""
    server = start(folder=None)
    error = server.session.error("copilot/ask", {"question": "Who?"})
    assert (error["code"], "open" in error["message"]) == (-32803, True)


def test_copilot_s_clients_find_what_they_ask_for(start) -> None:
    """Signing in is done already, the status comes as theirs, and the item's command is theirs."""
    plugin = {"editorInfo": {"name": "x", "version": "1"}, "editorPluginInfo": {"name": "y", "version": "1"}}
    server = start({}, plugin, suggestion="x")
    assert server.session.request("signIn", {}) == {"status": "AlreadySignedIn", "user": "local"}
    assert server.session.request("checkStatus", {})["status"] == "OK"
    assert server.session.request("signOut", {}) == {"status": "NotSignedIn"}
    assert server.session.request("getVersion")["version"]
    assert server.session.request("setEditorInfo", plugin) == "OK"
    assert server.session.notified("didChangeStatus").keys() == {"kind", "message", "busy"}
    uri = server.uri("net.py")
    server.session.open(uri, "a")
    server.session.notify("textDocument/didFocus", {"textDocument": {"uri": uri}})
    [item] = server.session.answer_to(server.session.complete(uri, 0, 1, 2))["result"]["items"]
    assert item["command"]["command"] == "github.copilot.didAcceptCompletionItem"
    server.session.notify("textDocument/didShowCompletion", {"item": item})
    server.session.notify("textDocument/didPartiallyAcceptCompletion", {"item": item, "acceptedLength": 1})
    server.session.request("workspace/executeCommand", item["command"])
    assert server.session.request("textDocument/copilotInlineEdit", {"textDocument": {"uri": uri}}) == {"edits": []}
    counts = server.session.request("copilot/status")["completions"]
    assert (counts["shown"], counts["accepted-partly"], counts["accepted"]) == (1, 1, 1)
    assert not [each for each in server.session.notifications if each["method"] == "copilot/status"]
