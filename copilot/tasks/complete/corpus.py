"""The code of a repository as completion asks it: who defines a name, who uses it. Loaded once, in memory.

Secrets are not in it: it is what the index serves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from copilot.errors import RepositoryError
from copilot.repo.index import Index, IndexedFile
from copilot.repo.languages import language_of
from copilot.repo.usages import Usages
from copilot.tasks.complete.names import KindredNames
from copilot.tasks.complete.receiver import Members

MOST_CHARS = 16 << 20
"""Of all texts together; a larger repository is known in part, its first files by path."""


@dataclass(frozen=True, slots=True)
class Corpus:
    usages: Usages
    members: Members
    names: KindredNames

    @classmethod
    def of(cls, index: Index) -> Self:
        """Everything in the code files of an index that was brought up to date before."""
        files = [file for file in index.files if _is_code(file)]
        texts = []
        left = MOST_CHARS
        for file in files:
            lines = _lines(index, file)
            left -= file.size
            if lines is None or left < 0:
                continue
            texts.append((file.path, lines))
        kept = {path for path, _ in texts}
        members = Members(index.definitions([file for file in files if file.path in kept]))
        return cls(Usages(texts), members, KindredNames(members.by_name))


def _is_code(file: IndexedFile) -> bool:
    language = language_of(file.path)
    return language is not None and language.is_code and not file.marks


def _lines(index: Index, file: IndexedFile) -> Sequence[str] | None:
    try:
        return index.text(file).split("\n")
    except RepositoryError:
        return None  # changed since it was indexed: what it said may be wrong by now
