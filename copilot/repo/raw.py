"""The bytes of one file, read so that nothing in a tree can hold up or flood the reader.

What was a small regular file when it was walked may be a pipe, a link or gigabytes by now. Knows no text, no index.
"""

import errno
import os
import stat
from pathlib import Path

from copilot.repo.walk import MAX_BYTES, TOO_LARGE

_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def read_raw(path: str | Path) -> tuple[bytes, str]:
    """Return (bytes, reason); the reason is in words, "" if the bytes are those of the file. Never blocks."""
    try:
        descriptor = os.open(path, _FLAGS)
    except (FileNotFoundError, NotADirectoryError):
        return b"", "gone while it was read"
    except OSError as error:
        return b"", "not a regular file" if error.errno in (errno.ELOOP, errno.ENXIO) else "unreadable"
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return b"", "not a regular file"
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            # An empty file is not asked: some that look empty, below /proc and /sys, never end or never answer.
            raw = file.read(MAX_BYTES + 1) if status.st_size else b""
    except OSError:
        return b"", "unreadable"
    finally:
        os.close(descriptor)
    return (raw, "") if len(raw) <= MAX_BYTES else (b"", TOO_LARGE)
