"""Small edits with a known answer: fixes of real projects, faults put into real code, and edits that change nothing.

Each case holds a window of a file with one edit in it. `better` and `worse` are the two sides of the edit: going from
better to worse puts a bug in, the other way mends it; for clean cases neither way is wrong. Fixes come from the patch
series that Debian carries (`tests/bench/patch_series.py`). Knows nothing of models and of how a review is made.
"""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from copilot.errors import DiffError
from copilot.repo.diff import Hunk
from copilot.repo.diff_parser import parse
from copilot.repo.languages import language_of
from copilot.repo.roles import Role, role_of
from copilot.repo.syntax import SyntaxTree
from tests.bench.patch_series import series

SERIES = (
    "dovecot", "flatpak", "freerdp3", "glib2.0", "imagemagick", "incus", "ironic", "keystone", "netty", "openssh",
    "pandas", "python-tornado", "snapd", "twisted", "zookeeper",
)  # fmt: skip
LANGUAGES = frozenset({"python", "c", "go", "java", "javascript", "typescript"})
WINDOW = 4
"""Lines of the file shown on each side of the edit."""
MOST_CHANGED = 8
_FIX = re.compile(
    r"\b(?:fix|crash|overflow|CVE|GHSA|leak|null|race|bug|prevent|avoid|check|(?:in)?valid|out.of.bounds|correct|ensure"
    r"|handle|missing|proper|sanit|forbid|reject|case.insensitive|FTBFS|limit|security)", re.I,
)  # fmt: skip
_SKIP = re.compile(r"\b(?:test|doc|typo|comment|build|compil|warning|version|debian|spelling|ci)\b", re.I)
_IMPORT = re.compile(r"\s*(?:#include|import |from \S+ import|\"[\w./-]+\"$)")
_SUBJECT = re.compile(r"^(?:Subject|Description): *(.*(?:\n .+)*)", re.M | re.I)

Kind = Literal["fix", "mutation", "clean"]


@dataclass(frozen=True, slots=True)
class Case:
    """One edit."""

    name: str
    kind: Kind
    what: str
    """The subject of the patch, or the name of the fault or refactoring."""
    path: str
    head: tuple[str, ...]
    worse: tuple[str, ...]
    better: tuple[str, ...]
    tail: tuple[str, ...]


def cases(most: int, seed: int) -> list[Case]:
    """At most `most` cases of each kind, drawn evenly from all projects; the same for the same seed."""
    draw = random.Random(seed)
    real = [case for package in SERIES for case in of_series(package)]
    fixes = [case for case in real if case.kind == "fix"]
    others = [case for case in real if case.kind == "clean"]
    half = (most + 1) // 2
    clean = _spread(others, half, draw) + made(REFACTORINGS, "clean", most - half, draw)
    return _spread(fixes, most, draw) + made(FAULTS, "mutation", most, draw) + clean


def _spread(found: Sequence[Case], most: int, draw: random.Random) -> list[Case]:
    """Cases in turn from each project, so that no large series outweighs the others."""
    shuffled = list(found)
    draw.shuffle(shuffled)
    seen: dict[str, int] = {}
    ranked = []
    for case in shuffled:
        project = case.name.split("/")[0]
        seen[project] = seen.get(project, 0) + 1
        ranked.append((seen[project], len(ranked), case))
    return [case for _, _, case in sorted(ranked, key=lambda each: each[:2])][:most]


def patches(package: str) -> Iterator[tuple[str, str, Kind, bytes]]:
    """(name, subject, "fix" or "clean", diff) of each patch of a series that says what it does to the code."""
    folder = series(package)
    for name in sorted((folder / "patches").rglob("*")):
        if not name.is_file() or name.name == "series":
            continue
        text = name.read_text("utf-8", "replace")
        subject = _SUBJECT.search(text)
        start = re.search(r"^(?:diff --git |--- [^\n]+\n\+\+\+ )", text, re.M)
        if subject is None or start is None or _SKIP.search(subject[1]):
            continue
        kind: Kind = "fix" if _FIX.search(subject[1]) or "CVE" in name.name else "clean"
        yield name.name, " ".join(subject[1].split())[:100], kind, text[start.start() :].encode()


def of_series(package: str) -> Iterator[Case]:
    """The small edits of source files in a series of patches."""
    for name, subject, kind, diff in patches(package):
        try:
            files = parse(diff)
        except DiffError:
            continue
        code = [file for file in files if is_code(file.path)]
        if sum(len(file.hunks) for file in code) > 3:
            continue
        for file in code:
            for at, hunk in enumerate(file.hunks):
                case = _of_hunk(hunk)
                if case is not None:
                    yield Case(f"{package}/{name}:{file.path}:{at}", kind, subject, file.path, *case)


def is_code(path: str) -> bool:
    language = language_of(path)
    return language is not None and language.name in LANGUAGES and role_of(path) in (Role.SOURCE, Role.ENTRY)


Lines = tuple[str, ...]


