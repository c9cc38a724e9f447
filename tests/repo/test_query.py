"""Taking queries apart: what a commit message, a report with a traceback or a question asks for."""

from hypothesis import given
from hypothesis import strategies as st

from copilot.repo.query import MOST_TERMS, parsed, stem


def test_words_of_the_first_line_weigh_more_and_come_first() -> None:
    """The title of a report says what the rest is about."""
    query = parsed("parcel lost\n\nthe depot closed, the parcel stayed")
    weights = dict(zip(query.terms, query.weights, strict=True))
    assert list(query.terms)[:2] == ["parcel", "lost"]
    assert weights["lost"] > weights["depot"]
    assert weights["parcel"] > weights["lost"]


def test_links_are_left_out_but_not_the_files_they_point_to() -> None:
    """A link's host and numbers say nothing; the path of a linked source file does."""
    query = parsed(
        "crash, see https://example.org/team/tool/issues/815 and https://example.org/t/t/blob/main/src/depot.py#L3"
    )
    assert not {"https", "example", "issues", "815"} & set(query.terms)
    assert frozenset({"src/depot.py"}) == query.paths


def test_a_query_of_nothing_but_a_link_is_searched_as_it_stands() -> None:
    """Leaving out noise never leaves nothing."""
    assert "parcel" in parsed("https://example.org/parcel").terms


def test_trailers_of_a_commit_message_are_left_out() -> None:
    """Who signed a change says nothing of where it is."""
    query = parsed("Weigh letters\n\nSigned-off-by: Jo Doe <jo@example.org>\nChange-Id: I0a1b2c3d")
    assert {"weigh", "letters"} == set(query.terms)


def test_stack_frames_name_files_and_functions() -> None:
    """Frames of a traceback are paths and names, wherever the program was installed."""
    query = parsed('It fails\n  File "/usr/lib/python3/site-packages/parcel/depot.py", line 12, in close_depot\n')
    assert "close_depot" in query.names
    assert {"/usr/lib/python3/site-packages/parcel/depot.py"} == query.paths


def test_one_term_stands_for_all_of_its_stem() -> None:
    """Several forms of a word are looked for once."""
    assert parsed("parcel parcels Parcel").terms == ("parcel",)


@given(st.text(max_size=300))
def test_terms_and_weights_belong_together(text: str) -> None:
    """Every term has a positive weight; there are few, and no two of one stem."""
    query = parsed(text)
    assert len(query.terms) == len(query.weights) <= MOST_TERMS
    assert all(weight > 0 for weight in query.weights)
    assert len({stem(term) for term in query.terms}) == len(query.terms) == len(query.spellings)


def test_a_wrapped_line_is_no_title() -> None:
    """Where the first line goes on in the next, the paragraph is the title."""
    wrapped = "The depot closed while letters were waiting at the\nsorting table\n\nIt rained."
    query = parsed(wrapped)
    weights = dict(zip(query.terms, query.weights, strict=True))
    assert weights["sorting"] == weights["depot"] > weights["rained"]


def test_short_forms_count_as_the_words_they_stand_for() -> None:
    """In both directions."""
    assert parsed("directory").spellings == (("directory", "dir"),)
    assert "directory" in parsed("dir").spellings[0]


def test_two_words_in_a_row_may_be_one_name() -> None:
    """Spelled as identifiers are; stop words and punctuation part them."""
    assert parsed("keep the request context. Depot").pairs[0][:2] == ("request_context", "requestcontext")
    assert parsed("depot, letter of parcels").pairs == ()


def test_what_every_report_says_weighs_little() -> None:
    """The form of a report is not what it is about, except in its title."""
    query = parsed("Wrong version of the stamp\n\nExpected behaviour: reproduce with ubuntu and a letter.\n\nversion 3")
    weights = dict(zip(query.terms, query.weights, strict=True))
    assert weights["reproduce"] < weights["letter"] < weights["version"]
