"""Markdown on a terminal while it arrives."""

import sys
from types import TracebackType
from typing import Self

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.markdown import Markdown
from rich.segment import Segment

from copilot.cli.interrupts import held
from copilot.cli.render import clean


class _Tail:
    """The last lines of a block that is still growing, as many as the screen has room for."""

    def __init__(self, text: str) -> None:
        self._markdown = Markdown(text, hyperlinks=False)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in console.render_lines(self._markdown, options)[-max(1, console.height - 2) :]:
            yield from line
            yield Segment.line()


class MarkdownStream:
    """Finished blocks stay printed, the last one is drawn live.

    Plain text passes through where stdout is not a terminal, without what would steer one behind a pipe.
    """

    def __init__(self, out: Console) -> None:
        self._out = out
        self._pending = ""
        self._live: Live | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None or self._live is not None:  # the cursor is hidden until the live block ends
            self.close()

    def write(self, text: str) -> None:
        if not self._out.is_terminal:
            sys.stdout.write(clean(text))
            sys.stdout.flush()
        else:
            self._draw(clean(text))

    @held()
    def _draw(self, text: str) -> None:
        self._pending += text
        finished, self._pending = split_blocks(self._pending)
        if finished:
            self._print(finished)
        if self._pending.strip():
            if self._live is None:
                self._live = Live(console=self._out, auto_refresh=False, transient=True)
                self._live.start()
            self._live.update(_Tail(self._pending), refresh=True)

    def close(self) -> None:
        """Print what is left; the next write begins a new block."""
        if not self._out.is_terminal:
            sys.stdout.write("\n")
        else:
            self._finish()

    @held()
    def _finish(self) -> None:
        if self._pending.strip():
            self._print(self._pending)
        self._pending = ""

    def _print(self, block: str) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
        self._out.print(Markdown(block, hyperlinks=False))  # where a link leads is shown, not hidden
        self._out.print()


def split_blocks(text: str) -> tuple[str, str]:
    """Text up to the last blank line outside a code fence, and the rest."""
    fence, cut, position = "", 0, 0
    for line in text.splitlines(keepends=True):
        position += len(line)
        mark = line.strip()
        if fence:
            if mark.startswith(fence) and not mark.strip(fence[0]):
                fence = ""
        elif mark.startswith(("```", "~~~")):
            fence = mark[: len(mark) - len(mark.lstrip(mark[0]))]
        elif not mark and line.endswith("\n"):
            cut = position
    return text[:cut], text[cut:]
