"""The client's open documents as values: their text after every change, and the notebooks that cells belong to.

Does not know: messages, what is done with the texts.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from lsp.positions import Encoding, Lines

MAX_CHARS = 8 << 20
"""Longer documents are kept as they are told, but nothing is done with them."""
_LONE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Change:
    """One edit of a document, in the client's units; without a range, `text` is all of it."""

    text: str
    range: tuple[int, int, int, int] | None = None
    """Line and character of start and end."""


@dataclass(frozen=True)
class Document:
    """One open document at one version."""

    uri: str
    text: str
    version: int
    language: str
    encoding: Encoding = "utf-16"

    @cached_property
    def lines(self) -> Lines:
        return Lines(self.text, self.encoding)

    @property
    def clean_text(self) -> str:
        """The text with halves of characters replaced, one code point for another, so that it can be encoded."""
        return self.text if self.text.isascii() else _LONE.sub("\N{REPLACEMENT CHARACTER}", self.text)

    def edited(self, version: int, changes: Iterable[Change]) -> "Document":
        """The document after changes, each of which counts from the one before."""
        document = self
        for change in changes:
            document = document._with(change)
        return Document(self.uri, document.text, version, self.language, self.encoding)

    def _with(self, change: Change) -> "Document":
        if change.range is None:
            text = change.text
        else:
            start, end = self.lines.offset(*change.range[:2]), self.lines.offset(*change.range[2:])
            start, end = min(start, end), max(start, end)
            text = self.text[:start] + change.text + self.text[end:]
        return Document(self.uri, text, self.version, self.language, self.encoding)


@dataclass(frozen=True)
class Surroundings:
    """A document's text within what it is a part of: a cell within its notebook."""

    uri: str
    """Of the whole."""
    before: str
    after: str


class Documents:
    """What the client has open."""

    def __init__(self, encoding: Encoding = "utf-16") -> None:
        self.encoding: Encoding = encoding
        self._documents: dict[str, Document] = {}
        self._told: dict[str, str] = {}
        self._notebooks: dict[str, tuple[str, ...]] = {}

    def __contains__(self, uri: str) -> bool:
        return uri in self._documents

    def __iter__(self) -> Iterator[Document]:
        return iter(tuple(self._documents.values()))

    def open(self, uri: str, text: str, version: int, language: str) -> Document:
        self._documents[uri] = Document(uri, text, version, language, self.encoding)
        self._told[uri] = text
        return self._documents[uri]

    def change(self, uri: str, version: int, changes: Sequence[Change]) -> Document | None:
        """The document after the changes; None, and nothing kept, for one that is not open."""
        document = self._documents.get(uri)
        if document is None:
            return None
        self._documents[uri] = document.edited(version, changes)
        return self._documents[uri]

    def close(self, uri: str) -> None:
        self._documents.pop(uri, None)
        self._told.pop(uri, None)

    def get(self, uri: str) -> Document | None:
        return self._documents.get(uri)

    def take_edits(self, is_wanted: Callable[[Document], bool]) -> list[tuple[Document, str]]:
        """The wanted documents that changed since they were taken last, each with its text then; others can wait."""
        changed = ((each, self._told[uri]) for uri, each in self._documents.items() if self._told[uri] != each.text)
        edits = [(document, before) for document, before in changed if is_wanted(document)]
        self._told.update((document.uri, document.text) for document, _ in edits)
        return edits

    # -- notebooks ------------------------------------------------------------------------------------------------

    def open_notebook(self, uri: str, cells: Sequence[str]) -> None:
        """`cells` are the URIs of its cells in order; their texts are opened as documents."""
        self._notebooks[uri] = tuple(cells)

    def splice_cells(self, uri: str, start: int, removed: int, cells: Sequence[str]) -> None:
        """Replace cells of an open notebook."""
        known = self._notebooks.get(uri, ())
        self._notebooks[uri] = (*known[:start], *cells, *known[start + removed :])

    def close_notebook(self, uri: str) -> None:
        self._notebooks.pop(uri, None)

    def surroundings(self, document: Document) -> Surroundings | None:
        """The other cells of the same language, where the document is a notebook's cell."""
        for uri, cells in self._notebooks.items():
            if document.uri in cells:
                place = cells.index(document.uri)
                before, after = (self._joined(part, document.language) for part in (cells[:place], cells[place + 1 :]))
                return Surroundings(uri, f"{before}\n\n" if before else "", f"\n\n{after}" if after else "")
        return None

    def _joined(self, cells: Sequence[str], language: str) -> str:
        known = (self._documents.get(uri) for uri in cells)
        return "\n\n".join(cell.clean_text for cell in known if cell is not None and cell.language == language)
