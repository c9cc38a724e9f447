"""`copilot chat` on a tiny model that runs the real engine: a pipe, and a person at a terminal."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any


def test_lines_of_a_pipe_are_questions_that_follow_each_other(run, project: Path, tiny: Path) -> None:
    """Each answer is one document; a later prompt holds what was said before, of which most is not read again."""
    questions = ["Where are values stored?", "", "Which port is used?", "And why?", "Since when?"]
    ran = run("chat", "-C", project, "--json", stdin="\n".join(questions) + "\n", COPILOT_MAX_ANSWER_TOKENS="200")
    answers: list[dict[str, Any]] = [json.loads(line) for line in ran.out.splitlines()]
    assert (ran.code, len(answers)) == (0, 4), ran.err
    alone = run("ask", "Since when?", "-C", project, "--json", COPILOT_MAX_ANSWER_TOKENS="1").json["usage"]
    last = answers[3]["usage"]
    said = sum(answer["usage"]["generated_tokens"] for answer in answers[:3])
    assert last["prompt_tokens"] > alone["prompt_tokens"] + said // 2
    assert last["reused_tokens"] > alone["prompt_tokens"]


class Conversation:
    """A chat at a terminal of its own."""

    def __init__(self, project: Path) -> None:
        self._ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "copilot", "chat", "-C", str(project)]
        environment = os.environ | {"COPILOT_MAX_ANSWER_TOKENS": "2000", "TERM": "xterm"}
        self.process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
        )
        os.close(theirs)
        self.seen, self._at = "", 0

    def until(self, text: str, seconds: float = 60) -> None:
        """Read until `text` follows what was waited for before."""
        end = time.monotonic() + seconds
        while text not in self.seen[self._at :]:
            assert time.monotonic() < end, self.seen
            if select.select([self._ours], [], [], 0.2)[0]:
                self.seen += os.read(self._ours, 65536).decode(errors="replace")
        self._at = self.seen.index(text, self._at) + len(text)

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def close(self) -> None:
        os.close(self._ours)
        self.process.kill()
        self.process.wait()


def test_ctrl_c_stops_an_answer_and_ctrl_d_the_conversation(project: Path, tiny: Path) -> None:
    """At a terminal, a stopped answer is no end, and the end is no error."""
    chat = Conversation(project)
    try:
        chat.until("> ")
        chat.type("Explain everything\n")
        chat.until("Reading")
        chat.until("\x1b[?25h")  # the bars are gone: it writes
        chat.process.send_signal(signal.SIGINT)
        chat.until("goes on")
        chat.until("> ")
        chat.type("\x04")
        assert chat.process.wait(timeout=60) == 0
        assert "Traceback" not in chat.seen
    finally:
        chat.close()
