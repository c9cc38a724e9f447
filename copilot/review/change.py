"""A whole change as rules see it: its files, what they define now, and the repository around them.

Does not know: rules, how time is limited.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cached_property

from copilot.repo.changes import Changes
from copilot.review.view import FEWEST_CHARS, FileView, moved_lines

_WORD = re.compile(r"\w+")
MOST_FILES = 60
"""A name that more files mention is too common to be judged."""
MOST_NAMES = 400


class ChangeView:
    """All changed files, and questions to the state they lead to."""

    def __init__(self, changes: Changes) -> None:
        self.changes = changes
        moved = moved_lines(changes.files)
        self.views: tuple[FileView, ...] = tuple(FileView(file, moved) for file in changes.files)
        self._texts: dict[str, str | None] = {
            view.path: view.file.new_text for view in self.views if not view.file.note and view.file.diff.hunks
        }
        self._by_path = {view.path: view for view in self.views}

    def view(self, path: str) -> FileView | None:
        """The changed file at a path, None if the change does not touch it."""
        return self._by_path.get(path)

    @cached_property
    def added_words(self) -> frozenset[str]:
        """Every word on an added line."""
        return frozenset(word for view in self.views for line in view.added.values() for word in _WORD.findall(line))

    @cached_property
    def _added_lines(self) -> frozenset[str]:
        return frozenset(line.strip() for view in self.views for line in view.added.values())

    def is_kept(self, old: Sequence[str], new: Sequence[str]) -> bool:
        """Whether lines that are gone were only moved: each is among the added lines of the change."""
        texts = [text for line in old if len(text := line.strip()) >= FEWEST_CHARS]
        return not new and bool(texts) and self._added_lines.issuperset(texts)

    @cached_property
    def defined(self) -> frozenset[str]:
        """Every name that a changed file defines in its new version."""
        return frozenset(
            definition.name
            for view in self.views
            if view.file.new_text
            for definition in view.new_structure.definitions
        )

    def mentions(self, names: Iterable[str]) -> dict[str, list[str]]:
        """Path -> which of the names stand in it now; names that very many files mention are left out."""
        wanted = sorted(set(names))[:MOST_NAMES]
        if not wanted:
            return {}
        paths = self.changes.after.mentioning(wanted)
        self._load(paths[: MOST_FILES * 10])
        found: dict[str, list[str]] = {}
        count: dict[str, int] = {}
        for path in paths[: MOST_FILES * 10]:
            text = self.text(path)
            for name in sorted(set(wanted).intersection(_WORD.findall(text or ""))):
                found.setdefault(path, []).append(name)
                count[name] = count.get(name, 0) + 1
        common = {name for name, times in count.items() if times > MOST_FILES}
        rare = {path: [name for name in names if name not in common] for path, names in found.items()}
        return {path: names for path, names in rare.items() if names}

    def text(self, path: str) -> str | None:
        """The text of any file in the new state."""
        if path not in self._texts:
            self._texts[path] = self.changes.after.text(path)
        return self._texts[path]

    def _load(self, paths: Sequence[str]) -> None:
        missing = [path for path in paths if path not in self._texts]
        self._texts |= self.changes.after.texts(missing)

    def replaces(self, path: str) -> bool:
        """Whether something of the same stem came in the place of a deleted file."""
        stem = path.rpartition(".")[0]
        return any(view.path.startswith(stem) and view.file.new_text is not None for view in self.views)
