"""The pack: exact budgets, the same bytes everywhere, an order that makes edits cheap."""

import hashlib
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copilot.errors import BudgetError
from copilot.repo.forms import shortened, shown
from copilot.repo.git import Change, History
from copilot.repo.index import Index
from copilot.repo.pack import LEAST_BUDGET_TOKENS, Pack, PackRequest, in_full, pack
from copilot.repo.walk import Skipped, walk

TOKEN = re.compile(r"[^\W\d_]{1,5}|\d|[^\w\s]{1,3}\n*|_|\s*\n+|[^\S\n]+")


class Pieces:
    """A counter whose tokens, like a real vocabulary's, join newlines with what stands before them."""

    name = "pieces"

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(TOKEN.findall(text)) for text in texts]


def make_tree(root: Path, files: int, seed: int, largest_lines: int = 60) -> Path:
    """Random modules that use each other, with some prose, a README and odd names."""
    chance = random.Random(seed)
    texts = {"README.md": "# Random\n\nA project.\n" * chance.randint(1, 9)}
    for number in range(files):
        folder = chance.choice(["", "core/", "core/deep/", "web app/", "tests/"])
        ending = chance.choice(["py", "py", "py", "md", "txt"])
        body = [
            f"def compute_value_{number}_{line}(first):\n"
            + "    first = first * 2 + len(str(first))\n" * 4
            + f"    return use_other_{chance.randrange(files)}(first)\n"
            if ending == "py"
            else "some words of prose, and more of them\n"
            for line in range(chance.randint(0, largest_lines))
        ]
        texts[f"{folder}file_{number}.{ending}"] = "".join(body) + f"def use_other_{number}(value):\n    return value"
    for path, text in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, "utf-8")
    return root


Open = Callable[[Path], Index]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Index a tree; closed at the end."""
    indexes: list[Index] = []

    def make(root: Path) -> Index:
        index = Index(tmp_path / f"index{len(indexes)}.db", root)
        indexes.append(index)
        index.refresh(walk(root))
        return index

    yield make
    for index in indexes:
        index.close()


def check(made: Pack) -> None:
    """What holds for every pack."""
    assert made.tokens <= made.budget_tokens
    assert made.tokens == Pieces().count([made.text])[0]
    assert made.tokens == sum(Pieces().count(made.sections))
    assert made.digest == hashlib.sha256(made.text.encode()).hexdigest()
    for section in made.sections:
        assert not section[0].isspace()
        assert section.endswith("\n")
        assert not section.endswith("\n\n")
    named = [file.path for file in made.files]
    assert named == sorted(set(named))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 5),
    budget=st.integers(400, 30_000),
    kind=st.sampled_from(["full", "map"]),
)
def test_the_budget_is_kept_and_used(trees: dict[int, Index], seed: int, budget: int, kind: str) -> None:
    """Never a token too many; never less than 97 % while there is more to say."""
    made = pack(trees[seed], PackRequest(budget, None, "map" if kind == "map" else "full"), Pieces())
    check(made)
    everything = all(file.form == "full" for file in made.files) and not made.skipped
    if kind == "full" and not everything:
        assert made.tokens >= 0.97 * budget


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, Index]]:
    """Indexes of random trees of different sizes."""
    folder = tmp_path_factory.mktemp("trees")
    indexes = {}
    for seed in range(6):
        root = make_tree(folder / f"t{seed}", [1, 3, 10, 40, 120, 250][seed], seed, [900, 400, 60, 60, 30, 10][seed])
        indexes[seed] = Index(folder / f"{seed}.db", root)
        indexes[seed].refresh(walk(root))
    yield indexes
    for index in indexes.values():
        index.close()


PACK = """
import re, sys
from pathlib import Path
from copilot.repo.index import Index
from copilot.repo.pack import PackRequest, pack
from copilot.repo.walk import walk

class Words:
    name = "words"
    def count(self, texts):
        return [len(re.findall(r"\\w{1,4}|[^\\w\\s]|\\n+", text)) for text in texts]

