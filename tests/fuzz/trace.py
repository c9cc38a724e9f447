"""Which lines of the project an input runs through: what mutation is guided by."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import copilot

ROOT = str(Path(copilot.__file__).parent.parent)
FOLDERS = tuple(f"{ROOT}/{name}/" for name in ("copilot", "lsp"))

Line = tuple[str, int]
Result = TypeVar("Result")


def traced(call: Callable[[], Result], seen: set[Line]) -> tuple[Result, bool]:
    """The result of a call, and whether it ran through a line of the project that is not in `seen`, which grows."""
    known = len(seen)

    def on_line(frame: FrameType, event: str, argument: Any) -> Any:
        seen.add((frame.f_code.co_filename, frame.f_lineno))
        return on_line

    def on_call(frame: FrameType, event: str, argument: Any) -> Any:
        return on_line if frame.f_code.co_filename.startswith(FOLDERS) else None

    before = sys.gettrace()
    sys.settrace(on_call)
    try:
        result = call()
    finally:
        sys.settrace(before)
    return result, len(seen) > known
