"""The host's log: what it did and how it went, never code, questions or answers.

Messages are built from names, counts and times. Of an unexpected error the type and the places are kept, not its text,
which could quote anything.
"""

import logging
import traceback
from logging.handlers import RotatingFileHandler
from pathlib import Path

from copilot.files import private_folder

_BYTES = 1 << 20
_KEPT = 2


def open_log(path: Path) -> logging.Logger:
    """A logger that writes to `path`, rotated at 1 MiB; one that writes nowhere if the disk does not allow it."""
    log = logging.getLogger("copilot.host")
    log.setLevel(logging.INFO)
    log.propagate = False
    try:
        private_folder(path.parent)
        handler: logging.Handler = _PrivateFileHandler(path, maxBytes=_BYTES, backupCount=_KEPT, encoding="utf-8")
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(message)s"))
    log.addHandler(handler)
    logging.raiseExceptions = False
    return log


def places(error: BaseException) -> str:
    """Type and places of an error on one line, without its text."""
    frames = traceback.extract_tb(error.__traceback__)
    where = " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    return f"{type(error).__name__} at {where}"


class _PrivateFileHandler(RotatingFileHandler):
    """Every file of it is 0600."""

    def _open(self):  # type: ignore[no-untyped-def]
        stream = super()._open()
        Path(self.baseFilename).chmod(0o600)
        return stream
