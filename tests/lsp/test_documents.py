"""The server's text is the client's text, whatever is edited where."""

from hypothesis import given
from hypothesis import strategies as st

from lsp.documents import Change, Documents
from lsp.positions import Encoding

PIECES = st.text(st.sampled_from("ab \té€😀𝒳\r\n\n\r\u2028\x0c"), max_size=12)
CODECS: dict[Encoding, tuple[str, int]] = {
    "utf-8": ("utf-8", 1),
    "utf-16": ("utf-16-le", 2),
    "utf-32": ("utf-32-le", 4),
}


def client_position(text: str, offset: int, encoding: Encoding) -> tuple[int, int]:
    """A position as an editor would say it, worked out in another way than the server's."""
    codec, width = CODECS[encoding]
    flat = text.replace("\r\n", "\0\n").replace("\r", "\n")
    before = flat[:offset]
    return before.count("\n"), len(before.rpartition("\n")[2].encode(codec)) // width


def cuts(text: str) -> list[int]:
    """Offsets that an editor can have its cursor at: not within a line end."""
    return [at for at in range(len(text) + 1) if text[max(0, at - 1) : at + 1] != "\r\n"]


@given(PIECES, st.sampled_from(sorted(CODECS)), st.data())
def test_random_edits_keep_both_texts_the_same(start: str, encoding: Encoding, data: st.DataObject) -> None:
    """After every sequence of incremental changes, the server holds exactly the client's text."""
    documents = Documents(encoding)
    documents.open("file:///a", start, 1, "python")
    text = start
    for version in range(2, data.draw(st.integers(2, 6))):
        changes = []
        for _ in range(data.draw(st.integers(1, 3))):
            begin, end = sorted(data.draw(st.sampled_from(cuts(text))) for _ in range(2))
            piece = data.draw(PIECES)
            span = (*client_position(text, begin, encoding), *client_position(text, end, encoding))
            changes.append(Change(piece, span))
            text = text[:begin] + piece + text[end:]
        document = documents.change("file:///a", version, changes)
        assert document is not None
        assert (document.text, document.version) == (text, version)


def test_change_without_a_range_is_the_whole_text() -> None:
    """A client may always send all of it."""
    documents = Documents()
    documents.open("file:///a", "x", 1, "python")
    document = documents.change("file:///a", 2, [Change("whole"), Change("!", (0, 5, 0, 5))])
    assert document is not None and document.text == "whole!"


def test_change_of_a_document_that_is_not_open_is_none() -> None:
    """A confused client costs its own change only."""
    assert Documents().change("file:///a", 2, [Change("x")]) is None


def test_edits_are_told_once_with_the_text_before() -> None:
    """Whoever asks for edits gets each document's text as it was when they asked last."""
    documents = Documents()
    documents.open("file:///a", "one", 1, "python")
    assert documents.take_edits(lambda _: True) == []
    documents.change("file:///a", 2, [Change("two")])
    documents.change("file:///a", 3, [Change("three")])
    assert [(document.text, before) for document, before in documents.take_edits(lambda _: True)] == [("three", "one")]
    assert documents.take_edits(lambda _: True) == []


def test_edits_that_are_not_wanted_wait_for_who_wants_them() -> None:
    """Taking some leaves the others as they are."""
    documents = Documents()
    for uri in ("file:///a", "file:///b"):
        documents.open(uri, "one", 1, "python")
        documents.change(uri, 2, [Change("two")])
    assert [each.uri for each, _ in documents.take_edits(lambda each: each.uri == "file:///b")] == ["file:///b"]
    documents.change("file:///a", 3, [Change("three")])
    assert [(each.text, before) for each, before in documents.take_edits(lambda _: True)] == [("three", "one")]


def test_halves_of_characters_are_replaced_one_for_one() -> None:
    """Text that cannot be encoded keeps its offsets."""
    documents = Documents()
    document = documents.open("file:///a", "a\ud83db", 1, "python")
    assert document.clean_text == "a\N{REPLACEMENT CHARACTER}b"


def test_cell_stands_among_the_cells_of_its_language() -> None:
    """What surrounds a cell is the code before and after it, without the prose between."""
    documents = Documents()
    for name, text, language in (("1", "a = 1", "python"), ("2", "# Title", "markdown"), ("3", "b", "python")):
        documents.open(name, text, 1, language)
    documents.open_notebook("book", ["1", "2", "3"])
    document = documents.get("3")
    assert document is not None
    around = documents.surroundings(document)
    assert around is not None
    assert (around.uri, around.before, around.after) == ("book", "a = 1\n\n", "")
    documents.splice_cells("book", 0, 1, ["3"])
    documents.close_notebook("book")
    assert documents.surroundings(document) is None
