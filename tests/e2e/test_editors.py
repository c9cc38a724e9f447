"""The same scenarios in every editor of the terminal, with the plugin installed as its README says.

The editors are real, and so is the language server behind them.
"""

import os
import signal
from pathlib import Path

import pytest

from lsp.asking import MAX_CONVERSATIONS
from tests.e2e.conftest import Start
from tests.e2e.editor import Editor
from tests.e2e.emacs_driver import Emacs
from tests.e2e.neovim_driver import Neovim
from tests.e2e.vim_driver import Vim
from tests.e2e.workplace import WORD_S, Workplace

pytestmark = pytest.mark.parametrize(
    "driver",
    [pytest.param(each, marks=pytest.mark.xdist_group(each.name), id=each.name) for each in (Neovim, Vim, Emacs)],
    indirect=True,
    scope="session",
)
UNENDED = '"""No newline is at the end."""\n\n\ndef is_safe(port: int) -> bool:\n    return port is 443'


def test_ghost_text_is_shown_and_tab_accepts_it(editor: Editor) -> None:
    """Typing shows the suggestion; Tab inserts it in one step of undo and tells the server."""
    accepted = f"self{editor.workplace.suggestion}"
    editor.to_line(13)
    editor.type("self")
    editor.until(editor.ghost, "ghost text")
    assert editor.ghost() == editor.workplace.suggestion
    assert editor.lines()[12] == "self"
    editor.press("tab")
    editor.until(lambda: editor.lines()[12] == accepted, "the accepted text")
    editor.until(lambda: any("accepted" in each for each in editor.workplace.heard()), "the accept statistics")
    editor.press("undo")
    editor.until(lambda: editor.lines()[12] == "self", "undo")


def test_parts_are_accepted_and_typing_along_keeps_the_rest(editor: Editor) -> None:
    """A word, then typed characters of the suggestion, then a line: what is left stays shown, and nothing is lost."""
    editor.workplace.script(suggestion="alpha beta(gamma)\n    delta")
    editor.to_line(0)
    editor.type("x = ")
    editor.until(editor.ghost, "ghost text")
    editor.workplace.script(reason="low-confidence")
    editor.press("word")
    editor.until(lambda: editor.ghost() == " beta(gamma)\n    delta", "the rest after a word")
    asked = len(editor.workplace.heard())
    editor.type(" be")
    editor.until(lambda: editor.ghost() == "ta(gamma)\n    delta", "the rest after typing along")
    assert len(editor.workplace.heard()) == asked
    editor.press("line")
    editor.until(lambda: editor.lines()[-1].endswith("x = alpha beta(gamma)"), "the accepted line")
    editor.press("dismiss")
    editor.until(lambda: not editor.ghost(), "dismissal")
    assert editor.lines()[-1].endswith("x = alpha beta(gamma)")


def test_what_stands_behind_the_cursor_is_replaced_once(editor: Editor) -> None:
    """A suggestion that brings its own closing bracket does not leave two; other characters than ASCII count right."""
    editor.workplace.script(suggestion="a, b)", replaces=1)
    editor.to_line(0)
    editor.type("'é𝛼', call()")
    editor.press("left")
    editor.type(" ")
    editor.press("backspace")
    editor.until(lambda: editor.ghost().startswith("a, b"), "ghost text")
    editor.press("tab")
    editor.until(lambda: editor.lines()[-1].endswith("'é𝛼', call(a, b)"), "the accepted text")


def test_findings_are_shown_and_their_fix_applies(editor: Editor) -> None:
    """The uncommitted change is reviewed when its file is opened; the fix takes the finding away."""
    line = editor.workplace.text.splitlines().index("    breakpoint()") + 1
    editor.until(lambda: editor.findings() == [line], "the finding")
    editor.review()
    [(found, text)] = editor.until(editor.reviewed, "the review")
    assert found == line
    assert "debugger" in text
    editor.fix(line)
    editor.until(lambda: "\n".join(editor.lines()).rstrip() + "\n" == editor.workplace.fixed, "the fix")


def test_the_last_line_of_a_file_without_a_newline_is_mended(start: Start, workplace: Workplace) -> None:
    """Nothing is added behind it, and nothing of it is lost."""
    workplace.code.write_text(UNENDED)
    editor = start()
    editor.until(lambda: editor.findings() == [5], "the finding")
    editor.fix(5)
    editor.until(lambda: "\n".join(editor.lines()) == UNENDED.replace(" is 443", " == 443"), "the fix")


