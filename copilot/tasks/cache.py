"""What is kept in the cache folder: where, how large it is, and removing it.

Does not know: what stands in the files, who holds them.
"""

from contextlib import suppress
from pathlib import Path
from typing import Literal

from copilot.errors import UsageError

Kept = Literal["answers", "cards", "completion", "host", "index", "kv", "loose", "prefixes", "reviews"]
"""The folders in the cache."""

KEPT: dict[Kept, tuple[str, tuple[str, ...]]] = {
    "kv": ("stored KV segments: the repositories that were read", ("*/*.kv", "*/*.win", "*/*.tmp")),
    "prefixes": ("the packs that were read", ("*.json", ".*")),
    "index": ("the index of repositories", ("index.sqlite3*",)),
    "reviews": ("what reviews found", ("findings.sqlite3*",)),
    "cards": ("what is known of model files, and their vocabularies", ("*.json", "*.npz", "vocabulary-*", ".*")),
    "completion": ("which suggestions were taken", ("*.json", ".*")),
    "answers": ("answers that an editor showed", ("*.md", ".*")),
    "loose": ("a stand-in for files that belong to no repository", ("README.md", ".*")),
    "host": ("what the engine's process noted", ("*.log", "*.err")),
}
"""What the folders hold, and the files in them that are ours to delete."""
_SINGLE = ("speed.json", "machine.json", ".speed.json-*", ".machine.json-*")
"""Small files beside them: measured speeds, and what a crash left of them."""


def sizes(cache_dir: Path) -> dict[Kept, int]:
    """Bytes in each folder."""
    return {name: sum(path.stat().st_size for path in (cache_dir / name).rglob("*") if path.is_file()) for name in KEPT}


def clear(cache_dir: Path) -> int:
    """Remove all that is ours; returns how many bytes that frees. UsageError if something cannot be removed."""
    ours = [path for name, (_, patterns) in KEPT.items() for each in patterns for path in (cache_dir / name).glob(each)]
    ours += [path for pattern in _SINGLE for path in cache_dir.glob(pattern)]
    freed = 0
    for path in filter(Path.is_file, ours):
        freed += path.stat().st_size
        _remove(path)
    for name in KEPT:
        for emptied in (*(cache_dir / name).glob("*/"), cache_dir / name):
            with suppress(OSError):
                emptied.rmdir()
    with suppress(OSError):  # it holds something that is not ours
        cache_dir.rmdir()
    return freed


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as exc:
        raise UsageError(f"{path} cannot be removed ({exc.strerror}); mend its rights and try again") from exc
