"""What a model may say, fuzzed: answers, the sentence about a finding, completions and code written anew."""

import io
import json
import re
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rich.console import Console

from copilot.app import App
from copilot.cli.markdown import MarkdownStream
from copilot.cli.render import Terminal, clean
from copilot.cli.review_text import ReviewText
from copilot.config import Settings
from copilot.prompts.rewrite import code_in
from copilot.repo.changes import Changes, staged
from copilot.review.cache import no_cache
from copilot.review.calibration import Calibration
from copilot.review.change import ChangeView
from copilot.review.document import document
from copilot.review.edits import Edit
from copilot.review.facts import Deadline
from copilot.review.finding import Coverage, Finding
from copilot.review.github import annotation
from copilot.review.sarif import sarif
from copilot.tasks.citations import CitationCheck
from copilot.tasks.complete.extent import BlockEnd, Extent, Site
from copilot.tasks.complete.filter import Draft, DroppedError, filtered
from copilot.tasks.model import ChatModel
from copilot.tasks.model_review.asking import Desk
from copilot.tasks.model_review.checks import Checker
from copilot.tasks.model_review.critic import Critic
from copilot.tasks.model_review.judge import Weighed, Worthwhile
from copilot.tasks.rewrite import as_indented
from copilot.testing import ScriptedSession, make_repo, run_git, write_tiny_model

_STEERING = set("\x00\x07\x1b\x7f\x9b\u202e\r")


class _Files:
    """One file of ten lines, whatever its name."""

    @property
    def paths(self) -> list[str]:
        return ["src/a.py", "README.md", "a file.md"]

    def lines(self, path: str, /) -> list[str] | None:
        return [f"def name_{n}(): pass" for n in range(10)] if path in self.paths else None


def answer(content: bytes) -> None:
    """An answer in pieces: its citations are checked, and what reaches the terminal steers nothing."""
    text = content.decode("utf-8", "replace")
    check = CitationCheck(_Files(), ())
    step = 1 + len(text) % 7
    said = "".join(check.decode(text[at : at + step]) for at in range(0, len(text), step)) + check.flush()
    screen = io.StringIO()
    with MarkdownStream(Console(file=screen, force_terminal=True, width=80, height=24, color_system=None)) as stream:
        stream.write(said)
    shown = screen.getvalue()
    # What moves the live block are the terminal's own codes; of the answer none may be left.
    assert not set(clean(said)) & _STEERING
    assert "\x07" not in shown and "\x9b" not in shown and "\u202e" not in shown


_CHECK = "---\nname: no-print\ndescription: No output\n---\nCode prints nothing.\n"
_BEFORE = {
    "a.py": "def f(a, b):\n    if a < b:\n        return a\n    return b\n\n\ndef g(c):\n    return c\n",
    ".copilot/checks/no-print.md": _CHECK,
}
_AFTER = _BEFORE | {
    "a.py": "def f(a, b):\n    if a <= b:\n        return a\n    return b\n\n\ndef g(c):\n    print(c)\n    return c\n"
}
_LIKELY, _UNLIKELY = ((-0.1,) * 200,), ((-1.0,) * 200,)


@dataclass(frozen=True, slots=True)
class _Suspicious:
    """A judge to whom every edit stands out."""

    def weigh(self, edit: Edit, is_worthwhile: Worthwhile) -> Weighed:
        return Weighed(9.0)


@cache
def _reviewed(folder: Path) -> tuple[ChatModel, Changes]:
    root = make_repo(folder / "project", _BEFORE)
    make_repo(root, _AFTER, git=False)
    run_git(root, "add", "--all")
    model = write_tiny_model(folder / "review.gguf", "qwen2")
    settings = Settings(model=str(model), cache_dir=folder / "cache", models_dir=folder / "models")
    return App(settings).chat_model(), staged(root)


