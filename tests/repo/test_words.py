"""Identifiers, their parts, and prose told apart from code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot.repo.words import is_compound, parts, prose_and_code, searchable, words


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        ("snake_case_name", ["snake", "case", "name"]),
        ("camelCaseName", ["camel", "Case", "Name"]),
        ("HTTPServer2", ["HTTP", "Server", "2"]),
        ("utf8_decode", ["utf", "8", "decode"]),
        ("_private", ["private"]),
        ("größe_max", ["größe", "max"]),
    ],
)
def test_identifiers_come_apart_at_case_digits_and_underscores(identifier: str, expected: list[str]) -> None:
    """The parts are what a reader would say aloud."""
    assert expected == parts(identifier)


def test_compound_names_are_told_from_plain_words() -> None:
    """Only a name of several parts is compound; a leading underscore makes none."""
    assert [is_compound(name) for name in ("get_user", "getUser", "HTTPServer", "_value", "value")] == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_searchable_keeps_the_original_beside_its_parts() -> None:
    """A compound word is found by its own spelling and by its parts, once."""
    assert searchable(["getUser", "plain", "getUser"]) == "getUser get User plain"


def test_data_is_not_a_word() -> None:
    """A run longer than any name leaves nothing to search for."""
    assert searchable(["a" * 65]).strip() == ""


def test_comments_and_docstrings_are_prose() -> None:
    """What people wrote for people is separated from code."""
    prose, code = prose_and_code('def f():\n    """Says hello."""\n    return 1  # why\n', "python")
    assert words(prose) == ["Says", "hello", "why"]
    assert words(code) == ["def", "return"]


@given(st.text(), st.sampled_from([None, "python", "go", "bash"]))
def test_no_word_is_lost_between_prose_and_code(text: str, language: str | None) -> None:
    """Separating prose keeps every character in one of the two."""
    prose, code = prose_and_code(text, language)
    assert sorted(text.replace(" ", "")) == sorted((prose + code).replace(" ", ""))
