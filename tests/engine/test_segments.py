"""The store of segments on disks that are full, forbidden, shared with others, or changed while they are read."""

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from copilot.engine import segments
from copilot.engine.segments import SegmentStore

TOKENS = range(600)
FINGERPRINT = bytes(range(32))


@pytest.fixture
def store(tmp_path: Path) -> SegmentStore:
    return SegmentStore(tmp_path / "kv", FINGERPRINT, 1 << 30)


@pytest.mark.skipif(sys.platform != "linux", reason="limits the size of files as Linux does")
def test_a_disk_that_was_full_is_tried_again(store: SegmentStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing half written is left, reading goes on without keeping for a while, and then what fits is kept again."""
    import resource

    monkeypatch.setattr(segments, "REFUSED_S", 0.2)
    first, second, _ = store.links(TOKENS)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        store.save(first, bytes(5000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not store.has(first) and list(store._folder.iterdir()) == []
    store.save(second, b"at once")
    assert not store.has(second)
    time.sleep(0.25)
    store.save(first, bytes(5000))
    assert store.load(first) == bytes(5000)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="rights bind users other than root")
def test_a_folder_that_cannot_be_written_is_read(store: SegmentStore) -> None:
    """What is there serves, damage included, which is neither used nor fatal."""
    first, second, third = store.links(TOKENS)
    store.save(first, b"rows")
    store.save(second, b"rows")
    store._path(second, "kv").write_bytes(b"cut")
    store._folder.chmod(0o500)
    try:
        store.save(third, b"rows")
        assert (store.load(first), store.load(second), store.has(second), store.has(third)) == (
            b"rows",
            None,
            False,
            False,
        )
    finally:
        store._folder.chmod(0o700)


def test_rows_that_were_verified_stay_what_they_are(store: SegmentStore) -> None:
    """Whoever cuts or overwrites the file afterwards changes nothing, and does not end the process."""
    (link, *_) = store.links(TOKENS)
    store.save(link, b"rows" * 5000)
    rows = store.load(link)
    with store._path(link, "kv").open("r+b") as file:
        file.write(b"\0" * 10_000)
        file.truncate(10_000)
    assert rows == b"rows" * 5000
    assert store.load(link) is None


def test_two_writers_leave_one_whole_file(tmp_path: Path) -> None:
    """Processes that read the same prefix at once write the same segments; a reader sees all of one or nothing."""
    stores = [SegmentStore(tmp_path / "kv", FINGERPRINT, 1 << 30) for _ in range(3)]
    (link, *_) = stores[0].links(TOKENS)
    payloads = [bytes([n]) * 50_000 for n in (1, 2)]

    def write(place: int) -> None:
        for _ in range(40):
            stores[place].save(link, payloads[place])

    with ThreadPoolExecutor(2) as threads:
        writing = [threads.submit(write, place) for place in range(2)]
        seen = [stores[2].load(link) for _ in range(200)]
        for done in writing:
            done.result()
    assert {bytes(rows) for rows in seen if rows is not None} <= set(payloads)
    assert stores[2].load(link) in payloads
    assert [path.suffix for path in stores[0]._folder.iterdir()] == [".kv"]


def test_a_foreign_fingerprint_is_no_segment(store: SegmentStore, tmp_path: Path) -> None:
    """A whole file of another model, under the name of one of ours, is removed and not used."""
    other = SegmentStore(tmp_path / "kv", bytes(32), 1 << 30)
    (link, *_) = store.links(TOKENS)
    other.save(link, b"foreign rows")
    store.save(link, b"rows")
    other._path(link, "kv").replace(store._path(link, "kv"))
    assert not store.has(link)
    assert store.load(link) is None
    assert not store._path(link, "kv").exists()
