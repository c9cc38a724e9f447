"""What the form of a query says: whether one place is asked for or all files concerned."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot.repo.breadth import Breadth, breadth_of


@pytest.mark.parametrize(
    "query",
    [
        "Returns the depot that is nearest to an address.",
        "Return the depot that is nearest to an address.",
        "Closes the depot and sends its parcels elsewhere",
        "Close the depot.\n\n:param depot: what to close",
        "Weigh a letter\n\nArgs:\n    letter: what to weigh",
    ],
)
def test_a_description_asks_for_one_place(query: str) -> None:
    """A sentence with a full stop, one that begins with what is done, or text marked up as documentation."""
    assert breadth_of(query) is Breadth.PLACE


@pytest.mark.parametrize(
    "query",
    [
        "Fix the weight of letters that have no stamp",
        "depot: refuse parcels after closing time",
        "Weigh letters twice\n\nThe first time may be wrong, and nobody looks at it.",
        "CVE-2024-12345 letters are opened by everybody",
        "It stops. " * 40,
    ],
)
def test_a_change_or_a_report_asks_for_files(query: str) -> None:
    """A commit message by how it begins or that it has a body; a report by its length."""
    assert breadth_of(query) is Breadth.FILES


@pytest.mark.parametrize("query", ["", "shortest_path", "where is a letter weighed?", "letters and parcels at night"])
def test_a_question_or_a_few_words_ask_for_both(query: str) -> None:
    """Nothing is concluded from what says nothing."""
    assert breadth_of(query) is Breadth.MIXED


@given(st.text())
def test_every_text_has_a_breadth(text: str) -> None:
    """No text is refused."""
    assert breadth_of(text) in Breadth
