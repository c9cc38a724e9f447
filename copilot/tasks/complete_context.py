"""What a completion sees of the rest of the repository.

Knows no model and no tokens; lengths are in characters.
"""

from copilot.prompts.complete import Snippet
from copilot.repo.secrets import is_secret
from copilot.tasks.complete_edits import Edits
from copilot.tasks.repository import Repository

EDITS_CHARS = 500


class RepositoryContext:
    """Thread-safe. Stays the same while one types."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._edits = Edits()

    @property
    def name(self) -> str:
        return self._repository.root.name

    def snippets(self, path: str, before: str, after: str) -> tuple[Snippet, ...]:
        return self._recent(path, before, after)

    def edited(self, path: str, before: str, after: str) -> None:
        if not is_secret(path):
            self._edits.add(path, before, after)

    def _recent(self, path: str, before: str, after: str) -> tuple[Snippet, ...]:
        """Passages edited lately in other files, as far as there is room."""
        left, found = EDITS_CHARS, []
        for edit in reversed(self._edits.latest()):
            if edit.path != path and len(edit.text) <= left:
                left -= len(edit.text)
                found.append(Snippet(edit.path, edit.text))
        return tuple(reversed(found))
