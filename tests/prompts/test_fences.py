"""Fences that nothing between them can close."""

import re

from hypothesis import given
from hypothesis import strategies as st

from copilot.prompts.fences import fenced


def test_a_fence_is_longer_than_any_in_the_text() -> None:
    """Code cannot leave its block."""
    assert fenced("```\nx\n```", "md") == "````md\n```\nx\n```\n````"
    assert fenced("x") == "```\nx\n```"


@given(st.text("`a\n ", max_size=60))
def test_no_run_of_backticks_in_the_text_reaches_its_fence(text: str) -> None:
    """Whatever the text, its fence stands there twice: before and after it."""
    shown = fenced(text)
    fence = shown.partition("\n")[0]
    assert [run for run in re.findall("`+", shown) if len(run) >= len(fence)] == [fence, fence]


def test_a_megabyte_of_backticks_is_fenced_at_once() -> None:
    """A hostile line of a repository costs no more than any other: its runs are measured, not tried."""
    assert len(fenced("`" * 1_000_000)) == 3_000_000 + len("\n\n") + 2
