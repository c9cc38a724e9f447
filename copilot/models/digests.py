"""SHA-256 of model files, and a record of it so that a gigabyte is not hashed at every start.

Does not know which digest a file should have.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from copilot.events import Progress, Report, ignore
from copilot.files import Identity, replace_file

_CHUNK_BYTES = 4 << 20
_RECORD_VERSION = 1


@dataclass(frozen=True, slots=True)
class Record:
    """The digest a file had when it had this identity."""

    identity: Identity
    sha256: str


def sha256_of(path: Path, report: Report = ignore) -> str:
    """Hash a file, reporting stage `verify` in bytes."""
    digest = hashlib.sha256()
    total = path.stat().st_size
    buffer = bytearray(_CHUNK_BYTES)
    view = memoryview(buffer)
    done = 0
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            digest.update(view[:count])
            done += count
            report(Progress(stage="verify", done=done, total=total, unit="bytes"))
    return digest.hexdigest()


def read_record(path: Path) -> Record | None:
    """Read a record; None if there is none or it cannot be understood."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["version"] != _RECORD_VERSION:
            return None
        identity = Identity(
            size=int(document["size"]), mtime_ns=int(document["mtime_ns"]), inode=int(document["inode"])
        )
        return Record(identity=identity, sha256=str(document["sha256"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_record(path: Path, record: Record) -> None:
    """Write a record atomically."""
    document = {
        "version": _RECORD_VERSION,
        "size": record.identity.size,
        "mtime_ns": record.identity.mtime_ns,
        "inode": record.identity.inode,
        "sha256": record.sha256,
    }
    replace_file(path, json.dumps(document).encode())