def test_an_answer_streams_and_its_places_are_jumped_to(editor: Editor) -> None:
    """The answer grows while it is given; Enter on its citation opens the file at the line."""
    editor.ask("Where are values stored?")
    seen = set()

    def complete() -> bool:
        seen.add(editor.answer())
        return "Sources:" in editor.answer()

    editor.until(complete, "the answer")
    assert [text for text in seen if "Values" in text and "Sources:" not in text], seen
    assert editor.answer().startswith("> Where are values stored?")
    assert editor.workplace.answer in editor.answer()
    editor.follow_citation("server.py:")
    editor.until(lambda: editor.place() == (str(editor.workplace.code), 10), "the cited line")


def test_selected_code_is_explained(editor: Editor) -> None:
    """Some lines are given to the model; its answer is shown as a file."""
    editor.explain((4, 8))
    editor.until(lambda: "# Explain" in editor.shown() and "Values are stored" in editor.shown(), "the answer's file")


def test_a_question_can_be_about_some_lines(editor: Editor) -> None:
    """The engine is shown the lines with their place, and nothing that was typed since is missing."""
    editor.ask("Why this?", (4, 6))
    turns = editor.until(lambda: [each["turn"] for each in editor.workplace.heard() if "turn" in each], "the question")
    assert "server.py:4-6" in turns[-1]
    assert "Why this?" in turns[-1]
    assert "class Server:" in turns[-1]


def test_a_file_saved_under_another_name_is_completed_there(start: Start, workplace: Workplace) -> None:
    """The server looks after the buffer by its new name, every time it gets one."""
    editor = start()
    for name in ("copy.py", "notes.py"):
        editor.save_as(workplace.project / name)
        editor.ready()
        editor.to_line(0)
        editor.type("x")
        editor.until(editor.ghost, "ghost text")
        assert workplace.heard()[-1]["cursor"]["path"] == name
        editor.press("dismiss")
    assert not editor.notices()


def test_a_huge_file_is_left_alone(editor: Editor) -> None:
    """It is not sent to the server at all, and the status says so."""
    huge = editor.workplace.project / "huge.py"
    huge.write_text(f"x = 1  # {'-' * 90}\n" * 25_000)
    editor.open(huge)
    editor.until(lambda: editor.place()[0] == str(huge), "the file")
    editor.to_line(0)
    editor.type("y")
    editor.show_status()
    editor.until(lambda: editor.size_option in editor.shown(), "the status")
    assert not editor.is_attached()
    assert not [each for each in editor.notices() if "rror" in each]


def test_a_killed_server_comes_back_with_one_message(start: Start, workplace: Workplace) -> None:
    """The answer that was under way says so, and the next suggestion is there without anything being done."""
    workplace.script(answer=workplace.answer, suggestion=workplace.suggestion, delay_s=0.2)
    editor = start()
    editor.ask("Who?")
    editor.until(lambda: "Values" in editor.answer(), "the begin of an answer")
    editor.ask("Where?")
    editor.until(lambda: "Where?" in editor.answer() and "Values" in editor.answer(), "the begin of another one")
    [server] = workplace.servers()
    workplace.script(suggestion=workplace.suggestion)
    os.kill(server, signal.SIGKILL)
    editor.until(lambda: "ended before" in editor.answer(), "word of the lost answer")
    assert editor.answer().count("ended before") == 1
    editor.until(lambda: workplace.servers() not in ([], [server]), "a new server")
    editor.ready()
    editor.to_line(0)
    editor.type("x")
    editor.until(editor.ghost, "ghost text")
    [notice] = editor.notices()
    assert "started again" in notice


def test_a_conversation_goes_on_where_the_server_is_new(start: Start, workplace: Workplace) -> None:
    """What an old server was told is forgotten; nobody hears of it."""
    workplace.script(answer=workplace.answer)
    editor = start()
    editor.chat("Who?")
    editor.until(lambda: "Sources:" in editor.answer(), "the answer")
    [server] = workplace.servers()
    os.kill(server, signal.SIGKILL)
    editor.until(lambda: workplace.servers() not in ([], [server]), "a new server")
    editor.ready()
    editor.chat("Where?")
    editor.until(lambda: editor.answer().count("Sources:") == 2, "the second answer")
    assert editor.answer().index("> Who?") < editor.answer().index("> Where?")


