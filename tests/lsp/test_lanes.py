"""Work on threads of its own: results, errors, cancelling, and one request at a time."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

import pytest

from copilot.engine.base import Cancel
from lsp.lanes import Lane, Latest, relayed


def ran(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work, 30))


def test_result_and_error_come_back() -> None:
    """What the work returns is returned, what it raises is raised, and neither on the loop's thread."""

    async def go() -> None:
        lane = Lane("work")
        assert await lane.run(lambda cancel: threading.current_thread().name) == "work-0"
        with pytest.raises(ZeroDivisionError):
            await lane.run(lambda cancel: 1 / 0)
        with pytest.raises(RuntimeError, match="StopIteration"):
            await lane.run(lambda cancel: next(iter(())))
        lane.stop()

    ran(go())


def test_work_is_done_in_order_and_one_at_a_time() -> None:
    """A lane with one thread is a queue."""

    async def go() -> list[int]:
        lane, done = Lane("work"), []
        await asyncio.gather(*(lane.run(lambda cancel, number=number: done.append(number)) for number in range(20)))
        lane.stop()
        return done

    assert ran(go()) == list(range(20))


def test_cancelling_sets_the_cancel_and_waits_for_nothing() -> None:
    """Whoever is cancelled goes at once; the work hears of it."""
    began, heard = threading.Event(), threading.Event()

    def work(cancel: Cancel) -> None:
        cancel.when_set(heard.set)
        began.set()
        heard.wait(30)

    async def go() -> None:
        lane = Lane("work")
        task = asyncio.create_task(lane.run(work))
        await asyncio.to_thread(began.wait, 30)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert heard.is_set()
        lane.stop()

    ran(go())


def test_stopping_a_lane_cancels_what_runs() -> None:
    """At the end of the server, the engine is told."""
    heard = threading.Event()

    async def go() -> None:
        lane = Lane("work")

        def work(cancel: Cancel) -> bool:
            cancel.when_set(heard.set)
            return heard.wait(30)

        task = asyncio.create_task(lane.run(work))
        await asyncio.sleep(0)
        lane.stop()
        assert await task is True

    ran(go())


def test_newer_request_supersedes_the_older_at_once() -> None:
    """The older one gets None though its work would never end; the newer one gets its result."""

    async def forever() -> str:
        await asyncio.Event().wait()
        return "never"

    async def quick() -> str:
        return "now"

    async def go() -> None:
        latest = Latest()
        older = asyncio.create_task(latest.run(forever))
        await asyncio.sleep(0)
        assert await latest.run(quick) == "now"
        assert await older is None

    ran(go())


def test_what_is_relayed_keeps_its_order() -> None:
    """Pieces told from a thread arrive on the loop's thread as they were told, before the result."""

    async def go() -> None:
        lane, heard = Lane("work"), []
        tell = relayed(lambda piece: heard.append((piece, threading.current_thread())))
        await lane.run(lambda cancel: [tell(number) for number in range(50)])
        assert heard == [(number, threading.current_thread()) for number in range(50)]
        lane.stop()

    ran(go())
