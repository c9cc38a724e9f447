"""The client's documents, folders and files on disk, kept as it tells them.

Does not know: what the texts are good for.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path

from lsprotocol import types

from lsp.documents import Change
from lsp.requests import quadruple
from lsp.state import State
from lsp.uris import path_of

ContentChange = types.TextDocumentContentChangePartial | types.TextDocumentContentChangeWholeDocument


class Synchronising:
    """Handles what the client says about documents; each method is done before the next message is looked at."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.opened: Callable[[str], None] = lambda uri: None
        self.typed: Callable[[], None] = lambda: None
        self.saved: Callable[[str], None] = lambda uri: None
        self.closed: Callable[[str], None] = lambda uri: None
        self.files_changed: Callable[[Path], Awaitable[None]]
        """Who else wants to know."""

    def open(self, params: types.DidOpenTextDocumentParams) -> None:
        self._open(params.text_document)
        self.opened(params.text_document.uri)

    def change(self, params: types.DidChangeTextDocumentParams) -> None:
        document = params.text_document
        self._state.documents.change(document.uri, document.version, changes_from(params.content_changes))
        self.typed()

    def save(self, params: types.DidSaveTextDocumentParams) -> None:
        document = self._state.documents.get(params.text_document.uri)
        if params.text is not None and document is not None and document.text != params.text:
            self._state.documents.change(document.uri, document.version, [Change(params.text)])
        self.saved(params.text_document.uri)

    def close(self, params: types.DidCloseTextDocumentParams) -> None:
        self._state.documents.close(params.text_document.uri)
        self.closed(params.text_document.uri)

    # -- notebooks -------------------------------------------------------------------------------------------------

    def open_notebook(self, params: types.DidOpenNotebookDocumentParams) -> None:
        notebook = params.notebook_document
        for cell in params.cell_text_documents:
            self._open(cell)
        self._state.documents.open_notebook(notebook.uri, [cell.document for cell in notebook.cells])

    def change_notebook(self, params: types.DidChangeNotebookDocumentParams) -> None:
        cells = params.change.cells
        if cells is None:
            return
        if cells.structure is not None:
            array = cells.structure.array
            new = [cell.document for cell in array.cells or ()]
            for opened in cells.structure.did_open or ():
                self._open(opened)
            for closed in cells.structure.did_close or ():
                self._state.documents.close(closed.uri)
            self._state.documents.splice_cells(params.notebook_document.uri, array.start, array.delete_count, new)
        for content in cells.text_content or ():
            document = content.document
            self._state.documents.change(document.uri, document.version, changes_from(content.changes))
        self.typed()

    def close_notebook(self, params: types.DidCloseNotebookDocumentParams) -> None:
        for cell in params.cell_text_documents:
            self._state.documents.close(cell.uri)
        self._state.documents.close_notebook(params.notebook_document.uri)

    def save_notebook(self, params: types.DidSaveNotebookDocumentParams) -> None:
        self.saved(params.notebook_document.uri)

    def _open(self, item: types.TextDocumentItem) -> None:
        self._state.documents.open(item.uri, item.text, item.version, item.language_id)

    # -- folders and files -----------------------------------------------------------------------------------------

    def change_folders(self, params: types.DidChangeWorkspaceFoldersParams) -> None:
        added, removed = ([folder.uri for folder in folders] for folders in (params.event.added, params.event.removed))
        self._state.projects.change_folders(added, removed)

    async def change_files(self, params: types.DidChangeWatchedFilesParams) -> None:
        for root in self._roots(change.uri for change in params.changes):
            await self.files_changed(root)

    def _roots(self, uris: Iterable[str]) -> list[Path]:
        """The repositories that hold these files."""
        places = [self._state.projects.place(uri) for uri in uris if path_of(uri) is not None]
        roots = [place.project.root for place in places if place.project is not None and place.path]
        return list(dict.fromkeys(roots))


def changes_from(given: Sequence[ContentChange]) -> list[Change]:
    """LSP's changes as ours."""
    return [
        Change(change.text, quadruple(change.range))
        if isinstance(change, types.TextDocumentContentChangePartial)
        else Change(change.text)
        for change in given
    ]
