"""Small repositories for tests, made by the real git."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path


def make_repo(root: Path, files: Mapping[str, str], *, git: bool = True) -> Path:
    """Write `files` under `root` and commit them; the commit's author and date are fixed."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    if git:
        run_git(root, "init", "--quiet", "--initial-branch=main")
        run_git(root, "add", "--all")
        run_git(root, "commit", "--quiet", "--message=Initial commit")
    return root


def run_git(root: Path, *arguments: str) -> str:
    """Run git in `root` without the user's configuration; returns what it prints."""
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("GIT_")},
        **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in _IDENTITY.items()},
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
    }
    result = subprocess.run(
        ["git", "-C", str(root), *arguments], env=environment, capture_output=True, text=True, check=True
    )
    return result.stdout


_IDENTITY = {"NAME": "A Developer", "EMAIL": "developer@example.org", "DATE": "2026-01-02T03:04:05+00:00"}
