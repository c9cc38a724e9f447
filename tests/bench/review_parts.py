"""Whole changes with a known answer, to be reviewed for real: fixes taken back, faults put in, and what is right.

They come from patch series and trees that the signals of the model were not chosen on. Knows nothing of models and of
how a review is made.
"""

import difflib
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from copilot.errors import DiffError
from copilot.repo.changes import from_diff
from copilot.repo.languages import language_of
from copilot.repo.syntax import SyntaxTree
from tests.bench.patch_series import series
from tests.bench.review_cases import FAULTS, REFACTORINGS, Kind, is_code, made, patches, source_files

FRESH = (
    "bind9", "caddy", "calibre", "cloud-init", "cups", "curl", "grub2", "horizon", "krb5", "libxml2", "neutron",
    "podman", "sssd", "supervisor", "unbound", "wpa",
)  # fmt: skip
MOST_HUNKS = 4
EDITS = (2, 3, 4)
"""Lines written in another way in one file."""
MEANINGLESS = frozenset({"comment added", "line folded"})
"""Refactorings that no reviewer would look at."""
_LOCAL = re.compile(r"^\s+(?:\w+ )?([a-z]\w{2,})\s*:?= ", re.M)


@dataclass(frozen=True, slots=True)
class Part:
    """A change of a few files."""

    name: str
    kind: Kind
    what: str
    """The subject of the patch, or what was done."""
    files: tuple[tuple[str, str, str], ...]
    """(path, text before, text after): of a fix or a fault, `after` holds the bug."""

    @property
    def places(self) -> tuple[tuple[str, int, int], ...]:
        """(path, first line, last line) of each run of changed lines, of the new version."""
        return tuple(
            (path, first + 1, max(first + 1, last)) for path, old, new in self.files for first, last in _runs(old, new)
        )

    @property
    def turned_round(self) -> "Part":
        return replace(self, files=tuple((path, new, old) for path, old, new in self.files))


def parts(most: int, seed: int, packages: Sequence[str] = FRESH) -> tuple[list[Part], list[Part]]:
    """(changes that put a bug in, changes that do not), about `most` of each source; the same for the same seed."""
    draw = random.Random(seed)
    real = {package: list(_of_series(package)) for package in packages}
    for found in real.values():
        draw.shuffle(found)
    fixes = _in_turn([[part for part in found if part.kind == "fix"] for found in real.values()])[:most]
    clean = _in_turn([[part for part in found if part.kind == "clean"] for found in real.values()])[:most]
    return fixes + _faults(most, draw, packages), clean + _refactorings(most, draw, packages)


def _in_turn(groups: Sequence[Sequence[Part]]) -> list[Part]:
    longest = max(map(len, groups))
    return [group[at] for at in range(longest) for group in groups if at < len(group)]


def _runs(old: str, new: str) -> Iterator[tuple[int, int]]:
    """Where the texts differ, as 0-based half-open lines of the new one."""
    lines = (text.split("\n") for text in (old, new))  # a form feed ends no line
    matcher = difflib.SequenceMatcher(None, *lines, autojunk=False)
    yield from ((first, last) for tag, _, _, first, last in matcher.get_opcodes() if tag != "equal")


def _of_series(package: str) -> Iterator[Part]:
    """The patches of a series that fit its tree as it is and change little; of fixes, `after` is before the fix."""
    tree = series(package) / "tree"
    for name, subject, kind, diff in patches(package):
        try:
            changes = from_diff(tree, diff)
        except DiffError:
            continue
        files = [
            (f"{package}/{file.path}", file.old_text, file.new_text)
            for file in changes.files
            if file.old_text is not None and file.new_text is not None
        ]
        hunks = sum(len(file.diff.hunks) for file in changes.files)
        if not any(is_code(path) for path, _, _ in files) or hunks > MOST_HUNKS or len(files) < len(changes.files):
            continue
        part = Part(f"{package}/{name}", kind, subject, tuple(files))
        yield part.turned_round if kind == "fix" else part


def _faults(most: int, draw: random.Random, packages: Sequence[str]) -> list[Part]:
    """One fault in one file."""
    found = []
    for case in made(FAULTS, "mutation", most, draw, packages):
        package, _, rest = case.name.partition("/")
        path, _, line = rest.rpartition(":")
        old = (series(package) / "tree" / path).read_text("utf-8", "replace").split("\n")
        new = [*old[: int(line) - 1], *case.worse, *old[int(line) :]]
        found.append(Part(case.name, "mutation", case.what, ((f"{package}/{path}", "\n".join(old), "\n".join(new)),)))
    return found


def _refactorings(most: int, draw: random.Random, packages: Sequence[str]) -> list[Part]:
    """Several refactorings in one file: lines written in another way, in every other one a variable renamed."""
    found: list[Part] = []
    for package, tree, path in source_files(draw, packages):
        if len(found) == most:
            break
        text = path.read_text("utf-8", "replace")
        if not 30 < text.count("\n") < 1500 or "\r" in text:
            continue
        count = EDITS[len(found) % len(EDITS)]
        new = _renamed(text, draw) if len(found) % 2 else _rewritten(text, count, draw)
        parsed = SyntaxTree.of(new, language_of(path.name)) if new else None
        if new and parsed is not None and not parsed.root.has_error:
            what = "a variable renamed" if len(found) % 2 else f"{count} refactorings"
            relative = f"{package}/{path.relative_to(tree).as_posix()}"
            found.append(Part(f"{relative}:{what}", "clean", what, ((relative, text, new),)))
    return found


def _rewritten(text: str, count: int, draw: random.Random) -> str | None:
    """A text with so many of its lines written in another way, None where that cannot be done."""
    lines = text.split("\n")
    names = sorted(REFACTORINGS.keys() - MEANINGLESS)
    done: dict[int, str] = {}
    for at in draw.sample(range(15, len(lines) - 5), len(lines) - 20):
        if len(done) == count:
            break
        if not lines[at].strip() or any(abs(at - other) < 4 for other in done):
            continue
        for name in draw.sample(names, len(names)):
            line = REFACTORINGS[name](lines[at], draw)
            if line and line != lines[at]:
                done[at] = line
                break
    return "\n".join(done.get(at, line) for at, line in enumerate(lines)) if len(done) == count else None


def _renamed(text: str, draw: random.Random) -> str | None:
    """A text with a local variable renamed that stands in few lines, None where there is none."""
    names = sorted(set(_LOCAL.findall(text)))
    draw.shuffle(names)
    for name in names:
        lines = [line for line in text.split("\n") if re.search(rf"\b{name}\b", line)]
        is_plain = all(re.search(rf"(?<![\w.>\"']){name}\b(?![\"'(])", line) for line in lines)
        if 2 <= len(lines) <= 6 and is_plain and f"{name}_value" not in text:
            return re.sub(rf"\b{name}\b", f"{name}_value", text)
    return None
