"""What a model is told about the place of an edit before it explains it: what it is in, calls, uses and is tested by.

The repository is opened for the first edit that is explained, never before. Does not know: wording, models.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property

from copilot.errors import RepositoryError
from copilot.review.context import HunkContext, Place, Surroundings, enclosing_definitions
from copilot.review.edits import Edit
from copilot.review.view import FileView
from copilot.tasks.repository import Repository

MOST_OF_A_KIND = 3
_MOST_CHARS = 160


class Nearby:
    """Finds the surroundings of edits, in an index where there is one."""

    def __init__(self, open_repository: Callable[[], Repository] | None = None) -> None:
        """Without a repository only the definitions around an edit are told."""
        self._open = open_repository

    @cached_property
    def _repository(self) -> Repository | None:
        try:
            return self._open() if self._open is not None else None
        except RepositoryError:
            return None

    @cached_property
    def _surroundings(self) -> Surroundings | None:
        return Surroundings(self._repository.index) if self._repository is not None else None

    def lines(self, view: FileView, edit: Edit, *, with_index: bool = True) -> Sequence[str]:
        """One line for each thing that stands near an edit."""
        hunk = next((each for each in view.file.diff.hunks if _holds(each.new_start, each.new_count, edit)), None)
        if hunk is None:
            return ()
        if with_index and self._surroundings is not None:
            with suppress(RepositoryError):  # somebody goes on working: a file is not what was indexed any more
                return list(_told(self._surroundings.of(view, hunk)))
        around = enclosing_definitions(view, hunk)
        return [f"in {each.signature or each.qualified}"[:_MOST_CHARS] for each in around[-2:]]

    def close(self) -> None:
        """Let go of the index, if it was opened."""
        if self.__dict__.get("_repository") is not None:
            self.__dict__["_repository"].index.close()


def _holds(start: int, count: int, edit: Edit) -> bool:
    return start <= edit.start_line <= start + max(1, count)


def _told(context: HunkContext) -> Iterator[str]:
    yield from _each("in", context.enclosing[-2:])
    yield from _each("called by", context.callers)
    yield from _each("calls", context.callees)
    yield from _each("uses", context.types)
    yield from _each("field", context.fields)
    yield from _each("tested by", context.tests)


def _each(how: str, places: Sequence[Place]) -> Iterator[str]:
    for place in places[:MOST_OF_A_KIND]:
        what = " ".join((place.signature or place.symbol).split())
        yield f"{how} {place.path}:{place.start_line} {what}".strip()[:_MOST_CHARS]
