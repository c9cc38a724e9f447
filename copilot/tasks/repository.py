"""A repository as the tasks use it: walked, indexed, ready to be packed, searched and quoted."""

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import TYPE_CHECKING, Self

from copilot.errors import RepositoryError
from copilot.events import Progress, Report, ignore
from copilot.files import private_folder
from copilot.repo.forms import Counter as TokenCounter
from copilot.repo.git import History, change_history
from copilot.repo.index import FileChangedError, Index
from copilot.repo.pack import Pack, PackRequest, pack
from copilot.repo.root import find_root
from copilot.repo.walk import Skipped, Walk, walk

if TYPE_CHECKING:  # search comes with numpy, which a pack does without
    from copilot.repo.search import Hit

_TRIES = 4
"""How often a pack is begun anew because files changed."""


class Repository:
    """One project root with its index brought up to date."""

    def __init__(self, root: Path, index: Index, history: History | None) -> None:
        self.root = root
        self.index = index
        self.history = history
        self.warning = ""
        """What the user should know about how it was opened."""
        self._files = {file.path: file for file in index.files}
        self._lines: dict[str, tuple[str, ...] | None] = {}

    @classmethod
    def open(cls, path: Path, cache_dir: Path, report: Report = ignore, allowed: frozenset[str] = frozenset()) -> Self:
        """Walk and index the project that `path` belongs to; RepositoryError if there is nothing to read.

        Secrets stay out of it, but for those in the files at the `allowed` paths (POSIX, relative to the root).
        """
        root = find_root(path).path
        report(Progress("walk", 0, None, "files"))
        walked = walk(root)
        report(Progress("walk", len(walked.files), len(walked.files), "files"))
        if not walked.files:
            raise RepositoryError(f"{root} has no files to read; name a project folder with -C PATH")
        index, warning = _indexed(walked, cache_dir, report, allowed)
        repository = cls(root, index, change_history(root))
        repository.warning = warning
        if not index.files:
            left_out = ", ".join(f"{skipped.path}: {skipped.reason}" for skipped in index.skipped[:3])
            index.close()
            raise RepositoryError(f"{root} has no readable text files ({left_out}); name another with -C PATH")
        return repository

    def pack(self, request: PackRequest, token_counter: TokenCounter) -> Pack:
        """Pack the files as they are now: what changes meanwhile is read again, and left out if it changes twice."""
        changes: Counter[str] = Counter()
        for _ in range(_TRIES):
            try:
                return pack(self.index, request, token_counter)
            except FileChangedError as changed:
                changes[changed.path] += 1
                self._refresh({path for path, times in changes.items() if times > 1})
            except RepositoryError as error:
                self._keep_nothing(error)
        return pack(self.index, request, token_counter)

    def _keep_nothing(self, error: RepositoryError) -> None:
        """Go on without the index on disk, which is full, damaged or taken."""
        if self.warning:
            raise error
        allowed = self.index.allowed
        self.index.close()
        self.index, self.warning = _temporary(walk(self.root), ignore, allowed), _unkept(error)
        self._files = {file.path: file for file in self.index.files}

    def _refresh(self, restless: Collection[str]) -> None:
        walked = walk(self.root)
        left_out = [Skipped(file.path, "changes while it is read") for file in walked.files if file.path in restless]
        files = tuple(file for file in walked.files if file.path not in restless)
        self.index.refresh(Walk(walked.root, files, (*walked.skipped, *left_out)))
        self._files = {file.path: file for file in self.index.files}
        self._lines.clear()

    def refresh(self) -> None:
        """Look at the files anew: which there are now, and what is in those that changed."""
        try:
            self._refresh(())
        except RepositoryError as error:
            self._keep_nothing(error)

    def search(self, query: str, k: int) -> "list[Hit]":
        from copilot.repo.search import search

        try:
            return search(self.index, query, k)
        except RepositoryError as error:
            self._keep_nothing(error)
            return search(self.index, query, k)

    @property
    def paths(self) -> Collection[str]:
        """All indexed files."""
        return self._files.keys()

    def lines(self, path: str) -> Sequence[str] | None:
        """The lines of an indexed file as it is now; None if it is not one."""
        if path not in self._lines:
            self._lines[path] = self._read_lines(path)
        return self._lines[path]

    def _read_lines(self, path: str) -> tuple[str, ...] | None:
        file = self._files.get(path)
        try:
            text = self.index.text(file) if file else None
        except RepositoryError:
            return None  # changed since it was indexed: nothing can be quoted from it
        if text is None:
            return None
        return tuple(text.removesuffix("\n").split("\n")) if text else ()

    def close(self) -> None:
        self.index.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _indexed(walked: Walk, cache_dir: Path, report: Report, allowed: frozenset[str]) -> tuple[Index, str]:
    """The index of what was walked, and a warning if it could not be kept on disk."""
    try:
        return _refreshed(Index(index_path(cache_dir), walked.root, allowed), walked, report), ""
    except (RepositoryError, OSError) as error:
        return _temporary(walked, report, allowed), _unkept(error)


def _temporary(walked: Walk, report: Report, allowed: frozenset[str]) -> Index:
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        # SQLite keeps its files open; where names can go before, nothing stays behind.
        return _refreshed(Index(Path(folder) / "index.sqlite3", walked.root, allowed), walked, report)


def _unkept(error: Exception) -> str:
    return f"nothing is kept, so every command starts anew: {error}"


def _refreshed(index: Index, walked: Walk, report: Report) -> Index:
    try:
        index.refresh(walked, report)
    except BaseException:
        index.close()
        raise
    return index


def index_path(cache_dir: Path) -> Path:
    """One index for all repositories of this user: equal contents are parsed once, in worktrees and copies too."""
    return private_folder(cache_dir / "index") / "index.sqlite3"
