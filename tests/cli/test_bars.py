"""The words beside a bar: how far, how fast, how long still."""

import pytest

from copilot.cli.bars import amount, pace


@pytest.mark.parametrize(
    ("count", "unit", "shown"),
    [(1234, "files", "1,234"), (104_124, "bytes", "0.1 MB"), (17_700_000_000, "bytes", "17.7 GB"), (0, "tokens", "0")],
)
def test_bytes_are_told_in_the_units_of_disks(count: int, unit: str, shown: str) -> None:
    """Eleven digits are no size; files and tokens are counted."""
    assert amount(count, unit) == shown


@pytest.mark.parametrize(
    ("unit", "speed", "left", "shown"),
    [
        ("bytes", 30_000_000.0, 4_500_000_000, "30.0 MB/s · 2 min left"),
        ("tokens", 120.0, 6000, "120 tokens/s · 50 s left"),
        ("bytes", 30_000_000.0, None, "30.0 MB/s"),
        ("bytes", None, 4_500_000_000, ""),
        ("files", 300.0, 100, ""),
    ],
)
def test_what_takes_long_tells_its_speed_and_what_is_left(
    unit: str, speed: float | None, left: int | None, shown: str
) -> None:
    """Models are fetched for hours and read for minutes; files are walked in seconds."""
    assert pace(unit, speed, left) == shown
