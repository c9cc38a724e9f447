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


def test_other_files_come_between_the_places_of_one(indexed: Indexed) -> None:
    """A file where everything matches leaves room for the others among the first hits."""
    many = "\n\n".join(f"def weigh_letter_{n}(letter):\n    return letter.weigh({n})" for n in range(12))
    others = {f"scale{n}.py": f"def scale_{n}(letter):\n    return letter.weigh({n})\n" for n in range(4)}
    paths = [hit.path for hit in search(indexed({"letter.py": many} | others), "weigh letter")]
    assert paths[0] == "letter.py"
    assert set(others) < set(paths)


def test_the_tests_of_a_hit_follow_it(indexed: Indexed) -> None:
    """A change to a file is a change to its tests: they come before other tests with the same words."""
    test = "def test_it():\n    assert stamp_letter('postage')\n"
    tree = {"stamps.py": "def stamp_letter(postage):\n    return postage\n"}
    hits = search(indexed(tree | {"tests/test_a.py": test, "tests/test_stamps.py": test}), "stamp letter with postage")
    assert [hit.path for hit in hits] == ["stamps.py", "tests/test_stamps.py", "tests/test_a.py"]


def test_the_end_of_a_traceback_leads_to_its_function(indexed: Indexed) -> None:
    """A long report full of other words is answered by the function that its frames name."""
    frames = (
        '  File "/opt/py/site-packages/parcel/labels.py", line 9, in parseHTTPAddress\n    return text.split("/")\n'
    )
    noise = "\n".join(f"library{n} 1.{n} installed from channel{n}" for n in range(40))
    report = f"It stops on my machine\n\nTraceback (most recent call last):\n{frames}ValueError\n\n{noise}"
    assert search(indexed(TREE), report)[0].symbol == "parseHTTPAddress"


def test_scores_fall_from_hit_to_hit(indexed: Indexed) -> None:
    """The order of the hits is the order of their scores."""
    scores = [hit.score for hit in search(indexed(TREE), "parcel depot recipient address test", k=50)]
    assert scores == sorted(scores, reverse=True)
    assert all(score > 0 for score in scores)


def test_a_repository_without_text_has_no_hits(indexed: Indexed) -> None:
    """Nothing to search is no error, neither before nor after files are gone."""
    index = indexed({"a.py": "def weigh():\n    return 1\n"})
    assert [hit.symbol for hit in search(index, "weigh")] == ["weigh"]
    (index.root / "a.py").unlink()
    index.refresh(walk(index.root))
    assert search(index, "weigh") == []


def test_a_word_of_every_place_does_not_hide_the_telling_ones(indexed: Indexed) -> None:
    """In a long query, what is everywhere is left out; alone it is searched."""
    tree = {f"m{n}.py": "\n\n".join(f"def common_{n}_{m}(x):\n    return x" for m in range(700)) for n in range(5)}
    index = indexed(tree | {"z.py": "def weigh_letter(x):\n    return x\n"})
    long = "common weigh letter with many other words that are nowhere in these files at all indeed"
    assert search(index, long)[0].symbol == "weigh_letter"
    assert len(search(index, "common")) == 10


def test_a_description_is_answered_by_functions_of_one_file_too(indexed: Indexed) -> None:
    """Where one place is asked for, its neighbours are as good as places of other files."""
    many = "\n\n".join(f"def weigh_letter_{n}(letter):\n    return letter.weigh({n})" for n in range(8))
    index = indexed({"letter.py": many, "scale.py": "def scale(letter):\n    return 'weigh a letter'\n"})
    described = [hit.path for hit in search(index, "Returns what it takes to weigh a letter.", k=8)]
    changed = [hit.path for hit in search(index, "Fix what it takes to weigh a letter", k=2)]
    assert described.count("letter.py") >= 7
    assert set(changed) == {"letter.py", "scale.py"}
