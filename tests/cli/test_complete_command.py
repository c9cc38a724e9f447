"""`copilot complete` through the command line: places in, texts or reasons out."""

import json
from pathlib import Path
from typing import Any

import pytest

FIELDS = {"id", "text", "replace_end_offset", "reason", "confidence", "usage"}
CLIENT = "from server import Server\n\n\ndef put(server: Server) -> None:\n    server.\n    # 🙂 done\n"
AT = CLIENT.index("server.\n") + len("server.")


def answers(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def test_typing_is_replayed_line_by_line(run, project: Path, tiny: Path) -> None:
    """One process answers all lines in order, and reads little for a keystroke; offsets count bytes of UTF-8."""
    typed = ["", "s", "st", "sto"]
    asked = [
        {"id": n, "path": "client.py", "text": CLIENT[:AT] + text + CLIENT[AT:], "offset": AT + len(text)}
        for n, text in enumerate(typed)
    ]
    after_smile = len(CLIENT[: CLIENT.index(" done")].encode())
    asked.append({"id": "smile", "path": "client.py", "text": CLIENT, "offset": after_smile})
    asked.append({"id": "span", "path": "client.py", "text": CLIENT, "offset": AT - 7, "suffix_offset": AT})
    asked.append({"id": "secret", "path": ".env", "text": "TOKEN=", "offset": 6})
    ran = run("complete", "--batch", "-", "-C", project, stdin="".join(json.dumps(line) + "\n" for line in asked))
    assert ran.code == 0, ran.err
    found = answers(ran.out)
    assert [line["id"] for line in found] == [0, 1, 2, 3, "smile", "span", "secret"]
    assert all(line.keys() == FIELDS for line in found)
    assert all(bool(line["text"]) == (line["reason"] is None) for line in found)
    read = [line["usage"]["evaluated_tokens"] for line in found[:4]]
    assert read[0] > 50 and max(read[1:]) < 20
    assert found[4]["replace_end_offset"] >= after_smile
    assert found[5]["replace_end_offset"] >= AT
    assert (found[6]["text"], found[6]["reason"]) == ("", "secret-file")


def test_bytes_that_are_no_text_are_replaced(run, project: Path, tiny: Path, tmp_path: Path) -> None:
    """A line of a batch is answered whatever is in it."""
    lines = tmp_path / "lines"
    lines.write_bytes(b'{"id": "\xff", "path": ".env", "text": "x", "offset": 1}\n')
    ran = run("complete", "--batch", lines, "-C", project)
    assert (ran.code, answers(ran.out)[0]["id"]) == (0, "\ufffd")


def test_one_place_by_line_and_column_is_that_by_offset(run, project: Path, tiny: Path) -> None:
    """The file is read from disk, or its content from stdin."""
    source = (project / "client.py").read_text()
    (project / "client.py").write_text(CLIENT)
    by_line = run("complete", "client.py", "--line", "5", "--column", "12", "--json", cwd=project)
    by_offset = run("complete", "client.py", "--offset", str(AT), "--json", "--stdin", cwd=project, stdin=CLIENT)
    assert by_line.code == by_offset.code == 0, by_line.err + by_offset.err
    assert source != CLIENT
    for name in ("text", "reason", "replace_end_offset", "confidence"):
        assert by_line.json[name] == by_offset.json[name]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["client.py"], "--offset"),
        (["client.py", "--line", "1"], "--offset"),
        (["client.py", "--offset", "99999"], "not in the document"),
        (["missing.py", "--offset", "0"], "no file"),
        (["--batch", "-", "-C", "."], "line 1"),
    ],
)
def test_a_place_that_is_none_is_told(run, project: Path, tiny: Path, arguments: list[str], said: str) -> None:
    """One line says what is wrong; no model is loaded for it."""
    ran = run("complete", *arguments, cwd=project, stdin='{"id": 1}\n')
    assert ran.code == 2 and said in ran.err


def test_a_secret_file_is_neither_read_nor_completed(run, project: Path, tiny: Path) -> None:
    """Its name is enough."""
    ran = run("complete", ".env", "--offset", "0", "--json", cwd=project)
    assert (ran.code, ran.json["text"], ran.json["reason"]) == (0, "", "secret-file")
