"""Jobs on one thread: who goes first, what an urgent one interrupts, and how each of them ends."""

import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

import pytest

from copilot.engine.base import Cancel
from copilot.engine.requests import Priority
from copilot.engine.schedule import BLOCKED, Blocked, Scheduler
from copilot.errors import EngineError

Steps = Generator[str | Blocked | None, None, None]


class Machine:
    """An engine whose steps end when they are told to, or when they are aborted."""

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self.order: list[str] = []

    def busy(self, name: str, started: threading.Event) -> Steps:
        started.set()
        self.stopped.wait(10)
        self.order.append(f"{name} stopped")
        yield None
        self.order.append(f"{name} went on")
        yield name

    def quick(self, name: str, steps: int = 1) -> Steps:
        for _ in range(steps):
            self.order.append(name)
            yield name


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def scheduler(machine: Machine) -> Generator[Scheduler, None, None]:
    made = Scheduler(machine.stopped.set, machine.stopped.clear)
    yield made
    made.close()


def test_an_urgent_job_stops_the_running_step_and_the_other_goes_on(scheduler: Scheduler, machine: Machine) -> None:
    """A completion interrupts a warm-up inside its step; the warm-up ends as if nothing had been."""
    started = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        warm = threads.submit(lambda: list(scheduler.run(machine.busy("warm", started), Priority.WARM, Cancel())))
        started.wait(10)
        assert list(scheduler.run(machine.quick("completion"), Priority.COMPLETION, Cancel())) == ["completion"]
        assert warm.result() == ["warm"]
    assert machine.order == ["warm stopped", "completion", "warm went on"]


def test_a_less_urgent_job_waits(scheduler: Scheduler, machine: Machine) -> None:
    """While a question is answered, a warm-up does not take a step."""
    started = threading.Event()
    with ThreadPoolExecutor(2) as threads:
        chat = threads.submit(lambda: list(scheduler.run(machine.busy("chat", started), Priority.CHAT, Cancel())))
        started.wait(10)
        warm = threads.submit(lambda: list(scheduler.run(machine.quick("warm"), Priority.WARM, Cancel())))
        while scheduler.counts() != (1, 1):
            pass
        machine.stopped.set()
        assert (chat.result(), warm.result()) == (["chat"], ["warm"])
    assert machine.order == ["chat stopped", "chat went on", "warm"]


def test_equals_take_turns(scheduler: Scheduler, machine: Machine) -> None:
    """Two questions get a step each, one after the other."""
    first = threading.Event()
    with ThreadPoolExecutor(3) as threads:
        holding = threads.submit(lambda: list(scheduler.run(machine.busy("x", first), Priority.COMPLETION, Cancel())))
        first.wait(10)
        jobs = [
            threads.submit(lambda name=name: list(scheduler.run(machine.quick(name, 3), Priority.CHAT, Cancel())))
            for name in ("a", "b")
        ]
        while scheduler.counts() != (1, 2):
            pass
        machine.stopped.set()
        holding.result()
        assert sorted(job.result() for job in jobs) == [["a"] * 3, ["b"] * 3]
    turns = machine.order[2:]
    assert turns in (["a", "b"] * 3, ["b", "a"] * 3)


def test_a_blocked_job_goes_on_when_another_ends(scheduler: Scheduler, machine: Machine) -> None:
    """A job without room sleeps, and is asked again as soon as a job has ended."""
    room, started = threading.Event(), threading.Event()

    def needs_room() -> Steps:
        while not room.is_set():
            started.set()
            yield BLOCKED
        yield "served"

    def frees_room() -> Steps:
        room.set()
        yield None

    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(lambda: list(scheduler.run(needs_room(), Priority.COMPLETION, Cancel())))
        started.wait(10)
        assert list(scheduler.run(frees_room(), Priority.WARM, Cancel())) == []
        assert waiting.result() == ["served"]


def test_a_cancelled_job_ends_before_others_get_their_turn(scheduler: Scheduler, machine: Machine) -> None:
    """Cancelling stops the step that runs, and the job's end does not wait for more urgent ones."""
    started, cancel = threading.Event(), Cancel()
    with ThreadPoolExecutor(1) as threads:
        job = threads.submit(lambda: list(scheduler.run(machine.busy("old", started), Priority.WARM, cancel)))
        started.wait(10)
        cancel.set()
        assert job.result() == ["old"]


def test_errors_are_raised_where_the_job_was_asked_for(scheduler: Scheduler, machine: Machine) -> None:
    """A job's failure reaches its own caller; the next job is served."""

    def failing() -> Steps:
        yield "begun"
        raise EngineError("broken. Try again.")

    events = scheduler.run(failing(), Priority.CHAT, Cancel())
    assert next(events) == "begun"
    with pytest.raises(EngineError, match="broken"):
        next(events)
    assert list(scheduler.run(machine.quick("next"), Priority.CHAT, Cancel())) == ["next"]


def test_leaving_early_ends_the_job(scheduler: Scheduler) -> None:
    """Whoever stops iterating leaves no job behind."""
    ended, cancel = [], Cancel()

    def endless() -> Steps:
        while not cancel.is_set():
            yield "more"
        ended.append(True)

    events = scheduler.run(endless(), Priority.CHAT, cancel)
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert ended == [True]
    assert scheduler.counts() == (0, 0)


def test_a_closed_scheduler_refuses_work(machine: Machine) -> None:
    """After closing nothing runs, and the error says so."""
    scheduler = Scheduler(machine.stopped.set, machine.stopped.clear)
    assert list(scheduler.run(machine.quick("last"), Priority.CHAT, Cancel())) == ["last"]
    scheduler.close()
    with pytest.raises(EngineError, match="closed"):
        list(scheduler.run(machine.quick("late"), Priority.CHAT, Cancel()))
