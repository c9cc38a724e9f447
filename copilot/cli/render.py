"""What a person sees: progress and notices on stderr, the answer alone on stdout; plain where no terminal is."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.markdown import Markdown
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.segment import Segment
from rich.text import Text

from copilot import events
from copilot.tasks.speed import duration

STAGES = {
    "walk": "Walking",
    "parse": "Parsing",
    "load": "Loading the model",
    "restore": "Restoring",
    "read": "Reading",
    "fetch": "Fetching",
    "verify": "Verifying",
}


def clean(text: str) -> str:
    """Text without control characters that a terminal would obey; line ends and tabs stay."""
    return "".join(
        c if c in "\n\t" or (ord(c) >= 32 and not 127 <= ord(c) < 160) else "\N{REPLACEMENT CHARACTER}" for c in text
    )


def print_json(document: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")


class _Rate(ProgressColumn):
    """Reading speed, the time left at that speed, and the share that did not have to be read."""

    def render(self, task: Task) -> Text:
        parts = []
        if task.fields["unit"] == "tokens" and task.speed:
            parts.append(f"{task.speed:.0f} tokens/s")
            if task.total is not None:
                parts.append(f"{duration((task.total - task.completed) / task.speed)} left")
        if reused := task.fields["reused"]:
            parts.append(f"{reused:,} reused")
        return Text(" · ".join(parts), style="dim")


class Terminal:
    """The two consoles of a command."""

    def __init__(self) -> None:
        self.out = Console(highlight=False)
        self.err = Console(stderr=True, highlight=False)
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    @contextmanager
    def working(self) -> Iterator[Self]:
        """Show progress inside the block, if stderr is a terminal."""
        if not self.err.is_terminal:
            yield self
            return
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(30), TextColumn("{task.fields[count]}"))
        with Progress(*columns, _Rate(), TimeElapsedColumn(), console=self.err, transient=True) as self._progress:
            try:
                yield self
            finally:
                self._progress, self._tasks = None, {}

    def report(self, progress: events.Progress) -> None:
        """Draw one step of a stage; a stage appears when it first reports."""
        if self._progress is None:
            return
        reused = progress.reused
        done, total = progress.done - reused, None if progress.total is None else progress.total - reused
        count = f"{progress.done:,}" + (f"/{progress.total:,}" if progress.total else "") + f" {progress.unit}"
        fields: dict[str, Any] = {
            "count": "" if progress.unit == "steps" else count,
            "unit": progress.unit,
            "reused": reused,
        }
        if progress.stage not in self._tasks or self._restarted(progress):
            for task in self._tasks.values():
                self._progress.update(task, visible=False)
            task = self._progress.add_task(STAGES[progress.stage], total=total, completed=0, **fields)
            self._tasks[progress.stage] = task
        self._progress.update(self._tasks[progress.stage], completed=done, total=total, **fields)

    def _restarted(self, progress: events.Progress) -> bool:
        assert self._progress is not None
        task = self._progress.tasks[self._progress.task_ids.index(self._tasks[progress.stage])]
        return progress.total is not None and task.total is not None and task.total != progress.total - progress.reused

    def notice(self, notice: events.Notice) -> None:
        style = {"hint": "dim", "warning": "yellow"}[notice.level]
        self.err.print(Text(f"{'warning: ' if notice.level == 'warning' else ''}{clean(notice.text)}", style=style))

    def stop_progress(self) -> None:
        """Clear the bars before the answer begins."""
        if self._progress is not None:
            self._progress.stop()
            self._progress, self._tasks = None, {}


class _Tail:
    """The last lines of a block that is still growing, as many as the screen has room for."""

    def __init__(self, text: str) -> None:
        self._markdown = Markdown(text)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in console.render_lines(self._markdown, options)[-max(1, console.height - 2) :]:
            yield from line
            yield Segment.line()


class MarkdownStream:
    """Markdown on a terminal while it arrives: finished blocks stay printed, the last one is drawn live.

    Plain text passes through unchanged where stdout is not a terminal.
    """

    def __init__(self, out: Console) -> None:
        self._out = out
        self._pending = ""
        self._live: Live | None = None

    def write(self, text: str) -> None:
        if not self._out.is_terminal:
            sys.stdout.write(text)
            sys.stdout.flush()
            return
        self._pending += clean(text)
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
        elif self._pending.strip():
            self._print(self._pending)
        self._pending = ""

    def _print(self, block: str) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
        self._out.print(Markdown(block))
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
