"""The pre-commit hook: put where git looks for it, beside one that is there already, and taken away without a trace.

A hook that was there runs first and keeps its say. Does not know: what the review finds.
"""

import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from copilot.errors import UsageError
from copilot.repo import git

NAME = "pre-commit"
KEPT = "pre-commit.before-copilot"
_MARK = "# This hook was made by `copilot hook install`; `copilot hook uninstall` takes it away again."


@dataclass(frozen=True, slots=True)
class HookOptions:
    """How the hook reviews."""

    fail_on: str = "high"
    time_limit_s: int = 20


@dataclass(frozen=True, slots=True)
class Installed:
    """What was done."""

    path: Path
    kept: Path | None
    """Where the hook that was there is now, and runs from; None if there was none."""


def hooks_folder(root: Path) -> Path:
    """Where git looks for the hooks of a repository; UsageError where there is none."""
    configured = (git.run(root, "config", "--type=path", "-z", "--get-all", "core.hooksPath") or b"").split(b"\0")
    values = [os.fsdecode(value) for value in configured if value][:-1]  # the last one is git.run's own
    top = git.run(root, "rev-parse", "--show-toplevel")
    common = git.run(root, "rev-parse", "--git-common-dir")
    if top is None or common is None:
        raise UsageError(f"{root} is in no git repository; run this in one, or name it with -C PATH")
    if values and values[-1]:
        return Path(os.fsdecode(top.rstrip(b"\n"))) / values[-1]
    return (root / os.fsdecode(common.rstrip(b"\n"))).resolve() / "hooks"


def install(root: Path, options: HookOptions) -> Installed:
    """Put the hook in place; a second time only its options change."""
    folder = hooks_folder(root)
    path, kept = folder / NAME, folder / KEPT
    tracked = git.run(root, "ls-files", "--error-unmatch", "--", str(path))
    if tracked:
        raise UsageError(f"{path} is a file of the repository; add `copilot review --staged --no-model` to it by hand")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if (path.exists() or path.is_symlink()) and not is_ours(path):
            if kept.exists() or kept.is_symlink():
                raise UsageError(f"{kept} is in the way; `copilot hook uninstall`, or move it, then install again")
            path.rename(kept)
        temporary = folder / f".{NAME}-copilot"
        temporary.write_text(_script(options), encoding="utf-8")
        temporary.chmod(0o755)
        temporary.replace(path)
    except OSError as exc:
        raise UsageError(f"{path} cannot be written ({exc.strerror}); mend the rights of {folder}") from exc
    return Installed(path, kept if kept.exists() else None)


def uninstall(root: Path) -> Installed:
    """Take the hook away and put back what was there; UsageError if it is not ours."""
    folder = hooks_folder(root)
    path, kept = folder / NAME, folder / KEPT
    if not is_ours(path):
        what = "is not there" if not path.exists() else "was not made by copilot; it is left as it is"
        raise UsageError(f"{path} {what}; nothing to uninstall")
    try:
        if kept.exists() or kept.is_symlink():
            kept.replace(path)
            return Installed(path, path)
        path.unlink()
    except OSError as exc:
        raise UsageError(f"{path} cannot be removed ({exc.strerror}); mend the rights of {folder}") from exc
    return Installed(path, None)


def is_ours(path: Path) -> bool:
    """Whether a hook is the one that `install` writes."""
    try:
        return path.is_file() and not path.is_symlink() and _MARK.encode() in path.read_bytes()
    except OSError:
        return False


def _script(options: HookOptions) -> str:
    index = '${GIT_INDEX_FILE:+--index-file "$GIT_INDEX_FILE"}'
    limits = f"--fail-on {options.fail_on} --time-limit {options.time_limit_s}"
    review = f"review --staged --no-model {limits} {index}"
    python = shlex.quote(sys.executable)
    return f"""#!/bin/sh
{_MARK}
# Only findings stop a commit: if the review cannot run, the commit goes on.
before="$(dirname "$0")/{KEPT}"
if [ -x "$before" ]; then
    "$before" "$@" || exit $?
fi
if [ -x {python} ]; then
    {python} -m copilot {review} >&2
elif command -v copilot >/dev/null 2>&1; then
    copilot {review} >&2
else
    echo "copilot: not found, so this commit was not reviewed; \\`copilot hook install\\` again" >&2
    exit 0
fi
code=$?
if [ "$code" -eq 1 ]; then
    echo "copilot: the findings above stop this commit; mend them, or commit with --no-verify" >&2
    exit 1
fi
exit 0
"""
