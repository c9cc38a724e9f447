"""The streamed answer on a terminal."""

import io
import signal
import threading

import pytest
from rich.console import Console

from copilot.cli.interrupts import held
from copilot.cli.markdown import MarkdownStream, split_blocks
from copilot.cli.render import clean


@pytest.mark.parametrize(
    ("text", "finished", "rest"),
    [
        ("one", "", "one"),
        ("one\n\ntwo", "one\n\n", "two"),
        ("```py\na\n\nb\n", "", "```py\na\n\nb\n"),
        ("````\n```\n\n````\n\nx", "````\n```\n\n````\n\n", "x"),
        ("a\n\n~~~\n\n", "a\n\n", "~~~\n\n"),
    ],
)
def test_blocks_end_at_blank_lines_outside_fences(text: str, finished: str, rest: str) -> None:
    """What may still change is kept back; a fence is one block."""
    assert split_blocks(text) == (finished, rest)


def test_every_word_reaches_the_terminal_once() -> None:
    """Blocks longer than the screen are printed whole when they end, and nothing is drawn twice."""
    screen = io.StringIO()
    out = Console(file=screen, force_terminal=True, width=60, height=8, color_system=None)
    stream = MarkdownStream(out)
    words = [f"word{n}" for n in range(120)]
    for word in words:
        stream.write(word + ("\n\n" if word == "word99" else " "))
    stream.close()
    last = screen.getvalue().rpartition("\x1b[")[2]
    assert "word119" in last
    kept = screen.getvalue()
    assert all(word in kept for word in words)


def test_control_characters_do_not_reach_the_terminal() -> None:
    """An answer or a file name cannot move the cursor or set the title."""
    assert clean("a\x1b]0;evil\x07b\x9bc\td\n") == "a�]0;evil�b�c\td\n"


class Interrupting(io.StringIO):
    """A screen where Ctrl-C is pressed at each of some writes."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self._left = at

    def write(self, text: str, /) -> int:
        self._left -= 1
        if not self._left:
            signal.raise_signal(signal.SIGINT)
        return super().write(text)


@pytest.mark.parametrize("at", range(1, 8))
def test_ctrl_c_leaves_the_terminal_as_it_was(at: int) -> None:
    """Whenever it comes while a block is drawn, the cursor is seen again and nothing but the interrupt is raised."""
    screen = Interrupting(at)
    out = Console(file=screen, force_terminal=True, width=60, height=8, color_system=None)
    with pytest.raises(KeyboardInterrupt), MarkdownStream(out) as stream:
        for word in ("one ", "two\n\n", "three ", "four"):
            stream.write(word)
        stream.close()
    assert screen.getvalue().count("\x1b[?25l") == screen.getvalue().count("\x1b[?25h") > 0


def test_an_interrupt_is_held_in_the_main_thread_only() -> None:
    """It comes at the end of the block, and again at once afterwards; another thread has none to hold."""
    reached = []
    with pytest.raises(KeyboardInterrupt), held():
        signal.raise_signal(signal.SIGINT)
        reached.append("end")
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    thread = threading.Thread(target=held()(lambda: reached.append("thread")))
    thread.start()
    thread.join()
    assert reached == ["end", "thread"]