def _of_hunk(hunk: Hunk) -> tuple[Lines, Lines, Lines, Lines] | None:
    """(head, old, new, tail) of a hunk whose changes stand close together and are more than comments."""
    changed = [at for at, line in enumerate(hunk.lines) if line.sign != " "]
    first, last = changed[0], changed[-1]
    inside = hunk.lines[first : last + 1]
    if len(changed) > MOST_CHANGED or last - first > MOST_CHANGED + 2:
        return None
    old = tuple(line.text for line in inside if line.sign != "+")
    new = tuple(line.text for line in inside if line.sign != "-")
    if _code(old) == _code(new) or any(len(line) > 140 or _IMPORT.match(line) for line in old + new):
        return None
    head = tuple(line.text for line in hunk.lines[max(0, first - WINDOW) : first])
    tail = tuple(line.text for line in hunk.lines[last + 1 : last + 1 + WINDOW])
    return head, old, new, tail


def _code(lines: Sequence[str]) -> str:
    return "".join("".join(re.sub(r"^\s*(?:#(?!\w)|//|/?\*).*", "", line).split()) for line in lines)


Make = Callable[[str, random.Random], str | None]
"""A line with the change in it, None where there is nothing to change, "" to take the line away."""


def made(
    makers: dict[str, Make], kind: Kind, most: int, draw: random.Random, packages: Sequence[str] = SERIES
) -> list[Case]:
    """Changes of each kind in turn, in files drawn evenly from all projects."""
    names = sorted(makers)
    files = list(source_files(draw, packages))
    found: list[Case] = []
    used: set[Path] = set()
    for number in range(most):
        name = names[number % len(names)]
        for package, tree, path in files:
            if path in used:
                continue
            case = _changed(name, makers[name], kind, (package, tree, path), draw)
            if case is not None:
                used.add(path)
                files = [each for each in files if each[0] != package] + [each for each in files if each[0] == package]
                found.append(case)
                break
    return found


def source_files(draw: random.Random, packages: Sequence[str] = SERIES) -> Iterator[tuple[str, Path, Path]]:
    """(package, its tree, a source file in it), the packages in turn."""
    drawn = []
    for package in packages:
        tree = series(package) / "tree"
        paths = [path for path in sorted(tree.rglob("*")) if is_code(path.relative_to(tree).as_posix())]
        draw.shuffle(paths)
        drawn.append([(package, tree, path) for path in paths[:40] if path.is_file()])
    for at in range(40):
        yield from (found[at] for found in drawn if at < len(found))


def _changed(name: str, make: Make, kind: Kind, where: tuple[str, Path, Path], draw: random.Random) -> Case | None:
    package, tree, path = where
    text = path.read_text("utf-8", "replace")
    relative = path.relative_to(tree).as_posix()
    language = language_of(relative)
    lines = text.split("\n")
    parsed = SyntaxTree.of(text, language)
    if parsed is None or parsed.root.has_error or not 30 < len(lines) < 3000 or "\r" in text:
        return None
    places = [at for at in range(15, len(lines) - 5) if re.match(r"[ \t]+[\w}!*(]", lines[at]) and len(lines[at]) < 120]
    draw.shuffle(places)
    for at in places[:400]:
        line = make(lines[at], draw)
        if line is None or line == lines[at]:
            continue
        new = line.split("\n") if line else []
        spoiled = SyntaxTree.of("\n".join([*lines[:at], *new, *lines[at + 1 :]]), language)
        if spoiled is None or spoiled.root.has_error:
            continue
        head, tail = tuple(lines[max(0, at - WINDOW) : at]), tuple(lines[at + 1 : at + 1 + WINDOW])
        return Case(f"{package}/{relative}:{at + 1}", kind, name, relative, head, tuple(new), (lines[at],), tail)
    return None


def _replacing(pattern: str, swap: Callable[[re.Match[str]], str]) -> Make:
    """One drawn match of a pattern, changed; nothing in comments and include lines."""

    def make(line: str, draw: random.Random) -> str | None:
        if re.match(r"\s*(?:#|//|/?\*|import|from|package|use )", line):
            return None
        found = [match for match in re.finditer(pattern, line) if _is_code_at(line, match.start())]
        if not found:
            return None
        match = draw.choice(found)
        return line[: match.start()] + swap(match) + line[match.end() :]

    return make


def _is_code_at(line: str, at: int) -> bool:
    before = line[:at]
    return before.count('"') % 2 == 0 and "//" not in before and " # " not in before


def _without(pattern: str) -> Make:
    return lambda line, draw: "" if re.search(pattern, line) else None


