"""Code actions and commands: fixing a finding, and asking, explaining, rewriting what is selected.

Does not know: how code is written.
"""

from lsprotocol import types

from lsp.asking import Questions
from lsp.findings import hover
from lsp.reviewing import Reviews
from lsp.state import State


class Actions:
    """Offers code actions and runs commands."""

    def __init__(self, state: State, reviews: Reviews, questions: Questions) -> None:
        self._state = state
        self._reviews = reviews
        self._questions = questions

    async def hover(self, params: types.HoverParams) -> types.Hover | None:
        """What there is to say about the findings at a position."""
        document = self._state.documents.get(params.text_document.uri)
        if document is None:
            return None
        here = [each for each in self._reviews.at(document) if each.start <= params.position.line <= each.end]
        return hover(here, document.lines)
