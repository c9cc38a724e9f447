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
