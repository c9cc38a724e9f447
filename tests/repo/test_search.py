"""Finding places: what a query finds first, and that any text is a query."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot.repo.index import Index
from copilot.repo.query import parsed
from copilot.repo.search import MOST_PER_FILE, Hit, search
from copilot.repo.walk import walk

TREE = {
    "README.md": "# Parcel\n\nSends parcels.\n",
    "parcel/routing.py": '''"""Where a parcel goes next."""


class RouteTable:
    """Known routes between depots."""

    def __init__(self, depots):
        self.depots = depots

    def shortest_path(self, start, goal):
        """Find the cheapest way between two depots."""
        return self.depots[start][goal]

    def add_depot(self, depot):
        """Register a new depot."""
        self.depots.append(depot)


def retry_delivery(parcel, attempts):
    """Try again to hand over a parcel whose recipient was away."""
    for attempt in range(attempts):
        if parcel.hand_over():
            return attempt
    return None
''',
    "parcel/labels.py": '''"""Printing of address labels."""


def print_label(parcel):
    """Render the barcode and the recipient's address."""
    return f"{parcel.code} {parcel.address}"


def parseHTTPAddress(text):
    """Split a web address."""
    return text.split("/")
''',
    "tests/test_routing.py": '''from parcel.routing import RouteTable, retry_delivery


def test_retry_delivery_tries_again():
    """Try again to hand over a parcel whose recipient was away."""
    assert retry_delivery(None, 0) is None
''',
}

Indexed = Callable[[dict[str, str]], Index]


@pytest.fixture
def indexed(tmp_path: Path) -> Iterator[Indexed]:
    """Write a tree, index it, give the index."""
    opened: list[Index] = []

    def make(tree: dict[str, str]) -> Index:
        root = tmp_path / "tree"
        for path, text in tree.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, "utf-8")
        index = Index(tmp_path / "index.db", root)
        opened.append(index)
        index.refresh(walk(root))
        return index

    yield make
    for index in opened:
        index.close()


@pytest.mark.parametrize(
    ("query", "symbol"),
    [
        ("shortest_path", "RouteTable.shortest_path"),
        ("RouteTable.shortest_path", "RouteTable.shortest_path"),
        ("where is the cheapest way between depots found?", "RouteTable.shortest_path"),
        ("try again when the recipient was away", "retry_delivery"),
        ("retrying deliveries", "retry_delivery"),
        ("barcode rendering", "print_label"),
        ("http address", "parseHTTPAddress"),
    ],
)
def test_the_place_that_answers_comes_first(indexed: Indexed, query: str, symbol: str) -> None:
    """Names, their parts, docstring words and inflected words find the definition."""
    assert symbol == search(indexed(TREE), query)[0].symbol


def test_a_hit_spans_its_definition(indexed: Indexed) -> None:
    """Lines are 1-based, inclusive and exactly the body's."""
    hit = search(indexed(TREE), "print_label", k=1)[0]
    assert (hit.path, hit.start_line, hit.end_line) == ("parcel/labels.py", 4, 6)


def test_tests_come_below_source_unless_asked_for(indexed: Indexed) -> None:
    """The same words in a test rank lower, except when the query speaks of tests."""
    index = indexed(TREE)
    assert search(index, "recipient was away")[0].path == "parcel/routing.py"
    assert search(index, "test that retry delivery tries again")[0].path == "tests/test_routing.py"


def test_no_two_hits_share_a_line(indexed: Indexed) -> None:
    """Each place is given once, and no file takes the whole list."""
    hits = search(indexed(TREE), "parcel depot recipient address test", k=50)
    lines = [(hit.path, line) for hit in hits for line in range(hit.start_line, hit.end_line + 1)]
    assert sorted(set(lines)) == sorted(lines)
    assert max(sum(other.path == hit.path for other in hits) for hit in hits) <= MOST_PER_FILE


def test_questions_of_stop_words_still_search(indexed: Indexed) -> None:
    """A query of nothing but common words is searched as it stands; one without words finds nothing."""
    index = indexed(TREE | {"where.py": "def where():\n    return 1\n"})
    assert search(index, "where?")[0].symbol == "where"
    assert [search(index, "?!"), search(index, "")] == [[], []]


def test_a_path_in_the_query_counts(indexed: Indexed) -> None:
    """Naming a file lifts its places."""
    assert search(indexed(TREE), "parcel in labels.py")[0].path == "parcel/labels.py"


def test_hits_are_the_same_after_an_edit_as_in_a_new_index(indexed: Indexed, tmp_path: Path) -> None:
    """An index brought up to date answers as one made from scratch."""
    index = indexed(TREE)
    root = tmp_path / "tree"
    (root / "parcel/labels.py").write_text("def stamp_letter():\n    return 'letter stamped'\n", "utf-8")
    (root / "parcel/routing.py").unlink()
    index.refresh(walk(root))
    with Index(tmp_path / "fresh.db", root) as fresh:
        fresh.refresh(walk(root))
        for query in ("stamp letter", "retry delivery", "recipient address"):
            assert search(fresh, query) == search(index, query)


@given(st.text())
def test_no_query_can_break_the_text_index(query: str) -> None:
    """Quotes, operators, NUL and surrogates are just text: the expression holds quoted words only."""
    terms = parsed(query).terms
    assert all(term and '"' not in term and "\0" not in term for term in terms)


HOSTILE = [
    'a" OR "b',
    "NEAR(a b, 5)",
    "symbol:parcel",
    "parcel*",
    "^parcel -label +x",
    "a AND NOT b",
    "(((",
    "'; DROP TABLE chunks; --",
    "\0parcel\0",
    "𝒳 größe 名前",
    "_ __ ___",
    "x" * 100_000,
    " ".join(f"word{n}" for n in range(5000)),
]


@pytest.mark.parametrize("query", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_queries_are_searched_as_words(indexed: Indexed, query: str) -> None:
    """Nothing a user types is syntax, and nothing is too long."""
    hits = search(indexed(TREE), query)
    assert all(isinstance(hit, Hit) for hit in hits)


@given(st.text(max_size=60))
def test_every_text_is_a_query(indexed_once: Index, query: str) -> None:
    """The text index takes whatever the parser makes of any text."""
    assert len(search(indexed_once, query)) <= 10


@pytest.fixture(scope="module")
def indexed_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """One index for many queries."""
    folder = tmp_path_factory.mktemp("search")
    root = folder / "tree"
    for path, text in TREE.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, "utf-8")
    with Index(folder / "index.db", root) as index:
        index.refresh(walk(root))
        yield index


def test_what_a_machine_wrote_comes_after_what_people_wrote(indexed: Indexed) -> None:
    """The same words in a generated file rank lower."""
    body = "\n\ndef weigh_letter(letter):\n    return letter.grams\n"
    index = indexed({"a.py": "# Code generated by weigher. DO NOT EDIT." + body, "b.py": "# By hand." + body})
    assert [hit.path for hit in search(index, "weigh letter")] == ["b.py", "a.py"]
