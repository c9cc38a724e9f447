"""The completers of the repositories that are completed in, all in one thread of their own.

A repository is opened, and its files indexed, when it is needed first. Does not know: documents, when to complete.
"""

from asyncio import Future, ensure_future, shield, wait
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from copilot.engine.base import Cancel
from copilot.events import Progress, Report, ignore
from copilot.tasks.repository import Repository
from lsp.client import Work
from lsp.lanes import Lane, relayed
from lsp.projects import Project
from lsp.state import State

if TYPE_CHECKING:  # it brings the tokenizer, which starting does without
    from copilot.tasks.complete import Completer, Cursor

Result = TypeVar("Result")
SHOWN_AFTER_S = 0.5
"""Indexing that takes longer is shown."""


class Completers:
    """One completer for each repository that is in use."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._lane = Lane("completions")
        self._opening: dict[Path, tuple[Project, Future[None]]] = {}
        self._open: dict[Path, tuple[Project, Repository, Completer]] = {}
        """Changed in the lane's thread only."""

    async def ready(self, project: Project) -> None:
        """Have a repository opened. Who stops waiting stops it for nobody else; a CopilotError says why it is not."""
        known = self._opening.get(project.root)
        if known is None or known[0] is not project or _has_failed(known[1]):
            known = self._opening[project.root] = project, ensure_future(self._opened(project))
            known[1].add_done_callback(_has_failed)
        await shield(known[1])

    async def run(self, project: Project, work: "Callable[[Completer, Cancel], Result]") -> Result:
        """What `work` returns, in the one thread; in the order of the calls."""
        return await self._lane.run(lambda cancel: work(self._get(project, ignore), cancel))

    def heading(self, project: Project, cursor: "Cursor") -> None:
        """Tell a repository's completer what will be asked next, whatever it is busy with."""
        known = self._open.get(project.root)
        if known is not None:
            known[2].heading(cursor)

    async def refresh(self, root: Path) -> None:
        """Files of a repository changed; one that is not in use is looked at when it is."""

        def look(cancel: Cancel) -> None:
            if root in self._open:
                self._open[root][1].refresh()

        await self._lane.run(look)

    def close(self) -> None:
        """End what runs, and what completers prepare for later."""
        for _, _, completer in tuple(self._open.values()):
            completer.close()
        self._lane.stop(self._forget_all)

    def _forget_all(self) -> None:
        for root in tuple(self._open):
            self._forget(root)

    async def _opened(self, project: Project) -> None:
        shown: list[Work] = []

        def hear(progress: Progress) -> None:
            if shown:
                shown[0].report(progress)
                self._state.board.set(reading=progress)

        tell = relayed(hear)
        task = ensure_future(self._lane.run(lambda cancel: self._get(project, tell)))
        done, _ = await wait({task}, timeout=SHOWN_AFTER_S)
        if not done:
            with self._state.board.working():
                async with self._state.client.work("Indexing the repository", None, None) as work:
                    shown.append(work)
                    await wait({task})
        task.result()

    def _get(self, project: Project, report: Report) -> "Completer":
        """The completer of a repository, made anew after its settings changed."""
        known = self._open.get(project.root)
        if known is not None and known[0] is project:
            return known[2]
        self._forget(project.root)
        repository = project.open(report)
        try:
            completer = project.completer(repository)
        except BaseException:
            repository.close()
            raise
        self._open[project.root] = project, repository, completer
        return completer

    def _forget(self, root: Path) -> None:
        known = self._open.pop(root, None)
        if known is not None:
            known[2].close()
            known[1].close()


def _has_failed(opening: "Future[None]") -> bool:
    """Whether it ended without a repository; an error that was looked at is not told as forgotten."""
    return opening.done() and (opening.cancelled() or opening.exception() is not None)
