"""Threads of their own for work that takes its time, so that neither the loop nor the reading ever waits for it.

Cancelling who waits for the work sets the Cancel that the work was given. Threads are daemons: a hung engine cannot
keep the server alive. Does not know: what the work is.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from copilot.engine.base import Cancel

Result = TypeVar("Result")
Event = TypeVar("Event")
Work = Callable[[Cancel], Result]


class Lane:
    """Does work in the order it comes, so much at a time as it has threads."""

    def __init__(self, name: str, threads: int = 1) -> None:
        self._name = name
        self._most = threads
        self._threads: list[Thread] = []
        self._waiting: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._running: set[Cancel] = set()

    async def run(self, work: Work[Result]) -> Result:
        """What `work` returns or raises. Cancelling this sets its Cancel and does not wait for it."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Result] = loop.create_future()
        done.add_done_callback(_look)
        cancel = Cancel()
        self._waiting.put(lambda: self._do(work, cancel, done, loop))
        self._start()
        self._running.add(cancel)
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            cancel.set()
            raise
        finally:
            self._running.discard(cancel)

    def stop(self, last: Callable[[], None] | None = None) -> None:
        """Cancel all work; the threads leave when it has ended and `last` is done."""
        for cancel in tuple(self._running):
            cancel.set()
        if last is not None:
            self._waiting.put(last)
        for _ in self._threads:
            self._waiting.put(None)

    def _start(self) -> None:
        if len(self._threads) < self._most:
            thread = Thread(target=self._loop, name=f"{self._name}-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _loop(self) -> None:
        while (step := self._waiting.get()) is not None:
            step()

    @staticmethod
    def _do(work: Work[Any], cancel: Cancel, done: asyncio.Future[Any], loop: asyncio.AbstractEventLoop) -> None:
        error: BaseException | None = None
        result = None
        try:
            result = work(cancel)
        except BaseException as raised:  # carried over to who waits
            error = raised
        with suppress(RuntimeError):  # the loop has been closed
            loop.call_soon_threadsafe(_settle, done, result, error)


class Background:
    """Tasks that nobody waits for, held until they end."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def cancel(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()


def relayed(receive: Callable[[Event], object]) -> Callable[[Event], None]:
    """A function for other threads that has `receive` called on this loop's thread, in the same order."""
    loop = asyncio.get_running_loop()

    def tell(event: Event) -> None:
        with suppress(RuntimeError):  # the loop has been closed
            loop.call_soon_threadsafe(receive, event)

    return tell


def _settle(done: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(result)
    else:
        # A StopIteration cannot be carried by a future.
        done.set_exception(RuntimeError(repr(error)) if isinstance(error, StopIteration) else error)


def _look(done: asyncio.Future[Any]) -> None:
    """Whoever waited may have gone: an error nobody takes is no news."""
    if not done.cancelled():
        done.exception()


class Latest:
    """Lets one request be under way; a newer one has the older one answered with None at once."""

    def __init__(self) -> None:
        self._newer: asyncio.Future[None] | None = None

    async def run(self, wanted: Callable[[], Awaitable[Result]]) -> Result | None:
        """What `wanted` returns; None as soon as somebody else runs something here."""
        self.supersede()
        newer = self._newer = asyncio.get_running_loop().create_future()
        task = asyncio.ensure_future(wanted())
        try:
            await asyncio.wait({task, newer}, return_when=asyncio.FIRST_COMPLETED)
            return task.result() if task.done() else None
        finally:
            task.cancel()
            if self._newer is newer:
                self._newer = None

    def supersede(self) -> None:
        """Have the request under way answered with None."""
        if self._newer is not None and not self._newer.done():
            self._newer.set_result(None)
