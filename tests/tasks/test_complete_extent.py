"""How much to write: a line or a block, and where it ends."""

import pytest

from copilot.tasks.complete.extent import MOST_LINES, BlockEnd, Extent, Site, extent

CASES = [
    ("a.py", "def f():\n    ", "\n", "block"),
    ("a.py", "def f():", "\n", "block"),
    ("a.py", "def f():", "\n    return 1\n", "line"),
    ("a.py", "def f():\n    ", "\n    return 1\n", "line"),
    ("a.py", "x = ", "\n", "line"),
    ("a.py", "f(", ")\n", "line"),
    ("a.py", "if a", " and b:\n    pass\n", "line"),
    ("a.py", "# to do:", "\n", "line"),
    ("a.py", 'x = """Write:', '\n"""\n', "line"),
    ("a.js", "function f() {\n  ", "\n}\n", "block"),
    ("a.go", "func f() {\n\t", "\n}\n", "block"),
    ("a.unknown", "begin\n  ", "\n", "block"),
]


@pytest.mark.parametrize(("path", "before", "after", "wanted"), CASES)
def test_a_block_is_written_where_one_is_open_and_empty(path: str, before: str, after: str, wanted: Extent) -> None:
    """Everywhere else a line is: in comments, strings, calls, in the middle of lines and above what is there."""
    assert extent(Site(path, before, after)) == wanted


def ended(site: Site, how: Extent, text: str) -> str:
    """What of a text is written before it is seen to be complete."""
    end, written = BlockEnd(site, how), ""
    for sign in text:
        written += sign
        if end.add(sign):
            break
    return written


def test_a_line_is_complete_at_its_end() -> None:
    """Line ends before it do not count."""
    assert ended(Site("a.py", "import os", "\n"), "line", "\nimport re\nimport sys\n") == "\nimport re\n"


@pytest.mark.parametrize(
    ("written", "until"),
    [
        ("a = 1\n    b = 2\n\n    c = 3\n", "a = 1\n    b = 2\n\n"),
        ("a = 1\nb = 2\nc = 3\n", "a = 1\nb = 2\n"),
        ("a = 1\n" + "    b = 2\n" * 30, "a = 1\n" + "    b = 2\n" * 4),
        ("a = (\n" + "        2,\n" * 30, "a = (\n" + "        2,\n" * (MOST_LINES - 1)),
    ],
)
def test_a_block_ends_at_a_blank_line_less_indentation_or_when_it_parses(written: str, until: str) -> None:
    """The model need not have ended."""
    assert ended(Site("a.py", "def f():\n    ", "\n"), "block", written) == until
