"""Markdown fences that a text cannot close. Pure functions of values; does not know what the text is."""

import re

_RUNS = re.compile("`+")


def fence_of(*texts: str) -> str:
    """Backticks, one more than stand together in any of the texts, and at least three."""
    longest = max((len(run) for text in texts for run in _RUNS.findall(text)), default=0)
    return "`" * max(3, longest + 1)


def fenced(text: str, language: str = "") -> str:
    """A text between fences longer than any in it."""
    fence = fence_of(text)
    return f"{fence}{language}\n{text}\n{fence}"
