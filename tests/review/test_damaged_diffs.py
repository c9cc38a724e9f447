"""Reviews of diffs that are damaged on purpose."""

from pathlib import Path

from tests.bench.review_fuzz import diffs, fuzzed, reviewed


def test_no_damaged_diff_ends_a_review_otherwise_than_told(tmp_path: Path) -> None:
    """Each is reviewed, or refused with one line; no rule fails, no output breaks."""
    count = fuzzed(tmp_path, 250, seed=3)
    assert count["reviewed"] + count["refused"] == 250
    assert count["reviewed"] > 25 < count["refused"]


def test_undamaged_ones_are_reviewed(tmp_path: Path) -> None:
    """What the damage is done to is whole before."""
    assert {reviewed(tmp_path, raw) for _, raw in diffs()} == {"reviewed"}


def test_a_file_that_is_on_neither_side_is_refused(tmp_path: Path) -> None:
    """Both names /dev/null: there is nothing to review."""
    raw = b"--- /dev/null\n+++ /dev/null\n@@ -0,0 +1 @@\n+x = 1\n"
    assert {reviewed(tmp_path, raw), reviewed(tmp_path, b"diff --git a/x b/x\n" + raw)} == {"refused"}
