"""What a person sees: progress and notices on stderr, the answer alone on stdout; plain where no terminal is."""

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Self

from copilot import events

if TYPE_CHECKING:  # rich is imported when something is drawn: a pack into a pipe is done without it
    from rich.console import Console

    from copilot.cli.bars import Bars

PIPED_COLUMNS = 1000
"""Wide enough that no line is folded before it reaches another program."""

_FORCING = ("FORCE_COLOR", "TTY_COMPATIBLE")
"""Variables that make rich take anything for a terminal."""


_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")
"""Control characters but tab and line feed; what turns the direction of text; tags, which nobody sees."""


def clean(text: str) -> str:
    """Text without characters that a terminal would obey or hide behind; line ends and tabs stay."""
    return _STEERING.sub("\N{REPLACEMENT CHARACTER}", text)


def print_json(document: Mapping[str, object] | Sequence[Mapping[str, object]]) -> None:
    sys.stdout.write(json.dumps(document) + "\n")


class Terminal:
    """The two consoles of a command."""

    def __init__(self) -> None:
        self._bars: Bars | None = None

    @cached_property
    def out(self) -> "Console":
        from rich.console import Console

        console = Console(highlight=False)
        if not console.is_terminal:
            console.width = PIPED_COLUMNS
        return console

    @cached_property
    def err(self) -> "Console":
        from rich.console import Console

        return Console(stderr=True, highlight=False)

    @contextmanager
    def working(self) -> Iterator[Self]:
        """Show progress inside the block, if stderr is a terminal."""
        may_draw = sys.stderr.isatty() or any(name in os.environ for name in _FORCING)
        if not (may_draw and self.err.is_terminal):
            yield self
            return
        from copilot.cli.bars import Bars

        self._bars = Bars(self.err)
        try:
            yield self
        finally:
            self.stop_progress()

    def report(self, progress: events.Progress) -> None:
        """Draw one step of a stage; a stage appears when it first reports."""
        if self._bars is not None:
            self._bars.report(progress)

    def notice(self, notice: events.Notice) -> None:
        from rich.text import Text

        style = {"hint": "dim", "warning": "yellow"}[notice.level]
        self.err.print(Text(f"{'warning: ' if notice.level == 'warning' else ''}{clean(notice.text)}", style=style))

    def stop_progress(self) -> None:
        """Clear the bars before the answer begins."""
        if self._bars is not None:
            self._bars.stop()
            self._bars = None
