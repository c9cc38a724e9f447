"""Many threads ask, one computes: jobs run by priority, a step at a time.

A job is a generator whose every step is at most one call of the engine. A more urgent job stops the step that runs;
the interrupted job does that step again later. Knows no tokens: jobs look after their own state.
"""

from collections.abc import Callable, Generator, Iterator
from queue import SimpleQueue
from threading import Condition, Event, Thread
from typing import Final, Generic, TypeVar, final

from copilot.engine.base import Cancel
from copilot.engine.requests import Priority
from copilot.errors import EngineError

Item = TypeVar("Item")


@final
class Blocked:
    """What a job yields when it can go on only after another job has ended."""


BLOCKED: Final = Blocked()

Steps = Generator[Item | Blocked | None, None, None]
"""Per step something for whoever asked, nothing, or BLOCKED."""


class _Job(Generic[Item]):
    def __init__(self, steps: Steps[Item], priority: Priority, cancel: Cancel) -> None:
        self.steps = steps
        self.priority = priority
        self.cancel = cancel
        self.items: SimpleQueue[Item | _End] = SimpleQueue()
        self.ended = Event()
        self.blocked = False
        self.last_step = 0

    @property
    def rank(self) -> tuple[bool, int, int]:
        """Smaller goes first: what only has to end, then by priority, then who waited longest."""
        return not self.cancel.is_set(), self.priority, self.last_step


class _End:
    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class Scheduler:
    """Runs jobs on one thread of its own, which starts with the first of them."""

    def __init__(self, abort: Callable[[], None], resume: Callable[[], None]) -> None:
        """`abort` stops the running step early, from any thread; `resume` allows the next one."""
        self._abort = abort
        self._resume = resume
        self._changed = Condition()
        self._jobs: list[_Job[object]] = []
        self._running: _Job[object] | None = None
        self.steps = 0
        """Steps begun so far; stands still while one takes long."""
        self._thread: Thread | None = None
        self._closed = False

    def run(self, steps: Steps[Item], priority: Priority, cancel: Cancel) -> Iterator[Item]:
        """The items of a job as they come; its exception is raised here.

        Leaving the iteration early cancels the job and waits for its end.
        """
        job = _Job(steps, priority, cancel)

        def cancelled() -> None:
            with self._changed:
                if self._running is job:
                    self._abort()
                job.blocked = False
                self._changed.notify()

        self._submit(job)
        cancel.when_set(cancelled)
        try:
            while not isinstance(item := job.items.get(), _End):
                yield item
            if item.error is not None:
                raise item.error
        finally:
            if not job.ended.is_set():
                cancel.set()
                job.ended.wait()
            cancel.forget(cancelled)

    def counts(self) -> tuple[int, int]:
        """Jobs that have begun, and jobs that wait for their first step."""
        with self._changed:
            begun = sum(job.last_step > 0 for job in self._jobs)
            return begun, len(self._jobs) - begun

    def close(self) -> None:
        """Cancel all jobs and wait until they have ended."""
        with self._changed:
            self._closed = True
            jobs, thread = list(self._jobs), self._thread
            self._changed.notify()
        for job in jobs:
            job.cancel.set()
        if thread is not None:
            thread.join()

    def _submit(self, job: _Job[Item]) -> None:
        with self._changed:
            if self._closed:
                raise EngineError("the engine is being closed; run the command again")
            self._jobs.append(job)  # type: ignore[arg-type]
            if self._thread is None:
                self._thread = Thread(target=self._work, name="engine", daemon=True)
                self._thread.start()
            if self._running is not None and self._running.priority > job.priority:
                self._abort()
            self._changed.notify()

    def _next(self) -> _Job[object] | None:
        """The job whose step comes next, as soon as there is one; None when all is over."""
        with self._changed:
            while True:
                ready = [job for job in self._jobs if not job.blocked]
                if ready:
                    break
                if self._closed and not self._jobs:
                    return None
                self._changed.wait()
            job = min(ready, key=lambda job: job.rank)
            self.steps += 1
            job.last_step = self.steps
            self._running = job
            self._resume()
            if job.cancel.is_set():
                self._abort()
            return job

    def _work(self) -> None:
        while (job := self._next()) is not None:
            try:
                item = next(job.steps)
            except StopIteration:
                self._end(job, None)
            except BaseException as error:  # carried over to the thread that asked
                self._end(job, error)
            else:
                with self._changed:
                    self._running = None
                    job.blocked = item is BLOCKED and not job.cancel.is_set()
                if not (item is None or isinstance(item, Blocked)):
                    job.items.put(item)

    def _end(self, job: _Job[object], error: BaseException | None) -> None:
        with self._changed:
            self._running = None
            self._jobs.remove(job)
            for other in self._jobs:
                other.blocked = False
        job.ended.set()
        job.items.put(_End(error))
