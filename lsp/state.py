"""What the features of one server share: the documents, the repositories, the client, and what the user set.

Does not know: any feature.
"""

from asyncio import wait_for
from contextlib import suppress
from dataclasses import dataclass, field

from copilot.repo.secrets import is_secret
from lsp.client import PATIENCE_S, Client
from lsp.documents import Document, Documents
from lsp.lanes import Lane
from lsp.projects import Place, Projects
from lsp.settings import ClientSettings
from lsp.status import Board
from lsp.uris import name_of


@dataclass(slots=True)
class State:
    """Used on the loop's thread only, but for `projects`."""

    projects: Projects
    client: Client
    board: Board
    documents: Documents = field(default_factory=Documents)
    settings: ClientSettings = field(default_factory=ClientSettings)
    questions: Lane = field(default_factory=lambda: Lane("questions", threads=4))
    """For what a user waits for: a thread each, the engine lets them take turns."""
    chores: Lane = field(default_factory=lambda: Lane("chores"))
    """For what nobody waits for."""

    def place(self, document: Document) -> Place:
        """Where a document stands; a notebook's cell stands where the notebook does."""
        around = self.documents.surroundings(document)
        return self.projects.place(around.uri if around is not None else document.uri)

    def is_private(self, uri: str) -> bool:
        """Whether a document's name says that it holds secrets, so that nothing of it may be read."""
        document = self.documents.get(uri)
        around = self.documents.surroundings(document) if document is not None else None
        return is_secret(name_of(around.uri if around is not None else uri))

    async def close(self) -> None:
        """Cancel what is under way, and leave the engine; one that does not answer is left as it is."""
        self.questions.stop()
        self.chores.stop()
        with suppress(TimeoutError):
            await wait_for(Lane("closing").run(lambda cancel: self.projects.close()), PATIENCE_S)
