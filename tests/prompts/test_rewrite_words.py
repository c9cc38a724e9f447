"""The words around code that is to be written, and finding the code in an answer."""

import pytest

from copilot.prompts.rewrite import about_code, code_in, rewriting, writing

CODE = "x = '```'\n"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("```python\nx = 1\n```", "x = 1"),
        ("Sure:\n\n```\n    x = 1\n\ny\n```\nand ```more```\n", "    x = 1\n\ny"),
        ("````\n```\nx\n```\n````", "```\nx\n```"),
        ("x = 1\n", "x = 1"),
        ("```python\nx = 1", "x = 1"),
        ("", ""),
    ],
)
def test_code_of_an_answer_is_its_first_block(answer: str, code: str) -> None:
    """Whatever stands around it; an answer without a block is code, one that was cut is what there is of it."""
    assert code_in(answer) == code


@pytest.mark.parametrize("words", [about_code, rewriting, writing])
def test_code_is_fenced_beyond_its_own_fences(words) -> None:
    """Code that holds a fence cannot end the block it is shown in, and its place is named."""
    text = words("Do it.", CODE, "a.py:1-1")
    assert f"\n````\n{CODE}````" in text
    assert "Do it." in text and "`a.py:1-1`" in text
