"""Findings in documents: where they are after edits, and what their suggestions make of the text."""

from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from copilot.review.finding import Finding, Severity
from lsp.documents import Document
from lsp.edits import whole_lines
from lsp.findings import diagnostic, edits_between, fix, hover, placed
from lsp.positions import Encoding, Lines

TEXT = "def f(x):\n    breakpoint()\n    return x\n"
SUGGESTION = "--- a/a.py\n+++ b/a.py\n@@ -1,3 +1,2 @@\n def f(x):\n-    breakpoint()\n     return x\n"
LINES = st.lists(st.text(st.sampled_from("ab 😀"), max_size=3), max_size=6)


def finding(line: int = 2, **changes: object) -> Finding:
    values = dict(
        path="a.py", start_line=line, end_line=line, severity=Severity.HIGH, category="bug", title="debugger left",
        message="take it out", rule="debugger-left", confidence=0.97, suggestion=SUGGESTION,
    )  # fmt: skip
    return Finding(**(values | changes))  # type: ignore[arg-type]


def applied(text: str, edits: list[types.TextEdit], encoding: Encoding = "utf-16") -> str:
    """The text after edits, as a client applies them."""
    lines = Lines(text, encoding)
    for edit in sorted(edits, key=lambda each: (each.range.start.line, each.range.start.character), reverse=True):
        start, end = (lines.offset(at.line, at.character) for at in (edit.range.start, edit.range.end))
        text = text[:start] + edit.new_text + text[end:]
    return text


def test_suggestion_becomes_an_edit_of_the_text() -> None:
    """Applying the edits gives what the diff says."""
    edits = fix(SUGGESTION, TEXT, Lines(TEXT, "utf-16"))
    assert edits is not None
    assert applied(TEXT, edits) == "def f(x):\n    return x\n"


def test_suggestion_follows_its_lines() -> None:
    """Lines added above, and carriage returns, do not keep a fix from fitting."""
    for text in ("# 😀\n\n" + TEXT, TEXT.replace("\n", "\r\n")):
        edits = fix(SUGGESTION, text, Lines(text, "utf-16"))
        assert edits is not None
        assert applied(text, edits) == text.replace(
            "    breakpoint()\r\n" if "\r" in text else "    breakpoint()\n", ""
        )


def test_suggestion_for_the_end_of_a_file_adds_no_newline_and_takes_none_away() -> None:
    """Whether the file ends with a newline is said by the diff."""
    suggestion = (
        "--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n def f(x):\n-    return x is 443\n\\ No newline at end of file\n"
        "+    return x == 443\n\\ No newline at end of file\n"
    )
    text = "def f(x):\n    return x is 443"
    for ends in ("\n", "\r\n"):
        there = text.replace("\n", ends)
        edits = fix(suggestion.replace(" x is 443\n", f" x is 443{ends}"), there, Lines(there, "utf-16"))
        assert edits is not None
        assert applied(there, edits) == there.replace("is", "==")


def test_suggestion_for_a_file_with_carriage_returns_doubles_none() -> None:
    """The diff of such a file has them too."""
    text = TEXT.replace("\n", "\r\n")
    edits = fix(SUGGESTION.replace("x):\n", "x):\r\n").replace("()\n", "()\r\n"), text, Lines(text, "utf-16"))
    assert edits is not None
    assert applied(text, edits) == "def f(x):\r\n    return x\r\n"


def test_suggestion_that_does_not_fit_is_none() -> None:
    """Changed lines, a fix that was made already, and what is no diff give no edit."""
    done = "def f(x):\n    return x\n"
    for text in (done, "def f(y):\n    breakpoint()\n    return y\n", ""):
        assert fix(SUGGESTION, text, Lines(text, "utf-16")) is None
    assert fix("no diff", TEXT, Lines(TEXT, "utf-16")) is None


@given(LINES, LINES, st.sampled_from(["utf-8", "utf-16", "utf-32"]))
def test_edit_between_two_texts_makes_one_of_the_other(was: list[str], now: list[str], encoding: Encoding) -> None:
    """Whatever the texts and the client's units."""
    text, wanted = "\n".join(was), "\n".join(now)
    assert applied(text, edits_between(text, wanted, Lines(text, encoding)), encoding) == wanted


def test_finding_moves_with_its_lines_and_goes_with_them() -> None:
    """Edits above shift it, edits below do not, an edit of its line ends it."""

    def start(text: str) -> list[int]:
        return [place.start for place in placed([finding()], TEXT, Lines(text, "utf-16"))]

    assert start(TEXT) == [1]
    assert start("# new\n# lines\n" + TEXT) == [3]
    assert start(TEXT + "x = 1\n") == [1]
    assert start(TEXT.replace("breakpoint()", "pass")) == []
    assert start(TEXT.replace("\n", "\r\n")) == [1]


def test_diagnostic_covers_the_code_of_its_lines() -> None:
    """From the first thing on the line to the last, in the client's units; the severity is LSP's."""
    text = "a = 1\n    '😀'  \n"
    lines = Lines(text, "utf-16")
    [place] = placed([finding()], text, lines)
    found = diagnostic(place, lines)
    assert (found.range.start, found.range.end) == (types.Position(1, 4), types.Position(1, 8))
    assert (found.severity, found.code, found.source) == (types.DiagnosticSeverity.Error, "debugger-left", "copilot")


def test_hover_tells_all_and_loads_nothing() -> None:
    """The message, the rule and the diff are there; markup that would fetch an image is not."""
    lines = Lines(TEXT, "utf-16")
    places = placed([finding(message="![x](http://a/b) <img src=x>")], TEXT, lines)
    found = hover(places, lines)
    assert found is not None and isinstance(found.contents, types.MarkupContent)
    text = found.contents.value
    assert "debugger-left" in text and "```diff" in text
    assert "![" not in text and "<img" not in text
    assert hover([], lines) is None


def test_whole_lines_leave_out_a_line_that_is_only_begun() -> None:
    """A selection that ends at the start of a line does not touch it."""
    document = Document("u", "one\ntwo\nthree", 1, "python")
    for span, expected in (((0, 1, 0, 2), "one"), ((0, 0, 1, 0), "one"), ((0, 2, 2, 1), "one\ntwo\nthree")):
        assert document.text[slice(*whole_lines(document, span))] == expected
