"""Which edits of a change are judged one by one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from copilot.repo.changes import staged
from copilot.review.change import ChangeView
from copilot.review.edits import Edit, edits

Stage = Callable[[dict[str, str], dict[str, str]], Path]

TEXT = "def f(a, b):\n    x = a\n    y = b\n    if x < y:\n        return x\n\n    z = x + y\n    return z\n"


def found(root: Path) -> list[Edit]:
    return [edit for view in ChangeView(staged(root)).views for edit in edits(view)]


def test_an_edit_has_both_sides_and_what_stands_around(stage: Stage) -> None:
    """Lines are those of the new version; the head and the tail come from the whole file."""
    [edit] = found(stage({"a.py": TEXT}, {"a.py": TEXT.replace("x < y", "x <= y")}))
    assert (edit.start_line, edit.end_line) == (4, 4)
    assert (edit.old, edit.new) == (("    if x < y:",), ("    if x <= y:",))
    assert edit.head == ("def f(a, b):", "    x = a", "    y = b")
    assert edit.tail[0] == "        return x"
    assert edit.evidence == "if x <= y:"


def test_lines_that_are_gone_stand_before_what_follows_them(stage: Stage) -> None:
    """The evidence is then a line of the old version."""
    [edit] = found(stage({"a.py": TEXT}, {"a.py": TEXT.replace("    if x < y:\n        return x\n\n", "")}))
    assert edit.new == ()
    assert edit.start_line == edit.end_line == 4
    assert edit.tail[0] == "    z = x + y"
    assert edit.evidence == "if x < y:"


def test_the_last_lines_of_a_file_that_are_gone_stand_at_its_end(stage: Stage) -> None:
    """No place is behind the end of the file."""
    [edit] = found(stage({"a.py": TEXT}, {"a.py": TEXT.replace("    return z\n", "")}))
    assert (edit.start_line, edit.tail) == (7, ())


def test_changes_far_apart_are_edits_of_their_own(stage: Stage) -> None:
    """Two unchanged lines part them, a single one does not."""
    after = TEXT.replace("x = a", "x = b").replace("z = x + y", "z = x - y")
    assert [edit.start_line for edit in found(stage({"a.py": TEXT}, {"a.py": after}))] == [2, 7]
    joined = TEXT.replace("x = a", "x = b").replace("x < y", "x > y")
    assert [(edit.start_line, edit.end_line) for edit in found(stage({"b.py": TEXT}, {"b.py": joined}))] == [(2, 4)]


def test_what_means_nothing_is_no_edit(stage: Stage) -> None:
    """Comments, blanks, imports, moved or only added lines, tests, documents and long rewrites are left alone."""
    many = "".join(f"    v{number} = {number}\n" for number in range(20))
    before = {"a.py": TEXT, "b.py": "import os\n\nx = 1\n", "tests/test_a.py": TEXT, "c.md": "x\n", "d.py": TEXT,
              "e.py": "def f():\n    return some_name(1)\n", "g.py": "x = 1\n"}  # fmt: skip
    after = before | {
        "a.py": TEXT.replace("    y = b", "    # as given\n    y  =  b"),
        "b.py": "import sys\n\nx = 1\n",
        "tests/test_a.py": TEXT.replace("<", ">"),
        "c.md": "y\n",
        "d.py": TEXT.replace("    x = a\n", many),
        "e.py": "def f():\n    pass\n",
        "g.py": "x = 1\n\n\ndef g():\n    return some_name(1)\n",
        "new.py": TEXT,
    }
    assert [(edit.path, edit.new) for edit in found(stage(before, after))] == [("e.py", ("    pass",))]


def test_an_edit_with_a_secret_in_it_is_not_quoted(stage: Stage) -> None:
    """It is a rule's business; no model sees the value, and no message repeats it."""
    secret = "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0dF3hJ6"
    assert found(stage({"a.py": TEXT}, {"a.py": TEXT.replace("y = b", f"y = '{secret}'")})) == []


@pytest.mark.parametrize(
    ("line", "is_import"),
    [
        ('_ "github.com/some/module"', True),
        ('. "testing"', True),
        ('proto "google.golang.org/protobuf/proto"', True),
        ('"os"', True),
        ('return "example.org/path"', False),
        ("x(1)", False),
    ],
)
def test_imports_of_go_are_none_whatever_they_are_called(stage: Stage, line: str, is_import: bool) -> None:
    """A blank, a dotted and a named import are imports, taken out or made a comment; a text that is returned is not."""
    before = f'package a\n\nimport (\n\t"fmt"\n\t{line}\n)\n'
    after = {"a.go": before.replace(f"\t{line}\n", ""), "b.go": before.replace(line, f"// {line}")}
    edits_found = found(stage({"a.go": before, "b.go": before}, after))
    assert [edit.path for edit in edits_found] == ([] if is_import else ["a.go", "b.go"])
