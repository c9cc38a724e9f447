"""What is kept, and its end."""

from pathlib import Path
from typing import get_args

from copilot.tasks.cache import KEPT, Kept, clear, sizes

FILES = (
    "kv/ab/1.kv", "kv/ab/1.win", "prefixes/a.json", "index/index.sqlite3", "index/index.sqlite3-wal",
    "reviews/findings.sqlite3", "cards/vocabulary-1", "completion/statistics.json", "answers/0a.md", "loose/README.md",
    "host/a.log", "speed.json", "machine.json",
)  # fmt: skip


def test_everything_of_ours_goes_and_nothing_else(tmp_path: Path) -> None:
    """A file that is not ours stays, with its folder; sizes are told before."""
    assert KEPT.keys() == set(get_args(Kept))
    for name in (*FILES, "answers/mine.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("four")
    assert sizes(tmp_path)["index"] == 8 and all(sizes(tmp_path).values())
    assert clear(tmp_path) == 4 * len(FILES)
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["answers", "answers/mine.txt"]
    (tmp_path / "answers/mine.txt").unlink()
    assert clear(tmp_path) == 0 and not tmp_path.exists()
