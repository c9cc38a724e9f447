"""From a document and a position to the cursor of a completion, and from a suggestion back to LSP's items.

Pure functions of values. Does not know: who completes, or when.
"""

import re
from dataclasses import dataclass, replace

from lsprotocol import types

from copilot.prompts.fences import fenced
from copilot.tasks.complete import Cursor, Suggestion
from lsp.documents import Document, Surroundings

_WORD = re.compile(r"\w+\Z")
_LABEL_CHARS = 60


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a completion is wanted, and how its text lies in the document."""

    cursor: Cursor
    start: int
    """Offset in the document at which a suggestion begins."""
    selected: str
    """What the client's popup would put there first, and the suggestion goes on from."""
    shift: int
    """How many code points stand before the document in the cursor's text."""
    swollen: int
    """By how many code points `selected` is longer than what it replaces."""


def spot(
    document: Document,
    place: types.Position,
    path: str,
    around: Surroundings | None = None,
    selected: types.SelectedCompletionInfo | None = None,
) -> Spot:
    """The cursor for a client's position. `around` is put before and after the text: the notebook of a cell."""
    text = document.clean_text
    start = document.lines.offset(place.line, place.character)
    before, after = (around.before, around.after) if around is not None else ("", "")
    if selected is None:
        return Spot(Cursor(path, before + text + after, len(before) + start), start, "", len(before), 0)
    begin = document.lines.offset(selected.range.start.line, selected.range.start.character)
    end = max(begin, document.lines.offset(selected.range.end.line, selected.range.end.character))
    put = text[:begin] + selected.text + text[end:]
    cursor = Cursor(path, before + put + after, len(before) + begin + len(selected.text))
    return Spot(cursor, begin, selected.text, len(before), len(selected.text) - (end - begin))


def as_manual(wanted: Spot) -> Spot:
    """The same, asked for by the user."""
    return replace(wanted, cursor=replace(wanted.cursor, automatic=False))


def replaced_range(document: Document, wanted: Spot, suggestion: Suggestion) -> types.Range:
    """What of the document the suggestion takes the place of; on the one line that LSP allows."""
    lines = document.lines
    begin, _ = lines.position(wanted.start)
    end = suggestion.replace_end - wanted.shift - wanted.swollen
    line_end = lines.start(begin) + len(lines.line(begin))
    return _range(document, wanted.start, min(max(end, wanted.start), max(line_end, wanted.start)))


def inline_item(
    document: Document, wanted: Spot, suggestion: Suggestion, accepted: types.Command
) -> types.InlineCompletionItem:
    """Ghost text; `accepted` is what the client runs when the user takes it."""
    return types.InlineCompletionItem(
        insert_text=wanted.selected + suggestion.text,
        range=replaced_range(document, wanted, suggestion),
        command=accepted,
    )


def list_item(
    document: Document, wanted: Spot, suggestion: Suggestion, accepted: types.Command
) -> types.CompletionItem:
    """An entry of the completion list: it begins with the word before the cursor, as clients filter by that."""
    span = replaced_range(document, wanted, suggestion)
    word = _WORD.search(document.lines.line(span.start.line)[: _characters(document, wanted.start)])
    head = word[0] if word else ""
    begin = document.lines.position(wanted.start - len(head))
    text = head + suggestion.text
    first = text.strip().partition("\n")[0].strip()
    label = first if len(first) <= _LABEL_CHARS else f"{first[: _LABEL_CHARS - 1]}…"
    return types.CompletionItem(
        label=label,
        label_details=types.CompletionItemLabelDetails(description="copilot"),
        kind=types.CompletionItemKind.Text,
        detail="copilot",
        documentation=types.MarkupContent(types.MarkupKind.Markdown, fenced(text.rstrip(), document.language)),
        sort_text="~",
        filter_text=text.partition("\n")[0],
        insert_text_format=types.InsertTextFormat.PlainText,
        text_edit=types.TextEdit(range=types.Range(types.Position(*begin), span.end), new_text=text),
        command=accepted,
    )


def _characters(document: Document, offset: int) -> int:
    """How many code points of its line stand before an offset."""
    line, _ = document.lines.position(offset)
    return offset - document.lines.start(line)


def _range(document: Document, start: int, end: int) -> types.Range:
    return types.Range(types.Position(*document.lines.position(start)), types.Position(*document.lines.position(end)))
