"""Diffs as values: everything git prints is read, written back the same, and damaged diffs are refused by line."""

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copilot.errors import DiffError
from copilot.repo.diff import FileDiff, Line, render
from copilot.repo.diff_parser import parse
from copilot.repo.quoting import quoted, unquoted
from copilot.testing import make_repo, run_git

MODIFIED = b"""\
From: someone
Subject: a mail around it

diff --git a/a b.py b/a b.py
index 1234567..89abcde 100644
--- a/a b.py\t
+++ b/a b.py\t
@@ -1,3 +1,3 @@ def f():
 one
-two
+TWO
 three
\\ No newline at end of file
--\x20
2.39
"""
names = st.text(st.characters(exclude_characters="/\0", exclude_categories=("Cs",)), min_size=1, max_size=8).filter(
    lambda name: name not in (".", "..") and name.strip() == name and name.lower() != ".git"
)
lines = st.lists(st.sampled_from(["a", "b", "", "x\r", "-- y", "++ z", "@@ -1 +1 @@", "é", "\\ no"]), max_size=12)
texts = st.builds(lambda parts, end: "\n".join(parts) + end, lines, st.sampled_from(["", "\n"]))


def test_a_diff_in_a_mail_is_read() -> None:
    """What stands around a diff is no part of it; a name with spaces is."""
    (file,) = parse(MODIFIED)
    assert (file.old_path, file.new_path, file.status) == ("a b.py", "a b.py", "modified")
    (hunk,) = file.hunks
    assert hunk.heading == "def f():"
    assert hunk.lines[1:] == (
        Line("-", "two", 2, None), Line("+", "TWO", None, 2), Line(" ", "three", 3, 3, has_newline=False),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"diff --git a/x b/x\nold mode 100644\nnew mode 100755\n", ("x", "x", "modified")),
        (b"diff --git a/x b/y z\nsimilarity index 100%\nrename from x\nrename to y z\n", ("x", "y z", "renamed")),
        (b"diff --git a/x b/y\nsimilarity index 90%\ncopy from x\ncopy to y\n", ("x", "y", "copied")),
        (b"diff --git a/x b/x\nnew file mode 100644\nindex 0000000..e69de29\n", (None, "x", "added")),
        (b"diff --git a/x b/x\ndeleted file mode 100644\nindex e69de29..0000000\n", ("x", None, "deleted")),
        (
            b"diff --git a/p b/p\nindex 1234567..89abcde 100644\nBinary files a/p and b/p differ\n",
            ("p", "p", "modified"),
        ),
        (
            b'diff --git "a/\\303\\244\\t" "b/\\303\\244\\t"\nold mode 100644\nnew mode 100755\n',
            ("ä\t", "ä\t", "modified"),
        ),
        (
            b"--- x.orig/a.c\t2020-01-01\n+++ x/a.c\t2020-01-02\n@@ -1 +1 @@\n-a\n+b\n",
            ("x.orig/a.c", "x/a.c", "modified"),
        ),
        (b"--- /dev/null\n+++ b/new.c\n@@ -0,0 +1 @@\n+b\n", (None, "new.c", "added")),
        (b"--- i/x\n+++ w/x\n@@ -1 +1 @@\n-a\n+b\n", ("x", "x", "modified")),
        (b"diff --git x x\n--- x\n+++ x\n@@ -1 +1 @@\n-a\n+b\n", ("x", "x", "modified")),
    ],
)
def test_every_kind_of_header_names_its_file(raw: bytes, expected: tuple[str | None, str | None, str]) -> None:
    """Modes, renames, copies, new, deleted, binary and foreign files are told apart."""
    (file,) = parse(raw)
    assert (file.old_path, file.new_path, file.status) == expected


