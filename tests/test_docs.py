"""The documents say what is: commands as they are, promises with tests that exist, links that lead somewhere."""

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from copilot.cli import copilot
from tests.docs import PATH, rendered

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted((ROOT / "docs").glob("*.md"))
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
_LINK = re.compile(r"\]\((?!https?:)([^)#]*)(#[^)]*)?\)")
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_QUOTED = re.compile(r"`(copilot\s[^`]+)`")
_LINE = re.compile(r"^(?:\$ |.*\| )?(copilot .+)$", re.MULTILINE)
_OWN = re.compile(r"python -m (tests\.[\w.]+|lsp)|pytest (?:-\S+ )*(tests/[\w/.]+)")


def test_the_command_reference_is_current() -> None:
    """Run `python -m tests.docs` after a command has changed."""
    assert PATH.read_text(encoding="utf-8") == rendered()


def test_every_promise_of_security_names_tests_that_exist() -> None:
    """Each row of the table of promises has one, and each name is a function in that file."""
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    promises = text[text.index("## Promises") : text.index("## Not promised")]
    rows = [line for line in promises.splitlines() if line.startswith("| ") and not line.startswith("| promise")]
    assert len(rows) >= 15
    for row in rows:
        named = _TEST.findall(row)
        assert named, row
        for file, name in named:
            tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
            assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, (file, name)


PAGES = pytest.mark.parametrize("document", [*DOCUMENTS, ROOT / "README.md"], ids=lambda path: path.name)


@PAGES
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    """Relative links are paths from the document they stand in; what follows a # is a heading there."""
    for target, anchor in _LINK.findall(document.read_text(encoding="utf-8")):
        path = document.parent / target if target else document
        assert path.exists(), target
        assert not anchor or anchor[1:] in anchors(path.read_text(encoding="utf-8")), (target, anchor)


def anchors(text: str) -> set[str]:
    """Headings as links name them."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_index_names_every_page() -> None:
    """Whoever begins there can get everywhere."""
    named = {target for target, _ in _LINK.findall((ROOT / "docs" / "index.md").read_text(encoding="utf-8"))}
    assert {path.name for path in DOCUMENTS} - {"index.md"} == named


@PAGES
def test_commands_that_are_shown_exist(document: Path) -> None:
    """Every command and option of `copilot` in a page is one there is; modules and tests that are named are there."""
    text = document.read_text(encoding="utf-8").replace("\\|", "|")
    for shown in commands(text):
        assert unknown(shown) is None, shown
    for module, path in _OWN.findall(text):
        file = ROOT / (path or module.replace(".", "/"))
        assert file.exists() or file.with_suffix(".py").exists(), module or path


def commands(text: str) -> Iterator[str]:
    """What follows the name of the program, in backticks and in blocks."""
    yield from (shown.replace("\n", " ") for shown in _QUOTED.findall(_FENCE.sub("", text)))
    for block in _FENCE.findall(text):
        if not block.startswith("```text"):
            yield from _LINE.findall(block)


def unknown(shown: str) -> str | None:
    """The first word of a command that means nothing; None if all do."""
    words = shlex.split(shown.partition(" | ")[0], comments=True)[1:]
    command: click.Command = copilot
    for word in words:
        if isinstance(command, click.Group) and not word.startswith(("-", "…")):
            below = command.get_command(click.Context(command), word.rstrip(","))
            if below is None:
                return word
            command = below
        elif word.startswith("-") and word != "-":
            options = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
            if word.partition("=")[0] not in options | {"-h", "--help", "--version"}:
                return word
    return None
