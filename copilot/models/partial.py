"""A model file that grows part by part and survives an interruption anywhere.

Does not know what the parts are nor where they come from.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path

from copilot.files import replace_file


class Partial:
    """An unfinished file and its journal: the size after every part that is safely on the disk.

    Bytes are flushed before the journal names them, so what lies beyond the journal's last size is torn and cut off
    when the file is opened. Of a journal only the sizes that the file has are believed, of another source's none.
    """

    def __init__(self, path: Path, source: str) -> None:
        self.path = path
        self.source = source
        """What the parts are taken from; a journal of another source is not continued."""
        self._journal = path.with_name(path.name + ".json")
        self._sizes = self._read_journal()
        if path.exists() and path.stat().st_size > self.size:
            os.truncate(path, self.size)

    @property
    def parts(self) -> int:
        """How many parts are in."""
        return len(self._sizes)

    @property
    def size(self) -> int:
        """How many bytes are in."""
        return self._sizes[-1] if self._sizes else 0

    def append(self, chunks: Iterable[bytes]) -> None:
        """Add one part; if `chunks` raises, the part is not counted and what it wrote is dropped later."""
        with self.path.open("r+b" if self.path.exists() else "w+b") as file:
            file.truncate(self.size)
            file.seek(self.size)
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        self._sizes.append(size)
        replace_file(self._journal, json.dumps({"source": self.source, "sizes": self._sizes}).encode())

    def restart(self) -> None:
        """Forget all parts."""
        self._journal.unlink(missing_ok=True)
        self._sizes = []

    def discard(self) -> None:
        """Delete the journal, and the file unless it has been moved away."""
        self.restart()
        self.path.unlink(missing_ok=True)

    def _read_journal(self) -> list[int]:
        try:
            document = json.loads(self._journal.read_text(encoding="utf-8"))
            sizes = [int(size) for size in document["sizes"]]
            known = document["source"] == self.source
            present = self.path.stat().st_size
        except (OSError, ValueError, KeyError, TypeError):
            return []
        if not known or sizes != sorted(sizes):
            return []
        return [size for size in sizes if size <= present]
