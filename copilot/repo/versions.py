"""The state of a repository that a change leads to: the work tree, what is staged, or a commit.

Any file's text in it, and which files mention a word. Reads through git without running anything the repository
configures. Does not know: diffs, reviews.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from copilot.repo import git

MAX_BYTES = 2 << 20
"""Larger files are not read."""
_WORDS_AT_ONCE = 200
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Version:
    """One state of the files below a root."""

    root: Path
    tree: str = ""
    """"" for the work tree, ":" for what is staged, else the id of a commit or tree."""
    overlay: Mapping[str, str | None] = field(default_factory=dict)
    """Texts that differ from it, by path; None for a file that is gone."""
    index: Path | None = None
    """The index file of what is staged, where it is not the repository's own."""

    def text(self, path: str) -> str | None:
        """The text of one file; None if it is not there, too large, binary or outside the root."""
        return self.texts([path])[path]

    def texts(self, paths: Sequence[str]) -> dict[str, str | None]:
        """The texts of several files, by path."""
        found = {path: self.overlay[path] for path in paths if path in self.overlay}
        others = [path for path in paths if path not in found]
        if not self.tree:
            return found | {path: decoded(read_inside(self.root, path)) for path in others}
        prefix = ":./" if self.tree == ":" else f"{self.tree}:./"
        blobs = read_blobs(self.root, [prefix + path for path in others], self.index)
        return found | {path: decoded(blob) for path, blob in zip(others, blobs, strict=True)}

    def listed(self, folder: str) -> list[str]:
        """The paths of the files that stand directly in a folder, sorted."""
        found = {path for path, text in self.overlay.items() if text is not None}
        if self.tree == ":":
            out = git.run(self.root, "ls-files", "-z", "--", f"./{folder}/", index=self.index) or b""
            names = {os.fsdecode(name) for name in out.split(b"\0") if name}
        elif self.tree:
            out = git.run(self.root, "ls-tree", "-z", "--name-only", self.tree, "--", f"./{folder}/") or b""
            names = {os.fsdecode(name) for name in out.split(b"\0") if name}
        else:
            try:
                names = {f"{folder}/{each.name}" for each in (self.root / folder).iterdir()}
            except OSError:
                names = set()
        found |= names - self.overlay.keys()
        return sorted(path for path in found if path.rpartition("/")[0] == folder)

    def mentioning(self, words: Iterable[str], timeout_s: float = git.TIMEOUT_S) -> list[str]:
        """Paths of the text files in which one of `words` stands as a whole word, sorted.

        What is staged is looked for in the work tree: the text in question tells whether it is so there.
        """
        wanted = sorted({word for word in words if _WORD.fullmatch(word)})
        tree = self.tree if self.tree != ":" else ""
        found: set[str] = set()
        for start in range(0, len(wanted), _WORDS_AT_ONCE):
            found |= _grep(self.root, tree, wanted[start : start + _WORDS_AT_ONCE], timeout_s)
        found -= self.overlay.keys()
        if wanted:
            pattern = re.compile(rf"\b(?:{'|'.join(wanted)})\b")
            found |= {path for path, text in self.overlay.items() if text is not None and pattern.search(text)}
        return sorted(found)

    def identity(self) -> str:
        """What tells this state from another one: ids of blobs, or sizes and times where files differ from them."""
        if self.tree not in ("", ":"):
            return self.tree
        listed = git.run(self.root, "ls-files", "-s", "-z", index=self.index) or b""
        state = hashlib.blake2b(listed, digest_size=20)
        if not self.tree:
            names = git.run(
                self.root, *git.without_filters(self.root), "ls-files", "-m", "-o", "--exclude-standard", "-z"
            )
            for name in sorted(names.split(b"\0")) if names is not None else ():
                with suppress(OSError):
                    stat = (self.root / os.fsdecode(name)).lstat()
                    state.update(b"%s\0%d\0%d\0" % (name, stat.st_size, stat.st_mtime_ns))
        for path in sorted(self.overlay):
            state.update(f"{path}\0{self.overlay[path]}\0".encode("utf-8", "surrogatepass"))
        return state.hexdigest()


def _grep(root: Path, tree: str, words: Sequence[str], timeout_s: float) -> set[str]:
    patterns = [part for word in words for part in ("-e", word)]
    options = ("grep", "-z", "-l", "-I", "-w", "-F", "--no-color", "--no-full-name", "--no-recurse-submodules")
    out = git.run(root, *options, *patterns, *([tree] if tree else []), "--", ".", timeout_s=timeout_s)
    if out is None and not tree:
        out = git.run(root, *options, "--no-index", *patterns, "--", ".", timeout_s=timeout_s)
    names = (os.fsdecode(name) for name in (out or b"").split(b"\0") if name)
    return {name.removeprefix(f"{tree}:") if tree else name for name in names}


def decoded(raw: bytes | None) -> str | None:
    """Text of a file's bytes, bytes that are not UTF-8 as lone surrogates; None for none and for binary."""
    if raw is None or b"\0" in raw[:8000]:
        return None
    return raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")


def read_inside(root: Path, path: str) -> bytes | None:
    """The bytes of a file of the work tree, or where a link leads; None for what is too large or not below `root`."""
    if not is_inside(path):
        return None
    full = root / path
    try:
        if full.is_symlink():
            return os.fsencode(full.readlink())
        if not full.resolve().is_relative_to(root.resolve()) or not full.is_file() or full.stat().st_size > MAX_BYTES:
            return None
        return full.read_bytes()
    except (OSError, RuntimeError, ValueError):
        return None


def is_inside(path: str) -> bool:
    """Tell whether a path as written stays below the folder it starts from."""
    parts = path.split("/")
    return bool(path) and not path.startswith("/") and "\0" not in path and not {"", ".", "..", ".git"} & set(parts)


def read_blobs(root: Path, names: Sequence[str], index: Path | None = None) -> list[bytes | None]:
    """What git calls by these names (ids or `revision:./path`), None for what is no blob or too large."""
    asked = [name for name in names if "\n" not in name]
    listing = git.run(root, "cat-file", "--batch-check", stdin=_lines(asked), index=index) or b""
    sizes = [_size(line) for line in listing.split(b"\n")[: len(asked)]]
    readable = [name for name, size in zip(asked, sizes, strict=False) if size is not None and size <= MAX_BYTES]
    out = (git.run(root, "cat-file", "--batch", stdin=_lines(readable), index=index) if readable else None) or b""
    contents: dict[str, bytes] = {}
    at = 0
    for name in readable:
        end = out.find(b"\n", at)
        size = _size(out[at:end]) if end >= 0 else None
        if size is None:
            break
        contents[name] = out[end + 1 : end + 1 + size]
        at = end + 2 + size
    return [contents.get(name) for name in names]


def _lines(names: Sequence[str]) -> bytes:
    return b"".join(os.fsencode(name) + b"\n" for name in names)


def _size(line: bytes) -> int | None:
    """Bytes of the blob that a line of `cat-file --batch` announces."""
    parts = line.split(b" ")
    return int(parts[2]) if len(parts) == 3 and parts[1] == b"blob" and parts[2].isdigit() else None
