"""Suggestions as items: what a client makes of an item is what the suggestion means."""

from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from copilot.events import Usage
from copilot.tasks.complete import Suggestion
from lsp.documents import Document, Surroundings
from lsp.positions import Encoding
from lsp.suggestions import inline_item, list_item, spot

TEXTS = st.text(st.sampled_from("ab_ (😀é\n\r"), max_size=20)
ENCODINGS = st.sampled_from(["utf-8", "utf-16", "utf-32"])
ACCEPTED = types.Command(title="Accept", command="copilot.accepted")


def taken(document: Document, span: types.Range, text: str) -> str:
    """The document's text after a client put `text` in place of a range."""
    start, end = (document.lines.offset(at.line, at.character) for at in (span.start, span.end))
    return document.text[:start] + text + document.text[end:]


def line_tail(document: Document, offset: int) -> int:
    """How many code points stand between an offset and the end of its line."""
    line, _ = document.lines.position(offset)
    return max(0, document.lines.start(line) + len(document.lines.line(line)) - offset)


@given(TEXTS, TEXTS, ENCODINGS, st.data())
def test_taking_an_item_is_taking_the_suggestion(
    text: str, added: str, encoding: Encoding, data: st.DataObject
) -> None:
    """As ghost text and as a list entry, in a file and in a notebook, the same text comes of it."""
    document = Document("u", text, 1, "python", encoding)
    cuts = [at for at in range(len(text) + 1) if text[max(0, at - 1) : at + 1] != "\r\n"]
    offset = data.draw(st.sampled_from(cuts))
    replaced = data.draw(st.integers(0, line_tail(document, offset)))
    around = data.draw(st.sampled_from([None, Surroundings("book", "x = 1\n\n", "\n\ny")]))
    wanted = spot(document, types.Position(*document.lines.position(offset)), "a.py", around)
    assert wanted.cursor.text[: wanted.cursor.offset].endswith(text[:offset])
    suggestion = Suggestion(added, wanted.cursor.offset + replaced, None, 0.9, Usage())
    expected = text[:offset] + added + text[offset + replaced :]
    ghost = inline_item(document, wanted, suggestion, ACCEPTED)
    assert isinstance(ghost.insert_text, str) and ghost.range is not None
    assert taken(document, ghost.range, ghost.insert_text) == expected
    entry = list_item(document, wanted, suggestion, ACCEPTED)
    assert isinstance(entry.text_edit, types.TextEdit)
    assert taken(document, entry.text_edit.range, entry.text_edit.new_text) == expected


def test_range_stays_on_the_cursor_s_line() -> None:
    """LSP allows no more for ghost text, whatever a suggestion replaces."""
    document = Document("u", "ab\ncd", 1, "python")
    wanted = spot(document, types.Position(0, 1), "a.py")
    item = inline_item(document, wanted, Suggestion("x", 5, None, 0.9, Usage()), ACCEPTED)
    assert item.range == types.Range(types.Position(0, 1), types.Position(0, 2))


def test_label_is_one_short_line() -> None:
    """A list shows the first line of what would be put there."""
    document = Document("u", "de", 1, "python")
    wanted = spot(document, types.Position(0, 2), "a.py")
    entry = list_item(document, wanted, Suggestion("f f():\n    " + "x" * 100, 2, None, 0.9, Usage()), ACCEPTED)
    assert (entry.label, entry.filter_text) == ("def f():", "def f():")
    assert isinstance(entry.documentation, types.MarkupContent) and "xxx" in entry.documentation.value
