"""Which files matter, and why."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from copilot.repo.index import Index
from copilot.repo.rank import RankedFile, rank
from copilot.repo.roles import Role, role_of, subject_stem
from copilot.repo.walk import walk

TREE = {
    "README.md": "# Depot\n",
    "pyproject.toml": "[project]\nname = 'depot'\n",
    "depot/store.py": "class ParcelStore:\n    def find_parcel(self, code):\n        return code\n",
    "depot/helpers.py": "def unused_helper():\n    return 1\n",
    "depot/web.py": "from depot.store import ParcelStore\n\n\ndef serve():\n    return ParcelStore().find_parcel(1)\n",
    "depot/mail.py": "from depot.store import ParcelStore\n\n\ndef mail_parcels():\n    return ParcelStore()\n",
    "tests/test_store.py": "from depot.store import ParcelStore\n\n\ndef test_finding():\n    ParcelStore()\n",
    "vendor/lib.py": "def vendored_thing():\n    return 1\n",
    "older/store.py": "class ParcelStore:\n    def find_parcel(self, code):\n        return code\n",
}

Ranked = Callable[[dict[str, str]], dict[str, RankedFile]]


@pytest.fixture
def ranked(tmp_path: Path) -> Iterator[Ranked]:
    """Write a tree, rank it: path -> rank."""
    opened: list[Index] = []

    def make(tree: dict[str, str]) -> dict[str, RankedFile]:
        root = tmp_path / "tree"
        for path, text in tree.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, "utf-8")
        index = Index(tmp_path / "index.db", root)
        opened.append(index)
        index.refresh(walk(root))
        return {file.path: file for file in rank(index)}

    yield make
    for index in opened:
        index.close()


def test_what_others_use_ranks_above_what_nobody_uses(ranked: Ranked) -> None:
    """A file is worth what the files that need it make it."""
    ranks = ranked({path: text for path, text in TREE.items() if not path.startswith("older")})
    assert ranks["depot/store.py"].rank > ranks["depot/web.py"].rank >= ranks["depot/helpers.py"].rank
    assert ranks["depot/store.py"].reasons == ("defines 2 symbols used in 3 files",)


def test_tests_vendored_code_and_copies_rank_below_source(ranked: Ranked) -> None:
    """What is there for something else's sake comes after it."""
    ranks = ranked(TREE)
    least = ranks["depot/helpers.py"].rank
    assert all(ranks[path].rank < least for path in ("tests/test_store.py", "vendor/lib.py"))
    assert ranks["older/store.py"].rank < ranks["depot/store.py"].rank
    assert ranks["tests/test_store.py"].reasons == ("test",)


def test_reasons_name_the_tested_file_and_the_original(ranked: Ranked) -> None:
    """A test says what it tests, a copy what it copies."""
    ranks = ranked(
        {path: text for path, text in TREE.items() if path != "older/store.py"} | {"z/mail.py": TREE["depot/mail.py"]}
    )
    assert "test of depot/store.py" in ranks["tests/test_store.py"].reasons
    assert "copy of depot/mail.py" in ranks["z/mail.py"].reasons


def test_the_readme_and_the_manifest_are_near_the_top(ranked: Ranked) -> None:
    """They say what the project is, whatever the graph thinks."""
    ranks = ranked(TREE)
    first = sorted(ranks, key=lambda path: -ranks[path].rank)[:4]
    assert {"README.md", "pyproject.toml"} <= set(first)
    assert ranks["pyproject.toml"].reasons == ("project manifest",)


def test_ranks_add_up_to_one(ranked: Ranked) -> None:
    """A rank is a share of the whole."""
    assert sum(file.rank for file in ranked(TREE).values()) == pytest.approx(1.0, abs=0.02)


def test_an_empty_repository_has_no_ranks(ranked: Ranked) -> None:
    """Nothing to rank is no failure."""
    assert ranked({}) == {}


RANK = """
import sys
from pathlib import Path
from copilot.repo.index import Index
from copilot.repo.rank import rank
from copilot.repo.walk import walk
index = Index(Path(sys.argv[1]), Path(sys.argv[2]))
index.refresh(walk(Path(sys.argv[2])))
print([(file.path, file.rank.hex(), file.reasons) for file in rank(index)])
"""


def test_ranks_are_equal_to_the_last_bit_in_every_process(tmp_path: Path) -> None:
    """Neither the hash seed nor the run changes a rank."""
    root = tmp_path / "tree"
    for number in range(60):
        path = root / f"m{number % 7}" / f"f{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        uses = "\n".join(f"    run_number_{(number * k) % 60}()" for k in range(1, 9))
        path.write_text(f"def run_number_{number}():\n{uses}\n")
    answers = {
        subprocess.run(
            [sys.executable, "-c", RANK, tmp_path / f"{seed}.db", root],
            env=os.environ | {"PYTHONHASHSEED": str(seed)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in (0, 1, 77)
    }
    assert len(answers) == 1


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("README.rst", Role.README),
        ("pkg/package.json", Role.MANIFEST),
        ("CONTRIBUTING.md", Role.GUIDE),
        ("src/app/cli.py", Role.ENTRY),
        ("src/app/__init__.py", Role.EXPORTS),
        ("src/app/walk.py", Role.SOURCE),
        ("src/walk.test.ts", Role.TEST),
        ("src/walk_test.go", Role.TEST),
        ("src/WalkTest.java", Role.TEST),
        ("src/contest.py", Role.SOURCE),
        ("tests/conftest.py", Role.TEST),
        ("tests/fixtures/a.py", Role.FIXTURE),
        ("docs/index.md", Role.DOCS),
        ("docs/Makefile", Role.DOCS),
        ("examples/hello.py", Role.EXAMPLE),
        ("third_party/x/y.c", Role.VENDORED),
        ("app/migrations/0001.py", Role.MIGRATION),
        ("CHANGELOG.md", Role.LEGAL),
        (".github/workflows/ci.yml", Role.CONFIG),
        ("data/towns.csv", Role.DATA),
    ],
)
def test_a_path_tells_what_a_file_is_for(path: str, role: Role) -> None:
    """Names and folders decide, in a fixed order."""
    assert role == role_of(path)


def test_a_test_is_named_after_what_it_tests() -> None:
    """In the manner of each language."""
    names = ["tests/test_walk.py", "walk_test.go", "WalkTest.java", "walk.spec.ts"]
    assert [subject_stem(name) for name in names] == ["walk", "walk", "Walk", "walk"]