def review(folder: Path, content: bytes) -> None:
    """A sentence about a finding: it moves no finding, quotes nothing that is not there and fits every format."""
    model, changes = _reviewed(folder)
    text = content.decode("utf-8", "replace")
    session = ScriptedSession(answer=lambda request: text)
    desk = Desk(lambda: "tiny", lambda: (model, session))
    change = ChangeView(changes)
    flat = Calibration((), tuple(each / 10 for each in range(-20, 21)), (0.0, 1.0, 2.0))
    critic = Critic(desk, no_cache(), 3, lambda asking: _Suspicious(), lambda asking: flat)
    session.enqueue_scores(_LIKELY, _UNLIKELY)
    events = [*critic.findings(change, Deadline()), *Checker(desk, no_cache()).findings(change, Deadline())]
    findings = [event for event in events if isinstance(event, Finding)]
    assert [(each.path, each.rule) for each in findings] == [("a.py", "likely-mistake"), ("a.py", "check:no-print")]
    code = "".join((_BEFORE["a.py"] + _AFTER["a.py"]).split())
    for finding in findings:
        assert "\n" not in finding.message and len(finding.message) < 400 + len(text)
        for quoted in re.findall("`([^`]+)`", finding.message):
            assert "".join(quoted.split()).rstrip("()") in code
        assert not set(annotation(finding)) & set("\r\n")
    coverage = Coverage(1, 1, ())
    json.dumps(document(findings, coverage, desk.usage), allow_nan=False).encode()
    json.dumps(sarif(findings, coverage, (), "0"), allow_nan=False).encode()
    screen = io.StringIO()
    with redirect_stdout(screen):
        shown = ReviewText(Terminal(), changes)
        for finding in findings:
            shown.finding(finding)
    assert not set(screen.getvalue()) & _STEERING


_SITES: tuple[tuple[Site, Extent], ...] = (
    (Site("a.py", "import os\n\n\ndef total(values):\n    ", "\n\n\nx = total([1])\n"), "block"),
    (Site("a.py", "x = total(", ")\nprint(x)\n"), "line"),
    (Site("a.ts", "const a = [f(", ")];\n}\n"), "line"),
    (Site("notes", "one\ntwo", " three\n"), "block"),
)


def completion(content: bytes) -> None:
    """A completion: what is shown is a beginning of it and takes nothing beyond the cursor's line."""
    text = content[1:].decode("utf-8", "replace")
    site, extent = _SITES[content[0] % len(_SITES) if content else 0]
    end = BlockEnd(site, extent)
    length = next((at for at in range(0, len(text), 5) if end.add(text[at : at + 5])), len(text)) + 5
    draft = Draft(text[:length], site, extent, automatic=len(text) % 2 == 0)
    try:
        shown, replaced = filtered(draft)
    except DroppedError:
        return
    assert shown and text.startswith(shown)
    assert not set(shown) & (_STEERING - set("\r\u202e"))
    assert 0 <= replaced <= len(site.line_after)


def rewriting(content: bytes) -> None:
    """Code in place of other code: a piece of the answer, line by line, moved in as far as the other was."""
    text = content.decode("utf-8", "replace")
    code = code_in(text)
    assert code in text
    for like in ("x = 1", "    x = 1\n      y = 2", "\t\tx"):
        moved = as_indented(code, like)
        assert [line.strip() for line in moved.split("\n")] == [line.strip() for line in code.split("\n")]


ANSWER = "See `src/a.py:3-4` and [README](README.md:99).\n\n```py\nx\n```\n\x1b]0;t\x07 \u202e <b>|a|\n|-|\n".encode()
SENTENCES = [
    b'{"problem": "`a <= b` swaps equal values in `f()`."}',
    b'{"problem": "`frobnicate()` leaks.\\n\\u001b[2J"}',
    b'{"problem": ["cut"',
]
COMPLETIONS = [
    b"\0result = 0\n    for value in values:\n        result += value\n    return result\n\n\ndef f():\n",
    b"\1[1, 2])\nprint(x)\n",
    b"\3```\n# path: a.py\n<|x|>",
]
REWRITINGS = [b"Sure:\n\n```python\nif x:\n    y\n```\nand more", b"````\n```\nx\n```\n````", b"  x\n\n  y\n"]
