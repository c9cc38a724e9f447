"""The server over stdio, around a scripted engine: what each method answers."""


def test_ghost_text_comes_from_the_engine(start) -> None:
    """An inline completion is the suggestion, at the cursor, with the command that counts it as accepted."""
    server = start(suggestion="host, 30")
    uri = server.uri("net.py")
    server.session.open(uri, "x = 1\ny = \n")
    [item] = server.session.answer_to(server.session.complete(uri, 1, 4))["result"]["items"]
    assert item["insertText"] == "host, 30"
    assert item["range"] == {"start": {"line": 1, "character": 4}, "end": {"line": 1, "character": 4}}
    assert item["command"]["command"] == "copilot.accepted"
    assert server.heard("cursor") == [{"path": "net.py", "text": "x = 1\ny = \n", "offset": 10, "automatic": False}]
    assert server.session.leave() == 0


def test_answers_stream_to_their_token(start) -> None:
    """`copilot/ask` sends its text in pieces, and at the end the whole answer with checked citations."""
    server = start(answer="`open_line` dials, see `net.py:4-6`.")
    result = server.session.request("copilot/ask", {"question": "Who dials?", "partialResultToken": "t1"})
    assert result["answer"] == "`open_line` dials, see `net.py:4-6`."
    [citation] = result["citations"]
    assert (citation["path"], citation["start_line"], citation["end_line"]) == ("net.py", 4, 6)
    assert citation["uri"] == server.uri("net.py")
    pieces = [each["params"]["value"] for each in server.session.notifications if each["method"] == "$/progress"]
    assert "".join(piece.get("text", "") for piece in pieces).strip() == result["answer"]
    assert result["usage"]["prompt_tokens"] > 0


def test_findings_of_a_saved_file_are_pushed(start) -> None:
    """After a save, what the review finds in the uncommitted changes is published as diagnostics."""
    server = start()
    text = "def run(command):\n    return eval(command)\n"
    (server.root / "net.py").write_text(text)
    uri = server.uri("net.py")
    server.session.open(uri, text)
    server.session.notify("textDocument/didSave", {"textDocument": {"uri": uri}})
    published = server.session.notified("textDocument/publishDiagnostics", lambda params: params["diagnostics"])
    assert published["uri"] == uri
    assert all(each["source"] == "copilot" and each["code"] for each in published["diagnostics"])
