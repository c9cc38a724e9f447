"""How a text is cut into places."""

from hypothesis import given
from hypothesis import strategies as st

from copilot.repo.chunks import LONGEST_BODY_LINES, WINDOW_LINES, Chunk, chunk
from copilot.repo.tags import Definition


def definition(name: str, kind: str, start: int, end: int, parent: str = "") -> Definition:
    return Definition(name, kind, start, end, parent, f"{kind} {name}", "")


LINES = st.lists(st.sampled_from(["", "    ", "a = 1", "# why", "    return b", "}"]), max_size=200)
SPANS = st.lists(
    st.tuples(st.sampled_from(["function", "class", "constant"]), st.integers(1, 200), st.integers(0, 120)),
    max_size=20,
)


@given(LINES, SPANS)
def test_every_line_with_a_word_is_in_exactly_one_chunk(lines: list[str], spans: list[tuple[str, int, int]]) -> None:
    """Whatever the definitions claim, chunks cover the text and never overlap."""
    definitions = [
        definition(f"d{number}", kind, start, min(start + length, len(lines)))
        for number, (kind, start, length) in enumerate(spans)
        if start <= len(lines)
    ]
    covered: list[int] = []
    for found in chunk(lines, definitions):
        covered += range(found.start_line, found.end_line + 1)
    assert len(set(covered)) == len(covered)
    wordy = {number for number, line in enumerate(lines, 1) if any(c.isalnum() for c in line)}
    assert wordy - set(covered) == set()


def test_methods_are_places_of_their_own() -> None:
    """A class is cut into its head and its methods; a comment above a method belongs to it."""
    lines = ["class A:", '    """Doc."""', "", "    # says why", "    def f(self):", "        return 1", "X = 1"]
    definitions = [
        definition("A", "class", 1, 6),
        definition("f", "method", 5, 6, "A"),
        definition("X", "constant", 7, 7),
    ]
    expected = [
        Chunk(1, 2, "A", "class"),
        Chunk(4, 6, "A.f", "method"),
        Chunk(7, 7, "X", "constant"),
    ]
    assert expected == chunk(lines, definitions)


def test_inner_functions_stay_in_their_function() -> None:
    """A closure is found with the function around it."""
    lines = ["def f():", "    def g():", "        pass", "    return g"]
    found = chunk(lines, [definition("f", "function", 1, 4), definition("g", "function", 2, 3, "f")])
    assert [Chunk(1, 4, "f", "function", ("g",))] == found


def test_long_functions_are_cut_into_windows() -> None:
    """No place is longer than a body may be."""
    lines = ["def f():", *["    a = 1"] * (3 * LONGEST_BODY_LINES)]
    found = chunk(lines, [definition("f", "function", 1, len(lines))])
    assert {"f"} == {place.symbol for place in found}
    assert max(place.end_line - place.start_line + 1 for place in found) <= WINDOW_LINES


def test_plain_text_is_cut_at_headings() -> None:
    """A window of prose ends before a heading when there is one near."""
    lines = ["# One", *["text here"] * 49, "# Two", *["more text"] * 40]
    assert [Chunk(1, 50, "", "text"), Chunk(51, 91, "", "text")] == chunk(lines, [])
