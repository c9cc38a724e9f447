"""Edits for a client to apply: of the documents it has open at the version they have, of other files as they are.

Pure functions of values. Does not know: where the new text comes from.
"""

from collections.abc import Sequence

from lsprotocol import types

from lsp.documents import Document


def document_edit(document: Document, edits: Sequence[types.TextEdit], *, with_versions: bool) -> types.WorkspaceEdit:
    """Edits of one open document; with versions, a client refuses them where the text has moved on."""
    if not with_versions:
        return types.WorkspaceEdit(changes={document.uri: list(edits)})
    named = types.OptionalVersionedTextDocumentIdentifier(document.uri, document.version)
    return types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(named, list(edits))])


def new_file(uri: str, text: str) -> types.WorkspaceEdit:
    """A file that must not be there yet, with its text."""
    named = types.OptionalVersionedTextDocumentIdentifier(uri, None)
    start = types.Position(0, 0)
    created = types.CreateFile(uri=uri, options=types.CreateFileOptions(overwrite=False, ignore_if_exists=False))
    insert = types.TextDocumentEdit(named, [types.TextEdit(types.Range(start, start), text)])
    return types.WorkspaceEdit(document_changes=[created, insert])


def replacement(document: Document, start: int, end: int, text: str) -> types.TextEdit:
    """`text` in place of the code points from `start` to `end`."""
    first, last = document.lines.position(start), document.lines.position(end)
    return types.TextEdit(types.Range(types.Position(*first), types.Position(*last)), text)


def whole_lines(document: Document, span: tuple[int, int, int, int]) -> tuple[int, int]:
    """Offsets of the lines that a range touches, without the last one's end; a range that ends at the start of a line
    does not touch it."""
    first, _, last, character = span
    if last > first and character == 0:
        last -= 1
    start = document.lines.start(first)
    return start, document.lines.start(last) + len(document.lines.line(last))
