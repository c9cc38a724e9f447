"""Runs a session on a thread of its own, so that the caller's thread can be interrupted while the engine computes.

A signal handler of Python runs only between bytecodes of the main thread; a decode call may last seconds.
"""

from collections.abc import Callable, Iterator
from queue import SimpleQueue
from threading import Thread

from copilot.engine.base import Cancel, Event, ReadState, Request, Session, Stored, Tokens


class ThreadedSession:
    """The same session; its events arrive from a thread, and leaving the iteration early cancels the request."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._running: tuple[Thread, Cancel] | None = None

    @property
    def n_ctx(self) -> int:
        return self._session.n_ctx

    def state(self, prefix: Tokens) -> ReadState:
        return self._session.state(prefix)

    def stored(self, prefix: Tokens) -> Stored:
        return self._session.stored(prefix)

    def read(self, prefix: Tokens, cancel: Cancel) -> Iterator[Event]:
        return self._pumped(lambda: self._session.read(prefix, cancel), cancel)

    def generate(self, request: Request, cancel: Cancel) -> Iterator[Event]:
        return self._pumped(lambda: self._session.generate(request, cancel), cancel)

    def close(self) -> None:
        """Stop what still runs, then free the model: never under a thread that computes with it."""
        self._stop()
        self._session.close()

    def _stop(self) -> None:
        if self._running is not None:
            thread, cancel = self._running
            cancel.set()
            thread.join()
            self._running = None

    def _pumped(self, start: Callable[[], Iterator[Event]], cancel: Cancel) -> Iterator[Event]:
        """The events of `start()`, iterated on another thread; its exception is raised here."""
        queue: SimpleQueue[Event | BaseException | None] = SimpleQueue()

        def run() -> None:
            try:
                for event in start():
                    queue.put(event)
                queue.put(None)
            except BaseException as error:  # carried over to the consumer's thread
                queue.put(error)

        self._stop()
        thread = Thread(target=run, name="engine", daemon=True)
        self._running = thread, cancel
        thread.start()
        try:
            while (item := queue.get()) is not None:
                if isinstance(item, BaseException):
                    raise item
                yield item
            thread.join()
            self._running = None
        finally:
            if self._running is not None:
                self._stop()
