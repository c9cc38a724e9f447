"""A lock file that the operating system releases when its holder dies.

Does not know what it protects.
"""

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

_POLL_S = 0.2


@contextlib.contextmanager
def exclusive(path: Path, wait: bool) -> Iterator[bool]:
    """Hold the lock at `path` inside the block; yields False at once if it is taken and `wait` is false."""
    with path.open("a+b") as file:
        held = _try_lock(file)
        while wait and not held:
            time.sleep(_POLL_S)
            held = _try_lock(file)
        yield held
        # Closing the file releases the lock; the file itself stays, or a waiter could lock a deleted one.


def _try_lock(file: IO[bytes]) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
