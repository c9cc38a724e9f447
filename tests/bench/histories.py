"""Git histories to replay: upstream commits that Debian carries as patch series, and edits drawn at random.

A series is applied patch by patch to the tree it was made for, one commit each, with fixed authors and dates. Needs
`apt-get source` for what is not in the cache folder. Knows nothing of packs, tokens or models.
"""

import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.bench.trees import cache_folder, cached, say

SERIES = ("imagemagick", "incus", "netty", "jq", "unzip", "procmail")
"""Debian source packages with about 230, 60 and four times 30 patches; of the last three trees a pack shows much."""
EPOCH_S = 1_700_000_000
SEED = 1
SYNTHETIC_COMMITS = 150
_SKEW = 1.1
"""Exponent of the Zipf law by which synthetic commits choose files: a few change all the time, most never."""


def debian_series(package: str) -> Path:
    """The history of one Debian source package."""

    def build(tree: Path) -> None:
        say(f"downloading {package}")
        downloads = tree.with_name("downloads")
        downloads.mkdir()
        command = ("apt-get", "source", "--download-only", "--quiet", "--quiet", package)
        subprocess.run(command, cwd=downloads, stdout=sys.stderr, check=False)
        try:
            [orig] = downloads.glob("*.orig.tar.[gxb]z*")
            [packaging] = downloads.glob("*.debian.tar.[gxb]z*")
        except ValueError:
            sys.exit(f"apt-get cannot download the source of {package}; add deb-src lines, or name a --history REPO")
        unpacked = tree.with_name("unpacked")
        shutil.unpack_archive(orig, unpacked, filter="tar")
        [top] = unpacked.iterdir()
        top.replace(tree)
        shutil.unpack_archive(packaging, unpacked, filter="tar")
        commit_series(tree, unpacked / "debian" / "patches")

    return cached(cache_folder() / "histories" / package, build)


def commit_series(tree: Path, patches: Path) -> None:
    """Make `tree` a repository and commit it and each patch that applies, in the order of the series."""
    commit = _committer(tree)
    commit("the tree before its patches")
    names = [line.split()[0] for line in (patches / "series").read_text("utf-8").splitlines() if line.strip()]
    for name in (name for name in names if not name.startswith("#")):
        patch = (patches / name).read_bytes()
        command = ("patch", "--strip=1", "--force", "--no-backup-if-mismatch", "--reject-file=-", "--quiet")
        if subprocess.run(command, cwd=tree, input=patch, capture_output=True, check=False).returncode:
            say(f"{name} does not apply and is left out")
            git(tree, "reset", "--hard", "--quiet")
            git(tree, "clean", "-d", "--force", "--quiet", "-x")
        else:
            commit(name)


def synthetic(source: Path) -> Path:
    """A history on a copy of `source`: each commit edits a few lines of one to three files, few files very often."""

    def build(tree: Path) -> None:
        shutil.copytree(source, tree, symlinks=True)
        commit = _committer(tree)
        commit("the tree before its edits")
        draw = random.Random(SEED)
        files = [path for path in sorted(tree.rglob("*")) if _is_text(path) and ".git" not in path.parts]
        draw.shuffle(files)
        weights = [1 / (place + 1) ** _SKEW for place in range(len(files))]
        for number in range(SYNTHETIC_COMMITS):
            for path in dict.fromkeys(draw.choices(files, weights, k=draw.randint(1, 3))):
                path.write_text(edited(path.read_text("utf-8"), draw), "utf-8")
            commit(f"edit {number}")

    return cached(cache_folder() / "histories" / f"synthetic-{source.name}", build)


def edited(text: str, draw: random.Random) -> str:
    """`text` after one to three small edits: lines doubled with another number in them, changed or removed."""
    lines = text.split("\n")
    for _ in range(draw.randint(1, 3)):
        at = draw.randrange(len(lines) or 1)
        few = lines[at : at + draw.randint(1, 6)]
        changed = [re.sub(r"\w+", lambda word: f"{word[0]}_{draw.randrange(10)}", line, count=1) for line in few]
        lines[at : at + draw.choice((0, 0, len(few)))] = draw.choice((changed, changed, []))
    return "\n".join(lines)


def commits(repository: Path, last: int | None) -> list[str]:
    """Ids of the first-parent history, oldest first; with `last`, of its end only."""
    listed = git(repository, "rev-list", "--first-parent", "--reverse", "HEAD").split()
    return listed[-last:] if last else listed


def checked_out(repository: Path, ids: Sequence[str], tree: Path) -> Iterator[str]:
    """Make `tree` a work tree of `repository` that stands at one commit after the other."""
    git(repository, "worktree", "add", "--quiet", "--detach", "--force", str(tree), ids[0])
    try:
        for commit in ids:
            git(tree, "checkout", "--quiet", "--detach", "--force", commit)
            yield commit
    finally:
        git(repository, "worktree", "remove", "--force", str(tree))


def git(folder: Path, *arguments: str, date_s: int = EPOCH_S) -> str:
    """What git prints, run without the user's configuration."""
    who = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in _WHO.items()}
    dates = {f"GIT_{role}_DATE": f"{date_s} +0000" for role in ("AUTHOR", "COMMITTER")}
    nowhere = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    command = ("git", "-C", str(folder), "-c", "safe.directory=*", *arguments)
    done = subprocess.run(command, env={**os.environ, **who, **dates, **nowhere}, capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"git {arguments[0]} fails in {folder}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout.decode(errors="replace")


_WHO = {"NAME": "A Developer", "EMAIL": "developer@example.org"}


def _committer(tree: Path) -> Callable[[str], None]:
    """Commits everything in `tree`, each time a minute later."""
    git(tree, "init", "--quiet", "--initial-branch=main")
    count = 0

    def commit(message: str) -> None:
        nonlocal count
        count += 1
        git(tree, "add", "--all", "--force")
        git(tree, "commit", "--quiet", "--allow-empty", f"--message={message}", date_s=EPOCH_S + 60 * count)

    return commit


def _is_text(path: Path) -> bool:
    if not path.is_file() or path.is_symlink():
        return False
    try:
        return bool(path.read_text("utf-8").strip())
    except UnicodeDecodeError:
        return False
