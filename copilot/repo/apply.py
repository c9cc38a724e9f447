"""Changing the work tree by a diff, if it fits; nothing is changed if it does not.

Does not know: where the diff comes from, what it is good for.
"""

from pathlib import Path

from copilot.errors import DiffError
from copilot.repo import git
from copilot.repo.diff_parser import parse
from copilot.repo.versions import is_inside


def apply(root: Path, diff: str) -> bool:
    """Apply a diff to the files below `root`; False, and nothing done, where it does not fit or leads elsewhere."""
    raw = diff.encode("utf-8", "surrogateescape")
    try:
        files = parse(raw)
    except DiffError:
        return False
    paths = [path for file in files for path in (file.old_path, file.new_path) if path is not None]
    if not files or not all(is_inside(path) and not (root / path).is_symlink() for path in paths):
        return False
    command = (*git.without_filters(root), "apply", "--whitespace=nowarn")
    checked = git.run(root, *command, "--check", "-", stdin=raw)
    return checked is not None and git.run(root, *command, "-", stdin=raw) is not None