def test_a_conversation_goes_on_where_the_server_has_dropped_it(start: Start, workplace: Workplace) -> None:
    """A server keeps only so many; one more question begins a new one by itself, and then a third goes on with it."""
    workplace.script(answer=workplace.answer)
    editor = start()
    editor.chat("Who?")
    editor.until(lambda: "Sources:" in editor.answer(), "the answer")
    begun = MAX_CONVERSATIONS + 10
    editor.begin_conversations(begun)
    editor.until(lambda: sum("turn" in each for each in workplace.heard()) > begun, "others")
    editor.chat("Where?")
    editor.until(lambda: editor.answer().count("Sources:") == 2, "the second answer")
    editor.chat("When?")
    editor.until(lambda: editor.answer().count("Sources:") == 3, "the third answer")
    assert "no conversation" not in editor.answer()
    assert "Where?" in workplace.heard()[-1]["prompt"]


def test_a_second_question_ends_the_first_and_can_be_stopped_itself(editor: Editor) -> None:
    """The first answer ends where it was; nothing of it comes later, and the word that stops an answer stops this."""
    editor.workplace.script(answer="first " * 200, delay_s=WORD_S)
    editor.chat("Who?")
    editor.until(lambda: "first first" in editor.answer(), "the begin of an answer")
    editor.workplace.script(answer="second " * 200, delay_s=WORD_S)
    editor.chat("Where?")
    editor.until(lambda: "second second" in editor.answer(), "the begin of another one")
    first, second = editor.answer().split("> Where?")
    assert first.count("Stopped.") == 1
    assert "Stopped." not in second
    editor.cancel()
    editor.until(lambda: "Stopped." in editor.answer().split("> Where?")[1], "the end of the answer")
    assert "first" not in editor.answer().split("> Where?")[1]


def test_a_missing_program_is_said_once(start: Start, driver: type[Editor], workplace: Workplace) -> None:
    """One message says what to do, however many files are opened; typing goes on as without the plugin."""
    editor = start(driver.program_setup("no-such-copilot", "lsp"), waits=False)
    editor.open(workplace.project / "README.md")
    editor.to_line(0)
    editor.type("z")
    editor.until(lambda: editor.lines()[-1].startswith("z"), "typing")
    [notice] = editor.notices()
    assert "no-such-copilot" in notice and "is not found" in notice
    assert "full path" in notice


def test_an_old_program_is_started_once_and_said_once(start: Start, driver: type[Editor], workplace: Workplace) -> None:
    """One that knows no language server, like one that is broken, is not tried again; the log has what it said."""
    editor = start(driver.program_setup(str(workplace.old_program()), "lsp"), waits=False)
    editor.until(lambda: any("does not start" in each for each in editor.notices()), "the message")
    editor.open(workplace.project / "README.md")
    editor.to_line(0)
    editor.type("z")
    editor.until(lambda: editor.lines()[-1].startswith("z"), "typing")
    assert len(workplace.started()) == 1
    [notice] = editor.notices()
    assert "log" in notice
    editor.show_log()
    editor.until(lambda: "No such command 'lsp'" in editor.shown(), "what it said")


def test_a_file_outside_any_repository_is_completed_and_not_indexed(start: Start, tmp_path: Path) -> None:
    """Suggestions need no repository; a question does, and says so."""
    stray = tmp_path / "stray" / "notes.py"
    stray.parent.mkdir()
    stray.write_text("x = 1\n")
    editor = start(file=stray)
    editor.to_line(0)
    editor.type("y = ")
    editor.until(editor.ghost, "ghost text")
    editor.ask("Where?")
    editor.until(lambda: "no folder is open" in editor.answer(), "why there is no answer")
    assert not editor.notices()


def test_a_server_that_is_starting_is_said_to_start(start: Start, driver: type[Editor], workplace: Workplace) -> None:
    """Whoever asks too early hears that it takes a moment, not that something is broken."""
    slow = workplace.home / "slow-copilot"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    editor = start(driver.program_setup(str(slow), "lsp"), waits=False)
    editor.until(lambda: editor.place()[0] == str(workplace.code), "the file")

    def says() -> bool:
        editor.show_status()
        return "the language server is starting" in editor.shown().lower()

    editor.until(says, "the state")
