"""What a person sees: progress and notices on stderr, the answer alone on stdout; plain where no terminal is."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

from rich.console import Console
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
    "review": "Reviewing",
}


PIPED_COLUMNS = 1000
"""Wide enough that no line is folded before it reaches another program."""


def clean(text: str) -> str:
    """Text without control characters that a terminal would obey; line ends and tabs stay."""
    return "".join(
        c if c in "\n\t" or (ord(c) >= 32 and not 127 <= ord(c) < 160) else "\N{REPLACEMENT CHARACTER}" for c in text
    )


def print_json(document: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(document) + "\n")


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
        if not self.out.is_terminal:
            self.out.width = PIPED_COLUMNS
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