def test_a_merge_is_read_as_lines_new_to_any_parent() -> None:
    """In a combined diff a line is added if one of the parents lacks it."""
    raw = b"diff --cc x\nindex 1,2..0\n--- a/x\n+++ b/x\n"
    raw += b"@@@ -1,2 -1,2 +1,4 @@@\n  same\n++<<<<<<< HEAD\n +theirs\n- ours\n"
    (file,) = parse(raw)
    assert file.status == "unmerged"
    assert [(line.sign, line.text) for line in file.hunks[0].lines] == [
        (" ", "same"), ("+", "<<<<<<< HEAD"), ("+", "theirs"), ("-", "ours"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\n", "ends inside a hunk"),
        (b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n a\n+b\n-c\n", "names no hunk"),
        (b"--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\n?b\n", "line 5 of the diff"),
        (b"@@ -1 +1 @@\n-a\n+b\n", "before any file name"),
        (b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n\\ No newline\n-a\n", "line 4 of the diff"),
    ],
)
def test_a_damaged_diff_is_refused_by_line(raw: bytes, message: str) -> None:
    """The error names the line, or what lies beyond a complete hunk is passed over."""
    if message == "names no hunk":
        assert len(parse(raw)[0].hunks[0].lines) == 1
        return
    with pytest.raises(DiffError, match=message):
        parse(raw)


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=20))
def test_quoting_is_undone(name: str) -> None:
    """Any name survives git's quoting."""
    assert unquoted(quoted(name)) == name


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    before=st.dictionaries(names, texts, max_size=3), after=st.dictionaries(names, texts, max_size=3), data=st.data()
)
def test_what_real_git_prints_is_read_and_written_back(
    before: dict[str, str], after: dict[str, str], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever two trees differ in: parsing git's diff and rendering it gives the very bytes git printed."""
    root = tmp_path_factory.mktemp("repo")
    make_repo(root, {"kept": "1\n2\n3\n4\n5\n6\n7\n8\n9\n"} | before)
    for path in before.keys() - after.keys():
        (root / path).unlink()
    if data.draw(st.booleans()):
        (root / "kept").rename(root / "renamed")
    make_repo(root, after, git=False)
    run_git(root, "add", "--all")
    options = ("--full-index", "--src-prefix=a/", "--dst-prefix=b/", "--no-color", "-M")
    printed = run_git(root, "-c", "core.quotePath=off", "diff", "--cached", *options)
    parsed = parse(printed.encode())
    assert render(parsed).decode() == printed
    assert parse(render(parsed)) == parsed


def test_ten_thousand_damaged_diffs_do_no_harm() -> None:
    """Bytes changed, lines dropped, doubled and swapped: a diff is read or refused, and never anything else."""
    seeds = [
        MODIFIED,
        b"diff --git a/x b/y\nsimilarity index 90%\nrename from x\nrename to y\nindex 1234..5678 100644\n"
        b"--- a/x\n+++ b/y\n@@ -1,2 +1,3 @@\n a\n+b\r\n c\n@@ -9 +10,0 @@ f\n-z\n",
        b"diff --cc x\nindex 1,2..0\n--- a/x\n+++ b/x\n@@@ -1,2 -1,2 +1,3 @@@\n  s\n++<\n +t\n- o\n",
        b"diff --git a/p b/p\nnew file mode 100644\nindex 0000000..1111111\n"
        b"GIT binary patch\nliteral 3\nKcm\n\nliteral 0\nH\n\n",
    ]
    draw = random.Random(7)
    refused = 0
    for number in range(10_000):
        parts = draw.choice(seeds).split(b"\n")
        for _ in range(draw.randint(1, 4)):
            at = draw.randrange(len(parts))
            match draw.randrange(5):
                case 0:
                    parts.pop(at)
                case 1:
                    parts.insert(at, draw.choice(parts))
                case 2:
                    parts[at] = bytes(draw.randrange(256) for _ in range(draw.randrange(12)))
                case 3:
                    parts[at] = parts[at].replace(b"1", b"999999999999" if number % 2 else b"0", 1)
                case 4:
                    parts[at] = parts[at][: draw.randrange(len(parts[at]) + 1)]
            parts = parts or [b""]
        try:
            files = parse(b"\n".join(parts))
        except DiffError as error:
            assert "\n" not in str(error)
            refused += 1
        else:
            assert all(isinstance(file, FileDiff) and file.path is not None for file in files)
    assert 1000 < refused < 9500


def test_a_diff_of_fifty_thousand_lines_is_read_at_once() -> None:
    """Reading is linear: a huge diff takes no longer than its size."""
    body = b"".join(b"+line %d\n" % number for number in range(50_000))
    (file,) = parse(b"--- /dev/null\n+++ b/big.txt\n@@ -0,0 +1,50000 @@\n" + body)
    assert file.hunks[0].lines[-1] == Line("+", "line 49999", None, 50_000)


def test_bytes_that_are_no_utf8_survive(tmp_path: Path) -> None:
    """A Latin-1 file's diff is written back as it was."""
    raw = b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-caf\xe9\n+th\xe9\n"
    assert b"-caf\xe9\n+th\xe9\n" in render(parse(raw))
