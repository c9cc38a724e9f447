"""Where a diff fits a text: applied or not, moved or not, and never where it does not."""

import difflib

from hypothesis import given, settings
from hypothesis import strategies as st

from copilot.repo.diff_parser import parse
from copilot.repo.fit import fit

lines = st.lists(st.sampled_from(["a", "b", "c", "", "x"]), max_size=14)


def diff(old: list[str], new: list[str]) -> bytes:
    body = difflib.unified_diff([f"{line}\n" for line in old], [f"{line}\n" for line in new], "a/f", "b/f")
    return "".join(body).encode()


def text(of: list[str]) -> str:
    return "".join(f"{line}\n" for line in of)


@settings(deadline=None)
@given(lines, lines)
def test_both_sides_are_known_from_either(old: list[str], new: list[str]) -> None:
    """From the new text the old one follows, and the other way round."""
    files = parse(diff(old, new))
    if not files:
        return
    applied = fit(files[0], text(new))
    assert applied is not None
    assert (applied.old_text, applied.new_text) == (text(old), text(new))
    if fit(files[0], text(old)) != applied and text(old) != text(new):
        found = fit(files[0], text(old))
        assert found is not None
        assert text(old) in (found.old_text, found.new_text)


def test_lines_that_moved_are_found_and_numbered_anew() -> None:
    """A hunk follows its context; its numbers are those of where it is now."""
    raw = b"--- a/f\n+++ b/f\n@@ -1,3 +1,3 @@\n one\n-two\n+TWO\n three\n"
    found = fit(parse(raw)[0], "zero\nhalf\none\ntwo\nthree\n")
    assert found is not None
    assert found.new_text == "zero\nhalf\none\nTWO\nthree\n"
    assert (found.hunks[0].old_start, found.hunks[0].added[0].new) == (3, 4)


def test_a_diff_that_does_not_fit_is_not_forced() -> None:
    """Context must match exactly, carriage returns aside."""
    raw = b"--- a/f\n+++ b/f\n@@ -1,3 +1,3 @@\n one\n-two\n+TWO\n three\n"
    assert fit(parse(raw)[0], "one\nother\nthree\n") is None
    found = fit(parse(raw)[0], "one\r\ntwo\r\nthree\r\n")
    assert found is not None
    assert found.new_text == "one\r\nTWO\nthree\r\n" or found.new_text == "one\nTWO\nthree\n"


def test_a_missing_newline_at_the_end_is_kept_and_changed() -> None:
    """The end of the file is part of the change."""
    raw = b"--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n"
    found = fit(parse(raw)[0], "a")
    assert found is not None
    assert (found.old_text, found.new_text) == ("a", "b\n")
