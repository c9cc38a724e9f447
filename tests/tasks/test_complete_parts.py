"""Windows that stay put, results that serve, edits that merge, a threshold that learns, places in documents."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot.errors import UsageError
from copilot.tasks.complete.edits import Edits
from copilot.tasks.complete.place import at_byte, at_line, byte_at
from copilot.tasks.complete.results import LOOK_BACK_CHARS, Asked, Result, Results
from copilot.tasks.complete.statistics import ENOUGH, HIGHEST, THRESHOLD, Statistics
from copilot.tasks.complete.window import STEP_LINES, Size, window

SIZE = Size()
DOCUMENT = "".join(f"line_{number} = {number} * 2\n" for number in range(400))


def test_a_window_begins_where_it_did_while_one_types() -> None:
    """Within some lines the text before the cursor only grows, and the text after it stays."""
    at = DOCUMENT.index("line_200")
    first = window(DOCUMENT, at, at)
    starts = set()
    for typed in ("x", "x = 1\n", "x = 1\ny = 2\nz"):
        text = DOCUMENT[:at] + typed + DOCUMENT[at:]
        later = window(text, at + len(typed), at + len(typed))
        assert later.after == first.after
        starts.add(later.before[:200])
    assert starts == {first.before[:200]}


@given(st.integers(0, len(DOCUMENT)), st.integers(0, 50))
def test_a_window_is_bounded_and_touches_the_cursor(at: int, replaced: int) -> None:
    """Both sides are the text next to the cursor, but for the first lines of the document."""
    end = min(len(DOCUMENT), at + replaced)
    seen = window(DOCUMENT, at, end)
    assert DOCUMENT[end:].startswith(seen.after) and len(seen.after) <= SIZE.after
    own = seen.before.rpartition("\n…\n")[2]
    assert DOCUMENT[:at].endswith(own) and len(seen.before) <= SIZE.before + SIZE.head + 3
    if at > SIZE.before:
        assert len(own) > SIZE.before - (STEP_LINES + 2) * 20


def test_what_is_typed_along_a_result_is_taken_off_it() -> None:
    """A result serves as long as the document is the one it was made for."""
    results = Results()
    results.keep(Asked("a.py", "x = ", "\n"), Result("compute(y)", 0, 0.9, None))
    found = results.find(Asked("a.py", "x = comp", "\n"))
    assert found is not None and found.text == "ute(y)"
    for other in (
        Asked("a.py", "x = comq", "\n"),
        Asked("b.py", "x = comp", "\n"),
        Asked("a.py", "y = comp", "\n"),
        Asked("a.py", "x = comp", ")\n"),
        Asked("a.py", "x =", "\n"),
        Asked("a.py", "x = compute(y)", "\n"),
        Asked("a.py", "x = " + "c" * (LOOK_BACK_CHARS + 1), "\n"),
    ):
        assert results.find(other) is None


def test_the_longest_rest_serves() -> None:
    """Of two results that were typed along, the one that says more is taken."""
    results = Results()
    results.keep(Asked("a.py", "x = c", "\n"), Result("all(a)", 0, 0.9, None))
    results.keep(Asked("a.py", "x = ", "\n"), Result("call(a, b)", 0, 0.9, None))
    found = results.find(Asked("a.py", "x = ca", "\n"))
    assert found is not None and found.text == "ll(a, b)"


def test_nothing_is_remembered_as_nothing() -> None:
    """Where nothing was offered, the same question brings the same reason, typing on asks again."""
    results = Results()
    results.keep(Asked("a.py", "x = ", "\n"), Result("", 0, 0.1, "empty"))
    found = results.find(Asked("a.py", "x = ", "\n"))
    assert found is not None and found.reason == "empty"
    assert results.find(Asked("a.py", "x = c", "\n")) is None


def test_keystrokes_at_one_place_are_one_edit() -> None:
    """The passage is told as it is now, with a line around it."""
    edits, text = Edits(), "a = 1\nb = 2\nc = 3\n"
    for typed in ("2", "20", "200"):
        changed = text.replace("b = 2", f"b = {typed}0")
        edits.add("a.py", text, changed)
    [edit] = edits.latest()
    assert (edit.start_line, edit.text) == (2, "a = 1\nb = 2000\nc = 3")


def test_deletions_are_no_passages() -> None:
    """There is nothing to show of what is gone."""
    edits = Edits()
    edits.add("a.py", "a\nb\nc\n", "a\nc\n")
    edits.add("a.py", "a\n", "a\n")
    assert not edits.latest()


def test_the_threshold_rises_where_suggestions_are_left_and_falls_where_they_are_taken(tmp_path: Path) -> None:
    """It learns from counts alone, and remembers them."""
    path = tmp_path / "statistics.json"
    assert Statistics(path).threshold == THRESHOLD
    cautious = Statistics(path)
    for _ in range(ENOUGH):
        cautious.count(THRESHOLD + 0.06, taken=False)
    assert THRESHOLD < Statistics(path).threshold <= HIGHEST
    bold = Statistics(None)
    for _ in range(ENOUGH):
        bold.count(THRESHOLD - 0.06, taken=True)
    assert bold.threshold < THRESHOLD


@pytest.mark.parametrize("content", [b"", b"[]", b'{"version": 1, "accepted": [1], "rejected": []}', b"\xff"])
def test_damaged_statistics_count_as_none(tmp_path: Path, content: bytes) -> None:
    """They are a convenience."""
    path = tmp_path / "statistics.json"
    path.write_bytes(content)
    assert Statistics(path).threshold == THRESHOLD


@given(st.text(max_size=40), st.data())
def test_bytes_and_code_points_lead_to_one_place(text: str, data: st.DataObject) -> None:
    """There and back, for any text."""
    offset = data.draw(st.integers(0, len(text)))
    assert at_byte(text, byte_at(text, offset)) == offset


def test_lines_and_columns_count_from_one() -> None:
    """A column may stand behind the last character, and characters beyond the first plane count once."""
    text = "a🙂b\n\nlast"
    assert [at_line(text, 1, 1), at_line(text, 1, 4), at_line(text, 2, 1), at_line(text, 3, 5)] == [0, 3, 4, 9]
    for line, column in [(1, 5), (2, 2), (4, 1), (3, 6)]:
        with pytest.raises(UsageError, match="is not in"):
            at_line(text, line, column)
    with pytest.raises(UsageError, match="inside a character"):
        at_byte(text, 2)
