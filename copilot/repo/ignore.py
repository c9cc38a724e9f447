"""Ignore files: which paths `.gitignore` and its kin leave out, with git's precedence.

The deepest file with a matching pattern decides, in it the last pattern; nothing below a folder left out comes back.
Does not know: the reasons of the walk, which files are tracked, whether a file system minds the case of letters.
"""

import os
import re
import stat
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from copilot.repo.wildmatch import translate

_SPECIAL = re.compile(rb"[*?\[\\]")
_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of an ignore file."""

    is_negated: bool
    only_folders: bool
    by_name: bool
    """Compare the last component only; else the path below the ignore file's folder."""
    prefix: bytes
    """Literal start, compared before `rest`, which git then treats as a pattern of its own."""
    rest: re.Pattern[bytes] | None
    """None if the literal start is the whole pattern."""

    def matches(self, path: bytes, is_folder: bool) -> bool:
        """Tell whether the rule speaks about this very path, relative to the ignore file's folder.

        A rule that folds case wants the path in lower case.
        """
        if self.only_folders and not is_folder:
            return False
        subject = path.rpartition(b"/")[2] if self.by_name else path
        if self.rest is None:
            return subject == self.prefix
        return subject.startswith(self.prefix) and bool(self.rest.fullmatch(subject, len(self.prefix)))


def parse_rules(content: bytes, folds_case: bool = False) -> tuple[Rule, ...]:
    """Read an ignore file, last line first; what git would not match with is left out."""
    rules = []
    for line in content.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
        line = line.removesuffix(b"\r")
        if line and not line.startswith(b"#"):
            rule = _parse_rule(_without_trailing_spaces(line.partition(b"\0")[0]), folds_case)
            if rule is not None:
                rules.append(rule)
    return tuple(reversed(rules))


def _parse_rule(pattern: bytes, folds_case: bool) -> Rule | None:
    is_negated = pattern.startswith(b"!")
    pattern = pattern.removeprefix(b"!") if is_negated else pattern
    only_folders = pattern.endswith(b"/")
    pattern = pattern[:-1] if only_folders else pattern
    by_name = b"/" not in pattern
    pattern = pattern.removeprefix(b"/")
    special = _SPECIAL.search(pattern)
    if special is None:
        literal = pattern.lower() if folds_case else pattern
        return Rule(is_negated, only_folders, by_name, literal, None) if literal else None
    # By name git compares the whole pattern; by path it strips the literal start first, which changes what `a**` means.
    cut = 0 if by_name else special.start()
    rest = translate(pattern[cut:], folds_case)
    literal = pattern[:cut].lower() if folds_case else pattern[:cut]
    return Rule(is_negated, only_folders, by_name, literal, rest) if rest else None


def _without_trailing_spaces(line: bytes) -> bytes:
    """Cut spaces from the end unless a backslash keeps them."""
    bare = line.rstrip(b" ")
    backslashes = len(bare) - len(bare.rstrip(b"\\"))
    return line[: len(bare) + 1] if backslashes % 2 and len(bare) < len(line) else bare


def verdict(rules: Sequence[Rule], path: bytes, is_folder: bool) -> bool | None:
    """Return True (left out) or False (kept) by the first rule that matches, None if none does."""
    for rule in rules:
        if rule.matches(path, is_folder):
            return not rule.is_negated
    return None


def unknown(path: bytes, known: Collection[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Yield `path` and the folders above it that are not known, outermost first, each with the one above it.

    The empty path, which is above all, must be known.
    """
    missing = []
    while path not in known:
        above = path.rpartition(b"/")[0]
        missing.append((path, above))
        path = above
    return reversed(missing)


_Rules = tuple[tuple[tuple["Rule", ...], int], ...]


class IgnoreTree:
    """The ignore files called `name` in a folder tree, read when first needed, over patterns that hold for all of it.

    Paths are bytes, relative to `top`, with "/" between components. The tree must not change while it is asked. With
    `folds_case`, as git's `core.ignoreCase`, ASCII letters match whatever their case, in `everywhere` too.
    """

    def __init__(
        self, top: Path, name: str, everywhere: Iterable[Sequence[Rule]] = (), folds_case: bool = False
    ) -> None:
        self._top = os.fsencode(top)
        self._name = os.fsencode(name)
        self._everywhere = tuple(everywhere)
        self._folds_case = folds_case
        self._rules: dict[bytes, _Rules] = {}
        """By folder: the rules for what is in it, its own first, each with where the paths they speak of begin."""
        self._left_out: dict[bytes, bool] = {b"": False}

    def leaves_out(self, path: bytes, is_folder: bool) -> bool:
        """Tell whether `path` or a folder above it is left out."""
        folder = path.rpartition(b"/")[0]
        left_out = self._left_out
        for part, above in unknown(folder, left_out):
            left_out[part] = left_out[above] or self._decide(part, above, is_folder=True)
        return left_out[folder] or self._decide(path, folder, is_folder)

    def _decide(self, path: bytes, folder: bytes, is_folder: bool) -> bool:
        subject = path.lower() if self._folds_case else path
        for rules, begin in self._rules_for(folder):
            decided = verdict(rules, subject[begin:], is_folder)
            if decided is not None:
                return decided
        for shared in self._everywhere:
            decided = verdict(shared, subject, is_folder)
            if decided is not None:
                return decided
        return False

    def _rules_for(self, folder: bytes) -> _Rules:
        known = self._rules
        if not known:
            known[b""] = self._with_own(b"", ())
        for part, above in unknown(folder, known):
            known[part] = self._with_own(part, known[above])
        return known[folder]

    def _with_own(self, folder: bytes, around: _Rules) -> _Rules:
        own = read_rules(b"/".join(filter(None, (self._top, folder, self._name))), self._folds_case)
        return ((own, len(folder) + 1 if folder else 0), *around) if own else around


def read_rules(path: bytes, folds_case: bool = False) -> tuple[Rule, ...]:
    """Read the rules of a file; none if it is missing, unreadable, too large or, as for git, a link."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return ()
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return ()
        content = file.read(_MAX_BYTES + 1)
    return parse_rules(content, folds_case) if len(content) <= _MAX_BYTES else ()
