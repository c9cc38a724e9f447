"""Which names of a repository may be written at a cursor: called like what is around it, or behind its dot."""

from copilot.prompts.complete import Snippet
from copilot.repo.languages import language_of
from copilot.repo.tags import structure
from copilot.repo.usages import Usages
from copilot.tasks.complete.context import family, nearby, settled
from copilot.tasks.complete.names import KindredNames, imported_modules
from copilot.tasks.complete.receiver import Members, receivers

FILES = {
    "src/tasks.py": "class ListTasksRequest:\n    pass\n\n\ndef cancel_everything():\n    pass\n",
    "src/store.py": "class ValueStore:\n    def load_snapshot(self, key):\n        pass\n    def __len__(self): ...\n",
    "lib/other.py": "def unrelated_thing():\n    pass\n",
}
MEMBERS = Members({path: structure(text, language_of(path)).definitions for path, text in FILES.items()})
USAGES = Usages([("src/use.py", ("store.load_snapshot('a')", "queue.push(1)"))])


def kindred(before: str, path: str = "src/new.py") -> list[str]:
    found = KindredNames(MEMBERS.by_name).of(nearby(before, ""), path)
    return [definition.name for _, definition in found]


def test_names_are_found_by_the_words_they_are_made_of() -> None:
    """The function's name leads to the type of its parameter."""
    assert kindred("def list_tasks(self, params: ")[0] == "ListTasksRequest"


def test_names_of_the_own_file_and_names_that_stand_there_are_left_out() -> None:
    """The model sees them."""
    assert "ListTasksRequest" not in kindred("def list_tasks(self, params: ", "src/tasks.py")
    assert "ListTasksRequest" not in kindred("def list_tasks(self, params: ListTasksRequest, ")


def members(before: str) -> list[str]:
    return [definition.name for _, definition in MEMBERS.likely(before, "", USAGES, "src/new.py")]


def test_members_come_from_usages_elsewhere_and_from_the_type() -> None:
    """Whether others use a thing of that name, it is annotated, assigned, or called like its class."""
    assert members("x = store.")[0] == "load_snapshot"
    assert members("def f(thing: ValueStore):\n    thing.")[0] == "load_snapshot"
    assert members("thing = ValueStore()\nthing.")[0] == "load_snapshot"
    assert members("def f(self, given: ValueStore):\n    self.given = given\n    self.given.")[0] == "load_snapshot"
    assert members("value_store.")[0] == "load_snapshot"
    assert members("nothing_known.") == []


def test_the_receiver_is_what_stands_before_the_dot() -> None:
    """Of calls and subscripts as well; without a dot at the cursor, the latest ones count."""
    assert receivers("a = self.index.") == ["index"]
    assert receivers("a = open_store(path).lo") == ["open_store"]
    assert receivers("first.x()\nsecond.y()\nvalue = ") == ["second", "first"]
    assert receivers("self.") == []


def test_what_is_still_shown_stays_in_front() -> None:
    """The model has read it there."""
    a, b, c, d = (Snippet(name, "") for name in "abcd")
    assert settled((a, b, c), (d, c, a)) == (a, c, d)
    assert settled((), (a, b)) == (a, b)


def test_languages_that_use_one_another_are_one_family() -> None:
    """Names of others are no candidates."""
    assert family("a.ts") == family("b.jsx") and family("a.h") == family("b.cpp") and family("a.kt") == family("B.java")
    assert len({family(path) for path in ("a.py", "a.ts", "a.c", "a.go", "a.unknown")}) == 5


def test_modules_that_are_imported_from_count_more() -> None:
    """The next name often comes from where the others came from; tests and private names seldom do."""
    names = [
        definition
        for path, text in {
            "src/a.py": "def make_report_text(): ...\n",
            "src/b/helpers.py": "def make_report_page(): ...\n",
            "src/c.py": "def _make_report(): ...\n",
            "tests/test_a.py": "def check_report(): ...\n",
        }.items()
        for definition in [(path, d) for d in structure(text, language_of(path)).definitions]
    ]
    found = KindredNames({entry[1].name: [entry] for entry in names})
    weights = nearby("page = report(", "")
    ranked = [d.name for _, d in found.of(weights, "lib/new.py", imported_modules("from .b.helpers import x\n"))]
    assert ranked[0] == "make_report_page" and ranked[-1] in ("_make_report", "check_report")


def test_modules_are_known_by_their_last_part() -> None:
    """As Python and JavaScript write them."""
    text = (
        "from ..a.helpers import x\nimport os.path\nimport { y } from './lib/tools';\nfrom .core import (\n    z,\n)\n"
    )
    assert imported_modules(text) == {"helpers", "path", "tools", "core"}
