"""The bars that show how far a stage is; only a terminal needs them.

Knows rich and what a stage reports, no command.
"""

from typing import Any

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
from copilot.cli.interrupts import held
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


class Bars:
    """One bar per stage on a console; the one that reported last is seen."""

    @held()
    def __init__(self, console: Console) -> None:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(30), TextColumn("{task.fields[count]}"))
        self._progress = Progress(*columns, _Rate(), TimeElapsedColumn(), console=console, transient=True)
        self._tasks: dict[str, TaskID] = {}
        self._progress.start()

    @held()
    def stop(self) -> None:
        """Take the bars away."""
        self._progress.stop()

    @held()
    def report(self, progress: events.Progress) -> None:
        """Draw one step of a stage; a stage appears when it first reports."""
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
        task = self._progress.tasks[self._progress.task_ids.index(self._tasks[progress.stage])]
        return progress.total is not None and task.total is not None and task.total != progress.total - progress.reused
