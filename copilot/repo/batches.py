"""How many files are read and stored in one transaction: few enough for memory and for what a killed run may lose.

Knows nothing of files but their sizes.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

_BATCH_FILES = 400
_BATCH_BYTES = 6 << 20


class _Sized(Protocol):
    @property
    def size(self) -> int:
        """In bytes."""


_File = TypeVar("_File", bound=_Sized)


def batches(files: Sequence[_File]) -> Iterator[list[_File]]:
    """Cut `files` into runs, in order."""
    batch: list[_File] = []
    size = 0
    for file in files:
        batch.append(file)
        size += file.size
        if len(batch) >= _BATCH_FILES or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
