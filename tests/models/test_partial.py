"""An unfinished file is continued from its last whole part, whatever an interruption left behind."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copilot.models.partial import Partial

PARTS = [b"a" * 10, b"b" * 7, b"", b"c" * 20]


@settings(deadline=None, max_examples=60)
@given(
    whole=st.integers(0, len(PARTS)),
    cut=st.none() | st.integers(0, 60),
    torn=st.binary(max_size=12),
    journal=st.none() | st.binary(max_size=40),
)
def test_any_state_left_behind_ends_in_the_same_file(
    whole: int, cut: int | None, torn: bytes, journal: bytes | None
) -> None:
    """Torn writes, lost tails and a destroyed journal cost time, never a byte."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x.partial"
        first = Partial(path, "source")
        for part in PARTS[:whole]:
            first.append([part])
        if path.exists():
            content = path.read_bytes()
            path.write_bytes((content if cut is None else content[:cut]) + (torn if cut is None else b""))
        if journal is not None:
            (Path(folder) / "x.partial.json").write_bytes(journal)
        second = Partial(path, "source")
        assert second.parts <= whole
        for part in PARTS[second.parts :]:
            second.append([part])
        assert b"".join(PARTS) == path.read_bytes()


def test_another_source_starts_from_the_beginning(tmp_path: Path) -> None:
    """Parts of another release must never be mixed with these."""
    Partial(tmp_path / "x.partial", "one").append([b"old"])
    second = Partial(tmp_path / "x.partial", "two")
    assert (second.parts, second.size) == (0, 0)


def test_a_part_that_fails_on_the_way_does_not_count(tmp_path: Path) -> None:
    """What a broken part wrote is overwritten by the next attempt."""

    def broken() -> Iterator[bytes]:
        yield b"half of "
        raise OSError("cut")

    partial = Partial(tmp_path / "x.partial", "source")
    partial.append([b"one "])
    with pytest.raises(OSError, match="cut"):
        partial.append(broken())
    assert partial.parts == 1
    partial.append([b"two"])
    assert partial.path.read_bytes() == b"one two"
