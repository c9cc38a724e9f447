"""Ignore patterns: the cases git's manual names, and those where globbing libraries differ from git."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from copilot.repo.ignore import IgnoreTree, parse_rules, verdict
from copilot.repo.wildmatch import translate

CASES = [
    ("foo", "foo", False, True),
    ("foo", "a/foo", False, True),
    ("foo/", "foo", False, None),
    ("foo/", "foo", True, True),
    ("/foo", "a/foo", False, None),
    ("a/foo", "b/a/foo", False, None),
    ("*.o", "x/y.o", False, True),
    ("a/*", "a/b/c", False, None),
    ("a/**", "a/b/c", False, True),
    ("a/**", "a", True, None),
    ("**/b", "a/x/b", False, True),
    ("a/**/b", "a/b", False, True),
    ("a/**/b", "a/x/y/b", False, True),
    ("/x[!a]y", "x/y", False, None),
    ("/x[.-0]y", "x/y", False, None),
    ("/x[.-0]y", "x.y", False, True),
    ("[[:digit:]]x", "5x", False, True),
    ("[[:nope:]]x", "nx", False, None),
    ("[]a]", "]", False, True),
    ("[a-c]", "b", False, True),
    ("[a\\]b]", "]", False, True),
    ("[z-a]", "m", False, None),
    ("[a", "[a", False, None),
    ("a\\*b", "a*b", False, True),
    ("a\\*b", "axb", False, None),
    ("foo\\", "foo\\", False, None),
    ("foo  ", "foo", False, True),
    ("foo\\ ", "foo ", False, True),
    ("foo\t", "foo", False, None),
    ("\\#a", "#a", False, True),
    ("#a", "#a", False, None),
    ("\\!a", "!a", False, True),
    ("!a", "a", False, False),
    ("/b**/c", "bx/y/c", False, True),
    ("?", "é", False, None),
    ("??", "é", False, True),
    ("", "a", False, None),
    ("/", "a", True, None),
]


@pytest.mark.parametrize(("pattern", "path", "is_folder", "expected"), CASES)
def test_a_pattern_decides_as_git_does(pattern: str, path: str, is_folder: bool, expected: bool | None) -> None:
    """None: the pattern does not speak about the path."""
    assert expected == verdict(parse_rules(pattern.encode()), path.encode(), is_folder)


@pytest.mark.skipif(shutil.which("git") is None, reason="needs the git executable")
def test_the_expected_decisions_are_gits_own(tmp_path: Path) -> None:
    """The table above is not our opinion: `git check-ignore` agrees with the tree on every row."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}
    gits, ours = [], []
    for number, (pattern, path, is_folder, _) in enumerate(CASES):
        root = tmp_path / str(number)
        (root / path if is_folder else (root / path).parent).mkdir(parents=True)
        if not is_folder:
            (root / path).touch()
        (root / ".gitignore").write_text(pattern + "\n")
        subprocess.run(["git", "init", "-q"], cwd=root, env=environment, check=True)
        told = subprocess.run(["git", "check-ignore", "-q", "--", path], cwd=root, env=environment)
        gits.append(told.returncode == 0)
        ours.append(IgnoreTree(root, ".gitignore").leaves_out(path.encode(), is_folder))
    assert gits == ours


def test_the_last_matching_line_decides() -> None:
    """Later lines override earlier ones, in both directions."""
    rules = parse_rules(b"*.log\n!keep.log\nkeep.log\r\n!keep.log\n")
    assert [verdict(rules, name, False) for name in (b"a.log", b"keep.log")] == [True, False]


def test_nothing_comes_back_below_a_folder_left_out(tmp_path: Path) -> None:
    """A deeper file may override a higher one, but not for a folder that is left out itself."""
    (tmp_path / "out").mkdir()
    (tmp_path / "in").mkdir()
    (tmp_path / ".gitignore").write_text("out\n*.x\n!out/a.x\n")
    (tmp_path / "out" / ".gitignore").write_text("!a.x\n")
    (tmp_path / "in" / ".gitignore").write_text("!a.x\n")
    tree = IgnoreTree(tmp_path, ".gitignore")
    paths = (b"out/a.x", b"in/a.x", b"in/b.x", b"b.y")
    assert [tree.leaves_out(path, False) for path in paths] == [True, False, True, False]


def test_an_ignore_file_that_is_a_link_is_not_read(tmp_path: Path) -> None:
    """Following it could read outside the repository; git does not either."""
    (tmp_path / "rules").write_text("*\n")
    (tmp_path / ".gitignore").symlink_to("rules")
    assert not IgnoreTree(tmp_path, ".gitignore").leaves_out(b"a", False)


def test_a_path_of_thousand_folders_is_decided(tmp_path: Path) -> None:
    """Depth costs no stack."""
    (tmp_path / ".gitignore").write_text("b\n")
    deep = b"/".join([b"a"] * 1000)
    tree = IgnoreTree(tmp_path, ".gitignore")
    assert [tree.leaves_out(deep + end, False) for end in (b"/c", b"/b")] == [False, True]


@pytest.mark.parametrize("pattern", [b"*a" * 40 + b"b", b"**/a/" * 40 + b"b", b"x/" + b"*?" * 40 + b"b"])
def test_no_pattern_takes_exponential_time(pattern: bytes) -> None:
    """A hostile ignore file cannot hang the walk."""
    compiled = translate(pattern)
    assert compiled is not None
    start = time.process_time()
    assert compiled.fullmatch(b"x/" + b"a" * 200) is None
    assert compiled.fullmatch(b"a/" * 500) is None
    assert time.process_time() - start < 1.0


def test_ignore_files_larger_than_a_mebibyte_are_not_read(tmp_path: Path) -> None:
    """What nobody writes by hand is not compiled either."""
    (tmp_path / ".gitignore").write_bytes(b"*\n" + b"#" * (1 << 20))
    assert not IgnoreTree(tmp_path, ".gitignore").leaves_out(b"a", False)
