"""The replay of commits: its histories and what it counts."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from copilot.app import App
from copilot.config import Settings
from copilot.repo.pack import FULL_TITLE, OUTLINE_TITLE, TITLE, TREE_TITLE, Pack
from copilot.testing import Shape, make_repo, run_git
from tests.bench.edit_replay import Step, alphabetical, replay, rows
from tests.bench.histories import commit_series, commits

PATCH = """\
--- a/greet.py
+++ b/greet.py
@@ -1,2 +1,2 @@
 def greet():
-    return "hello"
+    return "good morning"
"""


def test_series_becomes_a_history(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A commit for the tree and one for each patch that applies; what does not is named and leaves no trace."""
    tree, patches = tmp_path / "tree", tmp_path / "patches"
    tree.mkdir()
    patches.mkdir()
    (tree / "greet.py").write_text('def greet():\n    return "hello"\n')
    (patches / "series").write_text("# upstream\ngood.patch\n\nbad.patch -p1\n")
    (patches / "good.patch").write_text(PATCH)
    (patches / "bad.patch").write_text(PATCH.replace("hello", "bonjour"))
    commit_series(tree, patches)
    assert len(commits(tree, None)) == 2
    assert "good morning" in (tree / "greet.py").read_text()
    assert run_git(tree, "status", "--porcelain") == ""
    assert "bad.patch does not apply" in capsys.readouterr().err


def test_alphabetical_order_stays_within_the_parts() -> None:
    """Sections move between two titles only."""
    sections = (TITLE, FULL_TITLE, "## b\n", "## a\n", OUTLINE_TITLE, "## d\n", "## c\n", TREE_TITLE, "x/: y\n")
    pack = Pack("root", "any", 100, 10, "", (), (), sections)
    expected = (TITLE, FULL_TITLE, "## a\n", "## b\n", OUTLINE_TITLE, "## c\n", "## d\n", TREE_TITLE, "x/: y\n")
    assert alphabetical(pack) == replace(pack, sections=expected)


def test_replay_counts_what_is_read_again(tiny_model: Callable[[Shape], Path], tmp_path: Path) -> None:
    """A small commit costs the change in our way, and what follows its place where every change makes a new pack."""
    files = {f"m{n}.py": "".join(f"def f{n}_{i}():\n    return {i}\n\n\n" for i in range(20)) for n in range(6)}
    root = make_repo(tmp_path / "history", files)
    for number in range(3):
        (root / "m0.py").write_text(files["m0.py"].replace("return 3\n", f"return {number + 30}\n"))
        run_git(root, "commit", "--quiet", "--all", "--message=Change")
    app = App(Settings(model=str(tiny_model("qwen2")), cache_dir=tmp_path / "cache", models_dir=tmp_path / "models"))
    steps = replay(root, None, app, 8000)
    ours, plain = steps["ours: by volatility, overlay"], steps["alphabetical, no overlay"]
    assert len(ours) == len(plain) == 2
    assert all(0 < step.read_again < 512 and not step.repacked for step in ours)
    assert all(step.read_again > 1000 and step.overlay == 0 for step in plain)


def test_table_tells_median_mean_and_repacks() -> None:
    """Shares are of the budget; a commit that reads nothing is no re-pack."""
    steps = [Step(0, 0, True), Step(20, 10, False), Step(1000, 0, True)]
    [line] = rows("tree", {"ours": steps}, 1000)
    assert line == "| tree | 3 | ours | 2.0% | 34.0% | 80.4% | 2 | 51.0% | 1 |"
