"""Markdown: which lines are headings, what they hold, and what only looks like one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot.repo.headings import structure


def headings(text: str) -> list[str]:
    """Line, level and title of each."""
    return [f"{d.start_line} {d.signature}" for d in structure(text).definitions]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# One #\n", ["1 # One"]),
        ("   ## Two\n", ["1 ## Two"]),
        ("# `code` and [a link](x.md) ##\n", ["1 # code and a link"]),
        ("# Name {#anchor}\n", ["1 # Name"]),
        ("# <a id='x'></a>Shown\n", ["1 # Shown"]),
        ("Title\nover two lines\n=====\n", ["1 # Title over two lines"]),
        ("Sub\n---\n", ["1 ## Sub"]),
        ("# C#\n", ["1 # C#"]),
        ("---\ntitle: x\n---\n# One\n", ["4 # One"]),
        ("````\n```\n# code\n````\n# One\n", ["5 # One"]),
    ],
)
def test_a_heading_is_read_with_its_title(text: str, expected: list[str]) -> None:
    """Markup and closing signs are taken off; settings above the text are skipped."""
    assert expected == headings(text)


@pytest.mark.parametrize(
    "text",
    [
        "#hashtag\n", "####### seven\n", "    # code\n", "```\n# code\n```\n", "~~~ sh\n# code\n~~~\n", "> # quoted\n",
        "- item\n---\n", "\n---\n", "| a | b |\n|---|---|\n", "<!--\n# hidden\n-->\n", "#\n", "```\n# never closed\n",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_heading_is_none(text: str) -> None:
    """Code, quotes, lists, tables, rules and comments."""
    assert headings(text) == []


def test_a_heading_holds_the_lines_up_to_the_next_of_its_level() -> None:
    """And the headings below it are within it, by lines and by name."""
    found = structure("# A\ntext\n## B\n### C\n## D\n# E\nend\n").definitions
    expected = [("A", 1, 5), ("A.B", 3, 4), ("A.B.C", 4, 4), ("A.D", 5, 5), ("E", 6, 7)]
    assert expected == [(d.qualified, d.start_line, d.end_line) for d in found]


@given(st.lists(st.sampled_from(["# a", "## b", "text", "", "---", "===", "```", "<!--", "-->", "- x"]), max_size=30))
def test_scopes_nest(lines: list[str]) -> None:
    """A heading lies within the lines of its parent."""
    found = structure("\n".join(lines)).definitions
    for inner in found:
        around = [d for d in found if d.start_line < inner.start_line <= d.end_line]
        assert all(inner.end_line <= outer.end_line for outer in around)
        assert ".".join(outer.name for outer in around) == inner.parent
