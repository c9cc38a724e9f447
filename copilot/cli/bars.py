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
from rich.table import Column
from rich.text import Text

from copilot import events
from copilot.cli.interrupts import held
from copilot.models.store import gigabytes
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


def amount(count: int, unit: str) -> str:
    """A count without its unit, or bytes with theirs."""
    return gigabytes(count) if unit == "bytes" else f"{count:,}"


def pace(unit: str, speed: float | None, left: float | None) -> str:
    """Speed, per second, and the time that what is left takes at it; empty for what is over in a moment anyway."""
    if not speed or unit not in ("bytes", "tokens"):
        return ""
    told = f"{gigabytes(round(speed))}/s" if unit == "bytes" else f"{speed:.0f} tokens/s"
    return told if left is None else f"{told} · {duration(left / speed)} left"


def _count(progress: events.Progress) -> str:
    unit, known = progress.unit, progress.total
    counts = amount(progress.done, unit) + (f"/{amount(known, unit)}" if known else "")
    return counts if unit == "bytes" else f"{counts} {unit}"


class _Rate(ProgressColumn):
    """How fast it goes, the time left at that speed, and the share that did not have to be read or fetched."""

    def render(self, task: Task) -> Text:
        unit, reused = task.fields["unit"], task.fields["reused"]
        left = None if task.total is None else task.total - task.completed
        parts = [pace(unit, task.speed, left), f"{amount(reused, unit)} reused" if reused else ""]
        return Text(" · ".join(part for part in parts if part), style="dim")


class Bars:
    """One bar per stage on a console; the one that reported last is seen."""

    @held()
    def __init__(self, console: Console) -> None:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(30), TextColumn("{task.fields[count]}"))
        self._progress = Progress(
            *columns, _Rate(Column(no_wrap=True)), TimeElapsedColumn(), console=console, transient=True
        )
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
        count = _count(progress)
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
