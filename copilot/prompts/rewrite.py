"""The words around a piece of code that is to be explained or written anew. Pure functions of values."""

import re

from copilot.prompts.fences import fenced

EXPLAIN = "Explain what this code does and why, and what one should know before changing it."
REFACTOR = "Rewrite this code so that it is clearer and simpler, and does exactly the same."
DOCUMENT = "Write the documentation comments or docstrings that are missing in this code; change nothing else."
TESTS = "Write a file with tests for this code, in the style of the tests that the repository has."

_FENCE = re.compile(r"^[ \t]*(`{3,})[^\n`]*\n(.*?)(?:^[ \t]*\1`*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)


def about_code(text: str, code: str, where: str) -> str:
    """A question about code that the editor shows, at `path:first-last`."""
    return f"{text}\n\nThis is about `{where}`, as the editor has it now:\n{fenced(code.rstrip())}"


def rewriting(instruction: str, code: str, where: str) -> str:
    """The turn that asks for code in place of other code."""
    return (
        f"Here is `{where}` as the editor has it now:\n{fenced(code.rstrip())}\n\n{instruction}\n\n"
        "Answer with one fenced code block that holds the whole new text of these lines and nothing else: "
        "no explanation, no line that stands outside them."
    )


def writing(instruction: str, code: str, where: str) -> str:
    """The turn that asks for a new file about some code."""
    return (
        f"Here is `{where}` as the editor has it now:\n{fenced(code.rstrip())}\n\n{instruction}\n\n"
        "Answer with one fenced code block that holds the whole new file and nothing else."
    )


def code_in(answer: str) -> str:
    """The code of the first fenced block of an answer; all of it where there is no block."""
    found = _FENCE.search(answer)
    return (found[2] if found else answer).strip("\n")