_NAME = r"[a-z_]\w*(?:(?:\.|->)\w+)*"
_CLEAN_UP = "(?:close|unlock|release|free|unref|flush)"
_BOUND = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
_OPPOSITE = {"==": "!=", "!=": "=="}
_JOINED = {"and": "or", "or": "and", "&&": "||", "||": "&&"}
FAULTS: dict[str, Make] = {
    "bound": _replacing(r"(?<= )(<=|>=|<|>)(?= [\w(])(?!.*\{\}>)", lambda m: _BOUND[m[1]]),
    "inverted comparison": _replacing(r"(?<= )(==|!=)(?= )", lambda m: _OPPOSITE[m[1]]),
    "wrong connective": _replacing(r"(?<= )(and|or|&&|\|\|)(?= )", lambda m: _JOINED[m[1]]),
    "negation dropped": _replacing(r"\bnot (?!in\b)|(?<=[( ])!(?=[a-z(])", lambda m: ""),
    "negation added": _replacing(r"(?<=\bif )(?=[a-z_]\w*:)|(?<=\bif \()(?=[a-z_][\w.>-]*\))", lambda m: _negation(m)),
    "swapped arguments": _replacing(rf"(?<=\w\()({_NAME}), ({_NAME})(?=\)|, )", lambda m: f"{m[2]}, {m[1]}"),
    "one more or less": _replacing(r" ([+-]) 1\b", lambda m: f" {'-' if m[1] == '+' else '+'} 1"),
    "wrong arithmetic": _replacing(rf"(?<=\w )([+*-])(?= {_NAME})", lambda m: {"+": "-", "-": "+", "*": "+"}[m[1]]),
    "clean-up dropped": _without(rf"^\s*\w*(?:[.>]|\b)(?:\w+_)?{_CLEAN_UP}\w*\([^=]*\);?$"),
    "await dropped": _replacing(r"\b(?:await|yield from|yield) (?=\w+[.(])", lambda m: ""),
    "wrong constant": _replacing(r"\b(True|False|true|false|TRUE|FALSE)\b", lambda m: _flipped(m[1])),
    "assignment dropped": _without(r"^\s+(?:self\.|this\.|\w+->)\w+ = [^=].*[\w);]$"),
    "index": _replacing(r"(?<=\w\[)([01])(?=\])", lambda m: str(1 - int(m[1]))),
    "increment dropped": _without(r"^\s+\w+(?: \+= \w+|\+\+);?$"),
}  # fmt: skip


def _negation(match: re.Match[str]) -> str:
    return "!" if match.string[: match.start()].endswith("(") else "not "


def _flipped(word: str) -> str:
    other = "false" if word.lower() == "true" else "true"
    return other.upper() if word.isupper() else other.capitalize() if word[0].isupper() else other


_WORDS = {"cannot": "could not", "failed": "was not possible", "Failed": "Could not", "invalid": "malformed",
          "Invalid": "Malformed", "error": "problem", "unable": "not able", "Unable": "Not able"}  # fmt: skip
REFACTORINGS: dict[str, Make] = {
    "message reworded": _replacing(
        r'"[^"]*\b(cannot|failed|Failed|invalid|Invalid|error|unable|Unable)\b[^"]*"',
        lambda m: m[0].replace(m[1], _WORDS[m[1]], 1),
    ),
    "assignment operator": _replacing(rf"(?<!\S)({_NAME}) \+= (\w+)(?=;?$)", lambda m: f"{m[1]} = {m[1]} + {m[2]}"),
    "comparison turned round": _replacing(
        r"(?<=\bif )(\w+) (<|>|==|!=) (\w+)(?=:)|(?<=\bif \()(\w+) (<|>|==|!=) (\w+)(?=\))", lambda m: _turned(m)
    ),
    "variable for a value": lambda line, draw: _extracted(line),
    "line folded": lambda line, draw: _folded(line),
    "comment added": lambda line, draw: _commented(line),
    "call by position": _replacing(r"(?<=, )(\w+)=\1(?=\)|, )", lambda m: f"{m[1]}=({m[1]})"),
    "empty test": _replacing(r"\blen\((\w+)\) == 0", lambda m: f"not {m[1]}"),
    "null test": _replacing(r"\((\w+) == NULL\)", lambda m: f"(!{m[1]})"),
}  # fmt: skip


def _turned(match: re.Match[str]) -> str:
    left, sign, right = (part for part in match.groups() if part is not None)
    return f"{right} { {'<': '>', '>': '<'}.get(sign, sign) } {left}"


def _extracted(line: str) -> str | None:
    found = re.match(r"^(\s+)return (\w[\w.]*\(.*\))$", line)
    return f"{found[1]}result = {found[2]}\n{found[1]}return result" if found else None


def _folded(line: str) -> str | None:
    found = re.match(r"^(\s+)(.*\w\()(\w[^()]*), ([^()]+)(\)[;:]?)$", line)
    return f"{found[1]}{found[2]}\n{found[1]}    {found[3]},\n{found[1]}    {found[4]}{found[5]}" if found else None


def _commented(line: str) -> str | None:
    found = re.match(r"^(\s+)return (\w+);?$", line)
    return f"{found[1]}{'//' if line.endswith(';') else '#'} the caller keeps it\n{line}" if found else None
