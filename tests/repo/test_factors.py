"""What speaks for or against a place besides its words."""

import pytest

from copilot.repo.chunks import Chunk
from copilot.repo.factors import name_factor, place_factor, role_factor, subject
from copilot.repo.query import parsed

PLACE = Chunk(1, 9, "Depot.close", "method")


def test_a_file_and_its_companions_have_one_subject() -> None:
    """Tests, headers and documents are named after the file they belong to."""
    files = (
        "src/route_table.c",
        "src/route_table.h",
        "tests/test_route_table.py",
        "doc/route-table.rst",
        "RouteTableTest.java",
    )
    assert {frozenset({"rout", "tabl"})} == {subject(path) for path in files}


@pytest.mark.parametrize(
    ("named", "is_meant"),
    [
        ("parcel/depot.py", True),
        ("depot.py", True),
        ("/usr/lib/python3/site-packages/parcel/depot.py", True),
        ("/home/jo/src/parcel/depot.py", True),
        ("other/depot.py", False),
        ("parcel/depots.py", False),
    ],
)
def test_a_path_in_the_query_means_the_file_that_ends_like_it(named: str, is_meant: bool) -> None:
    """Where a program was installed or checked out does not matter; the last folder does."""
    lifted = place_factor(PLACE, "src/parcel/depot.py", parsed(f"fails in {named}"))
    plain = place_factor(PLACE, "src/parcel/other.py", parsed(f"fails in {named}"))
    assert is_meant == (lifted > plain)


def test_pages_without_code_count_less_than_source() -> None:
    """A web page in the tree is no source, though nothing else is known of it."""
    asked = parsed("close the depot")
    assert role_factor("www/depot.html", asked) < role_factor("src/depot.c", asked) == 1.0


def test_tests_count_in_full_only_where_the_first_line_asks_for_them() -> None:
    """Long reports mention tests in passing."""
    assert role_factor("tests/test_depot.py", parsed("tests of the depot")) == 1.0
    assert role_factor("tests/test_depot.py", parsed("depot stays open\n\nI ran the tests")) < 1.0


def test_a_file_called_what_the_query_says_gains() -> None:
    """The more of its name is said, the more."""
    asked = parsed("route table of the depot")
    gains = [name_factor(path, asked) for path in ("route_table.py", "route_map.py", "letter.py")]
    assert gains == sorted(gains, reverse=True)
    assert gains[-1] == 1.0


def test_a_header_comes_after_what_it_declares() -> None:
    """Who asks for a function wants its body."""
    asked = parsed("close the depot")
    assert role_factor("src/depot.h", asked) < role_factor("src/depot.c", asked)