index = Index(Path(sys.argv[1]), Path(sys.argv[2]))
index.refresh(walk(Path(sys.argv[2])))
made = pack(index, PackRequest(int(sys.argv[3])), Words())
print(made.digest, made.tokens, [(file.path, file.form, file.tokens, file.rank) for file in made.files])
"""


def test_packs_are_equal_in_every_process(tmp_path: Path) -> None:
    """Hash seed, run, index history and the folder's name leave no trace in the bytes."""
    one = make_tree(tmp_path / "one", 40, 3)
    two = make_tree(tmp_path / "elsewhere", 40, 3)
    answers = {
        subprocess.run(
            [sys.executable, "-c", PACK, tmp_path / database, root, "6000"],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for database, root, seed in (("a", one, "0"), ("b", one, "1"), ("b", two, "2"), ("a", one, "3"))
    }
    assert len(answers) == 1


def test_a_small_repository_is_packed_whole(opened: Open, tmp_path: Path) -> None:
    """When everything fits, everything is there in full and nothing more is said."""
    root = make_tree(tmp_path / "tree", 5, 1, 5)
    made = pack(opened(root), PackRequest(100_000), Pieces())
    check(made)
    assert {file.form for file in made.files} == {"full"}
    for file in made.files:
        assert (root / file.path).read_text() in made.text
        assert in_full(made, file.path)


def test_what_is_in_full_is_there_to_the_last_character(opened: Open, tmp_path: Path) -> None:
    """A file in full is its whole text in a fence no line of it can close."""
    root = tmp_path / "tree"
    root.mkdir()
    text = "Some text\n```python\nx\n````\n\n\n  indented end"
    (root / "a b.md").write_text(text)
    made = pack(opened(root), PackRequest(1000), Pieces())
    check(made)
    assert f"## a b.md\n`````md\n{text}\n`````\n" in made.text


def test_forms_show_in_the_order_full_outline_path(opened: Open, tmp_path: Path) -> None:
    """Files first, then outlines, then names; each file once."""
    made = pack(opened(make_tree(tmp_path / "tree", 120, 4, 30)), PackRequest(8000), Pieces())
    check(made)
    forms = {file.path: file.form for file in made.files}
    assert set(forms.values()) == {"full", "outline", "path"}
    assert made.text.index("# Files\n") < made.text.index("# Outlines\n")
    assert made.text.index("# Outlines\n") < made.text.index("# Names of other files\n")
    headings = re.findall(r"^## ([^(\n]+?)(?: \(lines.*)?$", made.text, re.MULTILINE)
    assert {path for path, form in forms.items() if form != "path"} == set(headings)


def test_a_huge_file_does_not_take_the_budget(opened: Open, tmp_path: Path) -> None:
    """A file that would fill most of the budget is outlined, however it ranks."""
    root = make_tree(tmp_path / "tree", 20, 2, 20)
    calls = "\n".join(f"    use_other_{number}(1)" for number in range(20))
    (root / "huge.py").write_text(f"def use_it_all():\n{calls}\n" + "TABLE_ENTRY = 'abc'\n" * 3000)
    made = pack(opened(root), PackRequest(6000), Pieces())
    check(made)
    assert not in_full(made, "huge.py")


def test_rarely_changed_files_come_first(opened: Open, tmp_path: Path) -> None:
    """Order follows how often files changed, not how they rank."""
    root = tmp_path / "tree"
    root.mkdir()
    for name in ("a.py", "b.py", "c.py"):
        (root / name).write_text(f"def {name[0]}_function():\n    return 1\n")
    history = History("0" * 40, 60, {"a.py": Change(50, 0), "b.py": Change(9, 1), "c.py": Change(1, 59)})
    made = pack(opened(root), PackRequest(1000, history), Pieces())
    assert re.findall(r"^## (.*)$", made.text, re.MULTILINE) == ["c.py", "b.py", "a.py"]


def test_one_more_commit_moves_no_other_file(opened: Open, tmp_path: Path) -> None:
    """Up to the edited file's place the pack stays byte for byte what it was."""
    root = make_tree(tmp_path / "tree", 30, 5, 10)
    index = opened(root)
    paths = [file.path for file in index.files]
    changes = {path: Change(1 + number * 3 % 17, number) for number, path in enumerate(paths)}
    before = pack(index, PackRequest(60_000, History("a" * 40, 40, changes)), Pieces())
    edited = before.sections[-3].split("\n")[0].removeprefix("## ")
    later = {path: Change(change.commits, change.age + 1) for path, change in changes.items()}
    later[edited] = Change(changes[edited].commits + 1, 0)
    with (root / edited).open("a") as file:
        file.write("\n# one more line\n")
    index.refresh(walk(root))
    after = pack(index, PackRequest(60_000, History("b" * 40, 41, later)), Pieces())
    place = before.text.index(f"## {edited}\n")
    assert place > 0.8 * len(before.text)
    assert after.text[:place] == before.text[:place]


def test_a_map_is_outlines_only(opened: Open, tmp_path: Path) -> None:
    """The map of a repository shows the README's head and signatures, no bodies."""
    root = make_tree(tmp_path / "tree", 60, 4, 20)
    made = pack(opened(root), PackRequest(1500, None, "map"), Pieces())
    check(made)
    assert "full" not in {file.form for file in made.files if file.path.endswith(".py")}
    assert "def compute_value" in made.text
    assert "first * 2" not in made.text
    assert "A project." in made.text
    assert made.tokens >= 0.9 * 1500


def test_hostile_names_cannot_break_lines_or_tokens(opened: Open, tmp_path: Path) -> None:
    """Control characters are spelled out, and no line starts with white space."""
    assert shown("new\nline \x1b[31m.py") == "new\\nline \\x1b[31m.py"
    root = tmp_path / "tree"
    for path in (" lead/ing.py", " lead/empty.py", "\u3000wide/empty.py", "`tick`.md", "empty.py"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("" if path.endswith("empty.py") else "x = 1\n")
    index = opened(root)
    for budget in (LEAST_BUDGET_TOKENS, 90, 1000):
        check(pack(index, PackRequest(budget), Pieces()))


def test_what_was_left_out_is_told(opened: Open, tmp_path: Path) -> None:
    """Binary files and files without room for their names are listed with the reason."""
    root = make_tree(tmp_path / "tree", 250, 5, 3)
    (root / "blob").write_bytes(b"\0\1")
    made = pack(opened(root), PackRequest(300), Pieces())
    check(made)
    assert Skipped("blob", "binary") in made.skipped
    told = {file.path for file in made.files} | {skipped.path for skipped in made.skipped}
    assert {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()} <= told


def test_counts_are_kept_between_packs(opened: Open, tmp_path: Path) -> None:
    """Packing again counts no file's text again."""
    index = opened(make_tree(tmp_path / "tree", 60, 4, 30))

    class Watched(Pieces):
        longest = 0

        def count(self, texts: Sequence[str]) -> list[int]:
            self.longest = max([self.longest, *map(len, texts)])
            return super().count(texts)

    first, second = Watched(), Watched()
    made = pack(index, PackRequest(100_000), first)
    again = pack(index, PackRequest(100_000), second)
    assert made == again
    assert second.longest < 200 < first.longest


def test_the_account_is_complete(opened: Open, tmp_path: Path) -> None:
    """JSON and table say the same as the pack."""
    made = pack(opened(make_tree(tmp_path / "tree", 20, 2, 20)), PackRequest(3000), Pieces())
    document = made.to_json()
    keys = "version root tokenizer budget_tokens tokens digest files skipped redactions text"
    assert list(document) == keys.split()
    assert document["root"] == "tree"
    rows = made.explain()
    assert sorted(row[0] for row in rows) == [file.path for file in made.files]
    assert [row[3] for row in rows] == sorted((row[3] for row in rows), reverse=True)


def test_too_small_a_budget_is_an_error(opened: Open, tmp_path: Path) -> None:
    """Nothing useful fits in a handful of tokens."""
    with pytest.raises(BudgetError, match="too small"):
        pack(opened(make_tree(tmp_path / "tree", 2, 0, 2)), PackRequest(LEAST_BUDGET_TOKENS - 1), Pieces())


def test_counts_agree_with_a_real_vocabulary(opened: Open, tmp_path: Path) -> None:
    """With a model's own tokenizer the sections' counts add up to the count of the whole text."""
    testing = pytest.importorskip("copilot.testing")
    gguf = pytest.importorskip("copilot.engine.gguf")
    tokenizers = pytest.importorskip("copilot.engine.tokenizer")
    index = opened(make_tree(tmp_path / "tree", 40, 3, 30))
    for shape in ("qwen2", "gemma4-e2b"):
        model = tmp_path / f"{shape}.gguf"
        testing.write_tiny_model(model, shape)
        tokenizer = tokenizers.Tokenizer.from_card(gguf.read_card(model))
        made = pack(index, PackRequest(20_000), tokenizer)
        assert made.tokens == len(tokenizer.encode(made.text))
        assert 0.97 * 20_000 <= made.tokens <= 20_000


def test_a_shortened_outline_keeps_public_signatures_longest() -> None:
    """Constants, private names and members go before what others call; order stays."""
    outline = "LIMIT = 3\n\ndef _hidden()\n\nclass Parcel\n    def weigh(self)\n\ndef send(parcel)\n"
    assert shortened(outline, 400) == outline
    assert shortened(outline, 46) == "class Parcel\ndef send(parcel)\n…\n"
    assert shortened(outline, 52) == "class Parcel\n    def weigh(self)\ndef send(parcel)\n…\n"
