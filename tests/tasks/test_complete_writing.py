"""Writing into a gap: when it ends."""

from collections.abc import Iterator
from typing import cast

import pytest

from copilot.engine.base import Cancel, Event, Session
from copilot.engine.requests import InfillRequest
from copilot.events import Done, Progress, Text, Usage
from copilot.tasks.complete import writing
from copilot.tasks.complete.extent import Site
from copilot.tasks.complete.writing import Terms, write

REQUEST = InfillRequest((1,), (2,), (3,), (4,))
READING, WORD = Progress("read", 1, 2, "tokens"), Text("word ")


class Played:
    """A session whose events come at given times."""

    def __init__(self, events: list[tuple[float, Event]], monkeypatch: pytest.MonkeyPatch) -> None:
        self._events = events
        self._now = 0.0
        monkeypatch.setattr(writing.time, "monotonic", lambda: self._now)

    def infill(self, request: InfillRequest, cancel: Cancel) -> Iterator[Event]:
        for at, event in self._events:
            self._now = at
            if cancel.is_set() and not isinstance(event, Done):
                continue
            yield event


def written(events: list[tuple[float, Event]], monkeypatch: pytest.MonkeyPatch) -> str:
    session = cast(Session, Played([*events, (99.0, Done("stop", Usage()))], monkeypatch))
    return write(session, REQUEST, Site("a.py", "x = ", "\n"), Terms("line", 2.0), Cancel()).text


def test_writing_ends_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted from the first token on, without the word that was being written."""
    events: list[tuple[float, Event]] = [(5.0, READING), (9.0, WORD), (10.0, WORD), (11.5, WORD), (12.0, WORD)]
    assert written(events, monkeypatch) == "word word word "


def test_reading_once_more_does_not_count_as_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who becomes unsure in the middle of a line and reads again has as much time to write as others."""
    events: list[tuple[float, Event]] = [(1.0, WORD), (2.0, READING), (6.0, READING), (7.0, WORD), (7.5, WORD)]
    assert written(events, monkeypatch) == "word word word "
