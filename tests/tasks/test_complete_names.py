"""Which names of a repository may be written at a cursor: called like what is around it, or behind its dot."""

from copilot.repo.languages import language_of
from copilot.repo.tags import structure
from copilot.repo.usages import Usages
from copilot.tasks.complete_context import nearby
from copilot.tasks.complete_names import KindredNames
from copilot.tasks.complete_receiver import Members, receivers

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
