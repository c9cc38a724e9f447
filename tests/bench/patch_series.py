"""Commits that Debian carries as patches: their messages, the files they change, and the tree before them.

Needs `apt-get source` for what is not in the cache folder. Knows nothing of search.
"""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.trees import cache_folder, cached, run

MOST_FILES = 15
"""A change of more files is a sweep through the tree that no message describes."""
_FEWEST_CHARS = 15
_DIFF = re.compile(r"^(?:diff --git |--- |Index: )", re.MULTILINE)
_OLD_FILE = re.compile(r"^--- [^/\s]+/(\S+).*\n\+\+\+ ", re.MULTILINE)
_FIELD = re.compile(r"^([A-Za-z][\w-]*): ?(.*)$")
_UPSTREAM = re.compile(r"^From [0-9a-f]{40} |^(?:Origin|Applied-Upstream): *(?:upstream|backport|https?:)", re.M | re.I)
_STATISTICS = re.compile(r"^ .*\| +\d+ [+-]*$|^ \d+ files? changed|^ (?:create|delete) mode ")
_TAG = re.compile(r"^\s*(?:\[[^\]]*\]\s*)+")


@dataclass(frozen=True, slots=True)
class Change:
    """What one commit says of itself, and the files it changes that were there before it."""

    subject: str
    body: str
    files: tuple[str, ...]


def series(package: str) -> Path:
    """A folder with the upstream source of a Debian package as `tree` and its patches as `patches`."""

    def build(folder: Path) -> None:
        downloads = folder.with_name("downloads")
        downloads.mkdir()
        command = ("apt-get", "source", "--download-only", "--quiet", "--quiet", package)
        run(command, downloads, "add deb-src lines, or leave out this package with --packages")
        for pattern, name in ((r"*.orig.tar.[gxb]z*", "tree"), (r"*.debian.tar.[gxb]z*", "packaging")):
            (archive,) = (path for path in downloads.glob(pattern) if path.suffix != ".asc")
            unpacked = folder.with_name(name)
            shutil.unpack_archive(archive, unpacked, filter="tar")
        folder.mkdir()
        (top,) = folder.with_name("tree").iterdir()
        top.replace(folder / "tree")
        (folder.with_name("packaging") / "debian" / "patches").replace(folder / "patches")

    return cached(cache_folder() / "series" / package, build)


def changes(folder: Path) -> Iterator[Change]:
    """The upstream commits of a series, in its order."""
    listed = (folder / "patches" / "series").read_text("utf-8").splitlines()
    for name in (line.split()[0] for line in listed if line.split("#")[0].strip()):
        change = change_of((folder / "patches" / name).read_text("utf-8", "replace"), folder / "tree")
        if change is not None:
            yield change


def change_of(patch: str, tree: Path) -> Change | None:
    """None for what is Debian's own, says nothing, or changes no file of the tree or very many."""
    diff = _DIFF.search(patch)
    if diff is None or not _UPSTREAM.search(patch[: diff.start()]):
        return None
    subject, body = _message(patch[: diff.start()])
    found = sorted({file for file in _OLD_FILE.findall(patch) if (tree / file).is_file()})
    if len(subject) < _FEWEST_CHARS or not 0 < len(found) <= MOST_FILES:
        return None
    return Change(subject, body, tuple(found))


def _message(head: str) -> tuple[str, str]:
    """Subject and body, of what `git format-patch` wrote or of Debian's own header."""
    subject, body, field = "", [], ""
    for line in head.splitlines():
        named = _FIELD.match(line) if field != "body" else None
        if line.startswith(("From ", "---", "===")) or _STATISTICS.match(line):
            continue
        if named:
            field = named.group(1).lower()
            if field in ("subject", "description") and not subject:
                subject = _TAG.sub("", named.group(2)).strip()
        elif field == "subject" and line.startswith(" "):
            subject = f"{subject} {line.strip()}"
        elif subject and (field == "description" or not line.startswith(" ") or field == "body"):
            body.append(line.strip() if line.strip() != "." else "")
            field = field if field == "description" else "body"
    return subject, "\n".join(body).strip()
