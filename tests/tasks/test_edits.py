"""Edits are cheap, and whatever was read before, the prefix shows the repository as it is."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from copilot.app import App
from copilot.config import Settings
from copilot.engine.base import Cancel
from copilot.repo.forms import fenced, heading
from copilot.tasks.fold import LIVELY_TITLE
from copilot.tasks.model import ChatModel
from copilot.tasks.overlay import TITLE
from copilot.tasks.prefix import Prefix, _overlay_room
from copilot.testing import ScriptedSession, Shape, make_repo

N_FILES = 12
BUDGET = 6000
SEGMENT = 256
END = "<|im_end|>\n"


def source(n: int, size: int = 6) -> str:
    return "".join(f"def step_{n}_{i}(value):\n    return value * {i}\n\n\n" for i in range(size))


def prose(n: int) -> str:
    """More than a pack takes of one file."""
    return "".join(f"Remark {n} on matter {i}: nothing is known.\n" for i in range(400))


FILES = {f"src/part{n:02}.py": source(n) for n in range(N_FILES)}


class Workshop:
    """A repository that is edited, and a session that reads its prefix."""

    def __init__(self, model_path: Path, folder: Path, files: dict[str, str]) -> None:
        self.app = App(Settings(model=str(model_path), cache_dir=folder / "cache", models_dir=folder / "models"))
        self.model: ChatModel = self.app.chat_model()
        self.root = make_repo(folder / "project", files)
        self.session = ScriptedSession()

    def built(self) -> Prefix:
        with self.app.repository(self.root) as repository:
            return self.app.prefixes(repository, self.model).full(BUDGET, self.session)

    def read(self) -> tuple[Prefix, int]:
        """The prefix as it is now, and how many of its tokens had to be read."""
        prefix = self.built()
        missing = self.session.state(prefix.tokens).missing
        list(self.session.read(prefix.tokens, Cancel()))
        prefix.keep()
        return prefix, missing

    def text(self, prefix: Prefix) -> str:
        return self.model.tokenizer.decode(prefix.tokens).decode().removesuffix(END)

    def write(self, path: str, text: str) -> None:
        (self.root / path).write_text(text, encoding="utf-8")


Opened = Callable[[dict[str, str]], Workshop]


@pytest.fixture
def opened(tiny_model: Callable[[Shape], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    model = tiny_model("qwen2")
    yield lambda files: Workshop(model, tmp_path_factory.mktemp("workshop"), files)


paths = st.sampled_from(sorted(FILES))
edits = st.one_of(
    st.tuples(st.just("grow"), paths, st.integers(1, 12)),
    st.tuples(st.just("replace"), paths, st.integers(0, 9)),
    st.tuples(st.just("delete"), paths, st.just(0)),
    st.tuples(st.just("add"), st.sampled_from(["src/new.py", "notes.md", "zz/odd  name.py"]), st.integers(1, 8)),
)
slow = settings(
    max_examples=12,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def apply(shop: Workshop, kind: str, path: str, number: int) -> None:
    file = shop.root / path
    file.parent.mkdir(exist_ok=True)
    text = file.read_text() if file.exists() else ""
    if kind == "grow":
        file.write_text(text + source(90 + number, number))
    elif kind == "replace":
        file.write_text(text.replace(f"value * {number}", f"value - {number}{number}"))
    elif kind == "add":
        file.write_text(source(70 + number, number))
    else:
        file.unlink(missing_ok=True)


EMPTIED = [
    [("delete", "src/part08.py", 0)],
    [("replace", "src/part08.py", 4), ("delete", "src/part06.py", 0)],
    [("add", "notes.md", 8), ("delete", "src/part05.py", 0), ("grow", "src/part03.py", 3)],
]
"""A file that is empty when the changes are folded."""


@slow
@example(steps=EMPTIED)
@given(steps=st.lists(st.lists(edits, min_size=1, max_size=3), min_size=1, max_size=8))
def test_prefix_shows_the_repository_as_it_is(opened: Opened, steps: list[list[tuple[str, str, int]]]) -> None:
    """After any edits: within its budget, true about every file it shows in full, silent about none that is gone."""
    shop = opened(FILES)
    shop.read()
    for step in steps:
        for edit in step:
            apply(shop, *edit)
        if not any(file.is_file() for file in (shop.root / "src").iterdir()):
            return
        prefix, _ = shop.read()
        text = shop.text(prefix)
        pack, _, told = text.partition(TITLE)
        assert len(prefix.tokens) <= BUDGET
        assert prefix.overlay_tokens <= _overlay_room(BUDGET)
        for path in prefix.shown_in_full:
            tag = "python" if path.endswith(".py") else "md"
            assert heading(path) + fenced((shop.root / path).read_text(), tag) in pack
        for path in FILES:
            gone = not (shop.root / path).exists()
            assert not (gone and heading(path) in pack and heading(path, " (deleted)") not in told)
        assert shop.built().tokens == prefix.tokens


@slow
@given(path=paths, number=st.integers(0, 5))
def test_one_changed_line_costs_the_change_wherever_it_is(opened: Opened, path: str, number: int) -> None:
    """The place of the edit does not matter: what stands in the pack stays, and less than a segment is read."""
    shop = opened(FILES)
    shop.read()
    shop.write(path, FILES[path].replace(f"value * {number}", f"value - {number}"))
    after, missing = shop.read()
    assert missing < SEGMENT
    assert f"value - {number}" in shop.text(after)
    assert after.changed <= {path}


def test_changes_told_before_keep_their_place(opened: Opened) -> None:
    """A later edit is told last, even where its path comes first."""
    shop = opened(FILES)
    shop.read()
    shop.write("src/part07.py", FILES["src/part07.py"].replace("value * 2", "value * 200"))
    first, _ = shop.read()
    shop.write("src/part01.py", FILES["src/part01.py"].replace("value * 3", "value * 300"))
    second, missing = shop.read()
    assert shop.text(second).startswith(shop.text(first))
    assert missing < 100


def test_file_shown_by_its_name_only_changes_nothing(opened: Opened) -> None:
    """Of a change that the pack never showed there is nothing to tell, and nothing to read."""
    shop = opened(FILES | {f"notes/{n}.txt": prose(n) for n in range(9)})
    before, _ = shop.read()
    path = next(path for path, form in sorted(before.forms.items()) if form == "path")
    shop.write(path, prose(100))
    after, missing = shop.read()
    assert (after.tokens, after.changed, missing) == (before.tokens, frozenset(), 0)


def outgrow(shop: Workshop, path: str, number: int) -> None:
    """An edit that does not fit behind the pack."""
    shop.write(path, source(number, 30))


def test_changes_that_no_longer_fit_are_folded_into_the_end(opened: Opened) -> None:
    """The pack stays up to the late file that changed much, which moves to the end; the small early change still rides.

    The next large change of that file costs hardly more than the file.
    """
    shop = opened(FILES)
    before, _ = shop.read()
    shop.write("src/part00.py", FILES["src/part00.py"].replace("value * 2", "value * 200"))
    shop.read()
    outgrow(shop, "src/part09.py", 50)
    folded, missing = shop.read()
    text = shop.text(folded)
    start = shop.text(before).index(heading("src/part09.py"))
    assert text[:start] == shop.text(before)[:start]
    lively, _, told = text.partition(LIVELY_TITLE)[2].partition(TITLE)
    assert lively == heading("src/part09.py") + fenced(source(50, 30), "python")
    assert "value * 200" in told
    assert folded.changed == {"src/part00.py"} and "src/part09.py" in folded.shown_in_full
    assert missing < 0.6 * len(before.tokens)
    assert "no longer fits" in folded.news and f"({missing:,} tokens)" in folded.news
    outgrow(shop, "src/part09.py", 60)
    again, missing = shop.read()
    [own] = shop.model.tokenizer.count([source(60, 30) + told])
    assert shop.text(again).startswith(text.partition(LIVELY_TITLE)[0])
    assert missing < own + 100


def test_pack_is_made_anew_where_folding_saves_little(opened: Opened) -> None:
    """Where the first file of the pack outgrew the room, its own order costs the same, and the user is told why."""
    shop = opened(FILES)
    shop.read()
    for n in range(N_FILES):
        outgrow(shop, f"src/part{n:02}.py", 50 + n)
    after, _ = shop.read()
    assert after.changed == frozenset()
    assert LIVELY_TITLE not in shop.text(after)
    assert "packed anew" in after.news
