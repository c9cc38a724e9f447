"""The command on trees with everything in them that a file system allows: it ends, and tells what it left out."""

import os
import resource
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from copilot.testing import make_repo

KEY = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
DEEP = "/".join(["d" * 100] * 12)


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """Names, encodings, links and things that are no files."""
    root = make_repo(
        tmp_path / "odd",
        {
            "main.py": "def main():\n    helper()\n", "lib/helper.py": "def helper():\n    return 1\n",
            "new\nline.py": "x = 1\n", "tab\t.py": "x = 1\n", "esc\x1b[31m.py": "x = 1\n",
            "bidi\u202egpj.py": "x = 2\n", " lead.py": "x = 3\n", "quote\"'`.py": "x = 4\n", "-dash.py": "x = 5\n",
            "empty.py": "", "space.py": "  \n\n", f"{DEEP}/far.py": "def far_away():\n    pass\n",
            "deep.py": "(\n" * 50_000, "wide.js": "1," * 200_000, "levels.yaml": "- " * 2000,
            "keys.py": f'TOKEN = "{KEY}"\n',
        },
        git=False,
    )  # fmt: skip
    (root / "utf16.cs").write_bytes("class Sixteen { void Run() {} }\r\n".encode("utf-16"))
    (root / "bom.py").write_bytes(b"\xef\xbb\xbfdef bom():\r\n    return 1\r\n")
    (root / "latin.c").write_bytes("/* J\xf6rg */\n".encode("latin-1"))
    (root / os.fsdecode(b"inv\xff.py")).write_text("x = 6\n")
    for name, target in (("round", "."), ("self", "self"), ("dangling", "nowhere"), ("out", "/etc")):
        (root / name).symlink_to(target)
    os.mkfifo(root / "pipe.py")
    with socket.socket(socket.AF_UNIX) as listening:
        here = Path.cwd()
        os.chdir(root)  # the name of a socket is short
        try:
            listening.bind("s.py")
        finally:
            os.chdir(here)
    return root


SKIPPED = {
    "dangling": "symlink",
    "esc\\x1b[31m.py": "control character in the name",
    "inv\\xff.py": "name is not UTF-8",
    "latin.c": "not UTF-8",
    "new\\nline.py": "control character in the name",
    "out": "symlink out of the repository",
    "pipe.py": "not a regular file",
    "round": "symlink",
    "s.py": "not a regular file",
    "self": "symlink",
    "tab\\t.py": "control character in the name",
}


@pytest.mark.parametrize("with_git", [True, False])
def test_an_odd_tree_is_packed_and_every_file_accounted_for(run, odd: Path, tiny: Path, with_git: bool) -> None:
    """What is not text or not a file is listed with its reason; the rest is there, also by the walk without git."""
    if with_git:
        if shutil.which("git") is None:
            pytest.skip("needs the git executable")
        subprocess.run(["git", "init", "-q"], cwd=odd, check=True)
    packed = run("pack", odd, "--budget", "20000", "--json").json
    reasons = {skipped["path"]: skipped["reason"] for skipped in packed["skipped"]}
    named = {file["path"]: file for file in packed["files"]}
    # Git itself does not list what is neither file nor link.
    unlisted = {"pipe.py", "s.py"} if with_git else set()
    assert {path: reason for path, reason in SKIPPED.items() if path not in unlisted} == reasons
    assert {"main.py", "utf16.cs", "bom.py", "bidi\u202egpj.py", " lead.py", f"{DEEP}/far.py"} <= named.keys()
    assert "class Sixteen" in packed["text"] and KEY not in packed["text"]
    assert "bidi\\u202egpj.py" in packed["text"] and "\u202e" not in packed["text"]
    assert "nested too deeply" in " ".join(named["levels.yaml"]["reasons"])


def test_no_name_steers_the_terminal(run, odd: Path, tiny: Path) -> None:
    """Neither the account nor a search prints a control character that a name holds."""
    explained = run("pack", odd, "--budget", "20000", "--explain").out
    assert "\x1b" not in explained and "\u202e" not in explained
    assert "skipped new\\nline.py: control character in the name" in explained
    assert "redacted keys.py:1: GitHub token" in explained
    assert "far_away" in run("search", "far away", "-C", odd).out


def test_a_full_disk_costs_no_answer(odd: Path, tiny: Path, tmp_path: Path) -> None:
    """Where files cannot grow, the pack is that of a good disk; nothing but a warning is different."""
    command = [sys.executable, "-m", "copilot", "pack", odd, "--budget", "3000", "-o"]
    subprocess.run([*command, tmp_path / "good.md"], check=True)
    full = os.environ | {"COPILOT_CACHE_DIR": str(tmp_path / "full")}
    limit = 60_000

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    ran = subprocess.run(
        [*command, tmp_path / "full.md"], env=full, preexec_fn=small_files, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in ran.stderr
    if ran.returncode == 0:
        assert (tmp_path / "good.md").read_bytes() == (tmp_path / "full.md").read_bytes()
    else:
        assert ran.returncode == 2 and ran.stderr.count("\n") <= 3
    again = subprocess.run([*command, tmp_path / "again.md"], env=full, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "good.md").read_bytes() == (tmp_path / "again.md").read_bytes()


def test_two_commands_on_a_new_repository_agree(odd: Path, tiny: Path, tmp_path: Path) -> None:
    """Started at once on one empty cache, both give the same pack."""
    command = [sys.executable, "-m", "copilot", "pack", odd, "--budget", "3000", "-o"]
    both = [subprocess.Popen([*command, tmp_path / name]) for name in ("one.md", "two.md")]
    assert [started.wait(120) for started in both] == [0, 0]
    assert (tmp_path / "one.md").read_bytes() == (tmp_path / "two.md").read_bytes()
