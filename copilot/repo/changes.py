"""What changed: the staged or unstaged changes of a repository, a range of its commits, or a diff from elsewhere.

Each file comes with its diff and both of its texts, as far as they can be known. Nothing the repository configures is
run: no external diff, text conversion, filter or submodule. Does not know: structure, findings, packs.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from copilot.errors import DiffError
from copilot.repo import git
from copilot.repo.diff import FileDiff
from copilot.repo.diff_parser import parse
from copilot.repo.fit import fit
from copilot.repo.versions import Version, decoded, is_inside, read_blobs, read_inside

MAX_DIFF_BYTES = 128 << 20
_DIFF = (
    "--patch", "--full-index", "--no-color", "--no-ext-diff", "--no-textconv", "--find-renames", "--src-prefix=a/",
    "--dst-prefix=b/", "--unified=3", "--inter-hunk-context=0", "--ignore-submodules=dirty", "--submodule=short",
    "--relative", "--diff-algorithm=histogram", "-O/dev/null", "--word-diff=none", "--line-prefix=",
)  # fmt: skip
_NULL_ID = re.compile(r"0+")
_UNTRACKED = "git does not know it yet: `git add` it, and it is reviewed with what is staged"
_UNMATCHED = "does not match the files here: only its own lines were looked at"


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """One file of a change."""

    diff: FileDiff
    old_text: str | None
    """None if there was no such file, or if it cannot be known: see `note`."""
    new_text: str | None
    note: str = ""
    """Why a text is missing that there should be, "" if none is: "binary", "submodule", "too large" ..."""

    @property
    def path(self) -> str:
        return self.diff.path


@dataclass(frozen=True, slots=True)
class Changes:
    """Everything that one review looks at."""

    label: str
    """What it is, in words."""
    files: tuple[ChangedFile, ...]
    """In the order of the diff."""
    before: Version
    after: Version
    skipped: tuple[tuple[str, str], ...] = ()
    """Paths that are no part of it although one might expect them, each with a reason."""


def staged(root: Path, index: Path | None = None) -> Changes:
    """What the next commit would hold. Raises DiffError where there is no repository.

    `index` is the index file of a commit that is being made, where that is not the repository's own.
    """
    files = _git_diff(root, "--cached", index=index)
    before = git.head(root) or _empty_tree(root)
    after = Version(root, ":", index=index)
    names_only = ("diff", "--name-only", "--diff-filter=U", "-z", "--relative", *_DIFF[2:6])
    unmerged = git.run(root, *git.without_filters(root), *names_only, index=index) or b""
    names = sorted({name.decode("utf-8", "surrogateescape") for name in unmerged.split(b"\0") if name})
    skipped = tuple((name, "unmerged: resolve the conflict and stage it") for name in names)
    return Changes("staged changes", _from_blobs(root, files), Version(root, before), after, skipped)


def unstaged(root: Path) -> Changes:
    """What differs from the index in the work tree; new files that git does not know are named as skipped."""
    files = _git_diff(root)
    blobs = read_blobs(root, [f":2:./{file.path}" if file.status == "unmerged" else file.old_id for file in files])
    changed = []
    for file, old in zip(files, blobs, strict=True):
        new = None if file.new_path is None else read_inside(root, file.new_path)
        changed.append(_with_texts(file, old, new))
    return Changes("unstaged changes", tuple(changed), Version(root, ":"), Version(root), _untracked(root))


def uncommitted(root: Path) -> Changes:
    """What differs from HEAD in the work tree, staged or not; new files that git does not know are named as skipped."""
    base = git.head(root) or _empty_tree(root)
    files = _git_diff(root, base)
    blobs = read_blobs(root, [file.old_id for file in files])
    changed = []
    for file, old in zip(files, blobs, strict=True):
        new = None if file.new_path is None else read_inside(root, file.new_path)
        changed.append(_with_texts(file, old, new))
    return Changes("uncommitted changes", tuple(changed), Version(root, base), Version(root), _untracked(root))


def between(root: Path, revisions: str) -> Changes:
    """`A..B`, `A...B` (since they parted), or one commit against its first parent; DiffError for what is none."""
    left, dots, right = revisions.partition("..")
    if right.startswith("."):
        dots, right = "...", right[1:]
    if not dots:
        new = _commit(root, left)
        old = _resolved(root, f"{new}^1^{{commit}}") or _empty_tree(root)
        label = f"commit {left}"
    else:
        old, new = _commit(root, left or "HEAD"), _commit(root, right or "HEAD")
        label = revisions
        if dots == "...":
            merged = git.run(root, "merge-base", old, new)
            if merged is None:
                raise DiffError(f"{revisions}: the two have no common commit; compare them with two dots")
            old = merged.decode("ascii").strip().split("\n")[0]
    files = _git_diff(root, old, new)
    return Changes(label, _from_blobs(root, files), Version(root, old), Version(root, new))


def from_diff(root: Path, raw: bytes) -> Changes:
    """A diff against the work tree, whether it has been applied to it or not."""
    if len(raw) > MAX_DIFF_BYTES:
        raise DiffError(f"the diff is larger than {MAX_DIFF_BYTES >> 20} MiB; split it")
    files = parse(raw)
    if not files and raw.strip():
        raise DiffError("that is no unified diff; make one with `git diff` or `diff -u`")
    strip = _strip_count(root, files)
    overlay: dict[str, str | None] = {}
    underlay: dict[str, str | None] = {}
    changed = []
    for file in files:
        placed = _fitted(root, _shortened(file, strip))
        changed.append(placed)
        if placed.note:
            continue
        if placed.diff.old_path not in (None, placed.diff.new_path) and placed.diff.status == "renamed":
            overlay[placed.diff.old_path or ""] = None
        overlay[placed.path] = placed.new_text
        underlay[placed.diff.old_path or placed.path] = placed.old_text
    return Changes("the diff", tuple(changed), Version(root, "", underlay), Version(root, "", overlay))


def _git_diff(root: Path, *what: str, index: Path | None = None) -> tuple[FileDiff, ...]:
    out = git.run(root, *git.without_filters(root), "diff", *_DIFF, *what, "--", index=index)
    if out is None:
        raise DiffError(f"git makes no diff in {root}; name a repository with -C PATH, or a diff with --diff FILE")
    if len(out) > MAX_DIFF_BYTES:
        raise DiffError(f"the diff is larger than {MAX_DIFF_BYTES >> 20} MiB; review parts of it, commit by commit")
    return parse(out)


def _untracked(root: Path) -> tuple[tuple[str, str], ...]:
    """New files that git neither knows nor ignores, a folder of nothing else as one; each with what to do."""
    what = ("--others", "--exclude-standard", "--directory", "--no-empty-directory", "-z")
    names = (git.run(root, "ls-files", *what) or b"").split(b"\0")
    return tuple((name.decode("utf-8", "surrogateescape"), _UNTRACKED) for name in sorted(names) if name)


def _from_blobs(root: Path, files: Sequence[FileDiff]) -> tuple[ChangedFile, ...]:
    ids = [name for file in files for name in (file.old_id, file.new_id)]
    blobs = dict(zip(ids, read_blobs(root, ids), strict=True))
    return tuple(_with_texts(file, blobs.get(file.old_id), blobs.get(file.new_id)) for file in files)


def _with_texts(file: FileDiff, old: bytes | None, new: bytes | None) -> ChangedFile:
    if file.is_submodule:
        return ChangedFile(file, None, None, "submodule")
    if file.is_binary:
        return ChangedFile(file, None, None, "binary")
    if not file.hunks:
        return ChangedFile(file, None, None)
    old_text = decoded(old) if file.old_path is not None else None
    new_text = decoded(new) if file.new_path is not None else None
    lacks = (file.old_path is not None and old_text is None) or (file.new_path is not None and new_text is None)
    return ChangedFile(file, old_text, new_text, "too large: only its own lines were looked at" if lacks else "")


def _fitted(root: Path, file: FileDiff) -> ChangedFile:
    """A file of a foreign diff with the texts that the work tree tells."""
    if not all(is_inside(path) for path in (file.old_path, file.new_path) if path is not None):
        return ChangedFile(file, None, None, "outside the repository")
    if file.is_binary or file.is_submodule or not file.hunks:
        return _with_texts(file, None, None)
    for path in dict.fromkeys(path for path in (file.new_path, file.old_path) if path is not None):
        text = decoded(read_inside(root, path))
        if text is not None:
            found = fit(file, text)
            if found is None:
                return ChangedFile(file, None, None, _UNMATCHED)
            old = None if file.old_path is None else found.old_text
            new = None if file.new_path is None else found.new_text
            return ChangedFile(replace(file, hunks=found.hunks), old, new)
    found = fit(file, "")
    if found is None or (file.old_path is not None and file.new_path is not None):
        return ChangedFile(file, None, None, _UNMATCHED)
    if file.old_path is None:
        return ChangedFile(file, None, found.new_text)
    return ChangedFile(file, found.old_text, None)


def _strip_count(root: Path, files: Iterable[FileDiff]) -> int:
    """How many folders in front of the names are not those of `root`: as few as let most names be found."""
    names = [path for file in files for path in dict.fromkeys((file.old_path, file.new_path)) if path][:200]

    def found(count: int) -> int:
        shorter = ("/".join(name.split("/")[count:]) for name in names)
        return sum(1 for name in shorter if is_inside(name) and (root / name).is_file())

    return max(range(3), key=lambda count: (found(count), -count))


def _shortened(file: FileDiff, count: int) -> FileDiff:
    def short(path: str | None) -> str | None:
        return path if path is None else "/".join(path.split("/")[count:]) or path

    return replace(file, old_path=short(file.old_path), new_path=short(file.new_path)) if count else file


def _commit(root: Path, name: str) -> str:
    found = _resolved(root, f"{name}^{{commit}}")
    if found is None:
        raise DiffError(f"{name!r} names no commit here; write a range such as main..HEAD, or a diff with --diff FILE")
    return found


def _resolved(root: Path, name: str) -> str | None:
    out = git.run(root, "rev-parse", "--verify", "--quiet", "--end-of-options", name)
    found = (out or b"").decode("ascii", "replace").strip().split("\n")[-1]
    return found if re.fullmatch(r"[0-9a-f]{40,64}", found) else None


def _empty_tree(root: Path) -> str:
    out = git.run(root, "hash-object", "-t", "tree", "--stdin")
    if out is None:
        raise DiffError(f"git cannot work in {root}; name a git repository with -C PATH")
    return out.decode("ascii").strip()
