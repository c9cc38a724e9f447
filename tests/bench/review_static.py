"""How often the review rules are wrong, and what they find, as the Markdown table of docs/review.md.

`python -m tests.bench.review_static FOLDER [--most N]` takes a folder of git repositories and reviews in each, without
a model: every commit (taken for right: what is found there counts as a false alarm), every commit backwards (a fix
taken back is a bug put in), and mutations of its code, each of which has a rule that ought to see it. Commits of
Debian's patch series are such histories. Writes nothing into the repositories; knows nothing of models.
"""

import argparse
import difflib
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from copilot.errors import CopilotError
from copilot.repo import git
from copilot.repo.calls import calls, functions
from copilot.repo.changes import Changes, between, from_diff
from copilot.repo.languages import language_of
from copilot.repo.occurrences import uses
from copilot.repo.roles import Role, role_of
from copilot.repo.syntax import SyntaxTree, ancestors, end_line_of, line_of
from copilot.repo.versions import Version
from copilot.review.catalogue import Selection
from copilot.review.change import ChangeView
from copilot.review.facts import Deadline, facts
from copilot.review.finding import Finding

SEED = 1
_CODES = frozenset({"python", "javascript", "typescript", "go", "java", "c", "rust", "php"})


@dataclass
class Tally:
    """Sums over one kind of diffs."""

    diffs: int = 0
    with_finding: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def add(self, findings: list[Finding], seconds: float) -> None:
        self.diffs += 1
        self.with_finding += bool(findings)
        self.rules.update(finding.rule for finding in findings)
        self.seconds.append(seconds)


@dataclass(frozen=True)
class Mutation:
    """A fault put into one file, and the rules of which one ought to see it."""

    name: str
    rules: frozenset[str]
    make: Callable[[str, SyntaxTree, random.Random], tuple[str, str] | None]
    """(new text, name that other files must mention, "" if none need to), or None where there is nothing to spoil."""


def reviewed(changes: Changes) -> tuple[list[Finding], float]:
    """What the rules that are on by default find, and the CPU seconds it took."""
    began = time.process_time()
    events = facts(ChangeView(changes), Selection.of(), Deadline())
    found = [event for event in events if isinstance(event, Finding)]
    return found, time.process_time() - began


def history(root: Path, most: int, *, backwards: bool, tally: Tally) -> None:
    """Review commits of a repository, each against the one before or the other way round."""
    listed = git.run(root, "rev-list", "--first-parent", "--reverse", "HEAD") or b""
    ids = listed.decode("ascii").split()
    pairs = list(pairwise(ids))
    for old, new in pairs[:: max(1, len(pairs) // most)]:
        before, after = (new, old) if backwards else (old, new)
        try:
            found, seconds = reviewed(between(root, f"{before}..{after}"))
        except CopilotError as error:
            say(f"{root.name} {new[:10]}: {error}")
            continue
        tally.add(found, seconds)
        subject = (git.run(root, "log", "-1", "--format=%s", new) or b"").decode("utf-8", "replace").strip()
        for finding in found:
            way = "back" if backwards else "on"
            say(
                f"{way} {root.name} [{subject[:60]}] {finding.path}:{finding.start_line} {finding.rule}: "
                f"{finding.message}"
            )


def mutated(root: Path, most: int, seen: Counter[str], made: Counter[str]) -> None:
    """Put faults into the files of a repository, one at a time, and count those that are seen."""
    listed = (git.run(root, "ls-files", "-z") or b"").decode("utf-8", "replace").split("\0")
    paths = [path for path in listed if (each := language_of(path)) and each.name in _CODES]
    paths = [path for path in paths if role_of(path) in (Role.SOURCE, Role.ENTRY)]
    draw = random.Random(f"{SEED} {root.name}")
    draw.shuffle(paths)
    version = Version(root)
    left = {mutation.name: most for mutation in MUTATIONS}
    for path in paths:
        text = version.text(path)
        tree = SyntaxTree.of(text, language_of(path)) if text and _is_plain(text) else None
        if text is None or tree is None or tree.root.has_error or not any(left.values()):
            continue
        for mutation in MUTATIONS:
            spoiled = mutation.make(text, tree, draw) if left[mutation.name] else None
            if spoiled is None or spoiled[0] == text:
                continue
            left[mutation.name] -= 1
            found, _ = reviewed(from_diff(root, _diff(path, text, spoiled[0])))
            made[mutation.name] += 1
            seen[mutation.name] += any(finding.rule in mutation.rules for finding in found)
            if not any(finding.rule in mutation.rules for finding in found):
                say(f"missed {root.name} {path}: {mutation.name} {spoiled[1]}")


def _is_plain(text: str) -> bool:
    """Whether a text can be cut up by characters and lines: no carriage returns, no bytes that are not UTF-8."""
    return "\r" not in text and not re.search(r"[\ud800-\udfff]", text)


def _diff(path: str, old: str, new: str) -> bytes:
    lines = difflib.unified_diff(
        old.splitlines(keepends=True), new.splitlines(keepends=True), f"a/{path}", f"b/{path}", lineterm="\n"
    )
    return "".join(lines).encode("utf-8", "surrogateescape")


def _definitions(tree: SyntaxTree) -> list[str]:
    pattern = rb"(?:\bdef|\bfunc|\bfunction|\bfn)\s+(\w{5,})\s*\(|^(?:static\s+)?\w[\w *]*?\b(\w{5,})\s*\("
    found = re.findall(pattern, tree.source, re.MULTILINE)
    return sorted({(first or second).decode("utf-8", "replace") for first, second in found})


def _called_functions(tree: SyntaxTree, draw: random.Random) -> Iterator[str]:
    """Names of functions of a text that the text itself calls by their bare name, in drawn order."""
    names = _definitions(tree)
    draw.shuffle(names)
    for name in names:
        own = [function for function in functions(tree, [name]) if not function.scope and not function.is_local]
        if len(own) != 1 or own[0].takes is None or own[0].takes.most != own[0].takes.least:
            continue
        if any(not call.receiver and not call.is_open and call.line != own[0].line for call in calls(tree, [name])):
            yield name


def _with_one_more(text: str, tree: SyntaxTree, draw: random.Random) -> tuple[str, str] | None:
    for name in _called_functions(tree, draw):
        if tree.language.name == "javascript":
            return None  # JavaScript does not mind
        function = functions(tree, [name])[0]
        lines = text.split("\n")
        head = lines[function.line - 1]
        extra = {
            "python": "extra",
            "go": "extra int",
            "rust": "extra: u8",
            "php": "$extra",
            "typescript": "extra: number",
        }
        parameter = extra.get(tree.language.name, "int extra")
        at = head.find("(", head.find(name)) + 1
        if at > 0 and not head[at:].startswith((")", "void")) and head.rstrip()[-1:] in ":{,)":
            lines[function.line - 1] = f"{head[:at]}{parameter}, {head[at:]}"
            return "\n".join(lines), name
    return None


def _renamed(text: str, tree: SyntaxTree, draw: random.Random) -> tuple[str, str] | None:
    for name in _called_functions(tree, draw):
        line = functions(tree, [name])[0].line
        lines = text.split("\n")
        lines[line - 1] = re.sub(rf"\b{name}\b", f"{name}_renamed", lines[line - 1], count=1)
        return "\n".join(lines), name
    return None


def _without_import(text: str, tree: SyntaxTree, draw: random.Random) -> tuple[str, str] | None:
    if tree.language.name != "python":
        return None
    lines = text.split("\n")
    places = [at for at, line in enumerate(lines) if re.fullmatch(r"import \w+|from [\w.]+ import \w+", line)]
    draw.shuffle(places)
    for at in places:
        name = lines[at].split()[-1]
        if len([use for use in uses(tree, name) if use.line != at + 1]) > 0:
            return "\n".join(lines[:at] + lines[at + 1 :]), name
    return None


def _without_bracket(text: str, tree: SyntaxTree, draw: random.Random) -> tuple[str, str] | None:
    places = [at for at, sign in enumerate(text) if sign in ")}]"]
    if not places or tree.language.name == "rust":
        return None
    at = draw.choice(places)
    node = tree.root.descendant_for_byte_range(len(text[:at].encode()), len(text[: at + 1].encode()))
    if node is None or node.type != text[at] or any(each.type.startswith("preproc") for each in ancestors(node)):
        return None
    return text[:at] + text[at + 1 :], ""


def _without_guard(text: str, tree: SyntaxTree, draw: random.Random) -> tuple[str, str] | None:
    lines = text.split("\n")
    guards = []
    for node in tree.nodes_on(range(1, len(lines) + 1)):
        if node.type != "if_statement" or node.child_by_field_name("alternative") is not None:
            continue
        body, first, last = node.child_by_field_name("consequence"), line_of(node), end_line_of(node)
        condition = node.child_by_field_name("condition")
        if body is None or condition is None or not 1 <= last - first <= 4:
            continue
        if re.search(r"[<>]", tree.text(condition)) and re.search(r"\b(?:return|raise|throw)\b", tree.text(body)):
            guards.append((first, last))
    if not guards:
        return None
    first, last = draw.choice(guards)
    return "\n".join(lines[: first - 1] + lines[last:]), f"lines {first}-{last}"


def _with_debugger(text: str, tree: SyntaxTree, draw: random.Random) -> tuple[str, str] | None:
    statement = {"python": "breakpoint()", "javascript": "debugger;", "typescript": "debugger;"}.get(tree.language.name)
    lines = text.split("\n")
    places = [at for at, line in enumerate(lines) if re.match(r"\s+return\b.*[;)\w]$", line)]
    if statement is None or not places:
        return None
    at = draw.choice(places)
    indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
    return "\n".join([*lines[:at], indent + statement, *lines[at:]]), ""


def _with_conflict(text: str, tree: SyntaxTree, draw: random.Random) -> tuple[str, str] | None:
    lines = text.split("\n")
    at = draw.randrange(len(lines))
    node = tree.root.descendant_for_point_range((at, 0), (at, 1))
    if node is None or "string" in node.type:
        return None
    return "\n".join(
        [*lines[:at], "<<<<<<< HEAD", lines[at], "=======", lines[at], ">>>>>>> topic", *lines[at + 1 :]]
    ), ""


def _without_comparison(text: str, tree: SyntaxTree, draw: random.Random) -> tuple[str, str] | None:
    found = list(re.finditer(r"\bif \(\w+ (==) \w+\) ?[{\n]", text))
    if tree.language.name not in ("c", "javascript", "php") or not found:
        return None
    literal = [match for match in found if re.search(r"== (?:\d+|true|false|null)\)", match[0])]
    if not literal:
        return None
    at = draw.choice(literal).start(1)
    return text[:at] + "=" + text[at + 2 :], ""


MUTATIONS = (
    Mutation("parameter added, callers not changed", frozenset({"signature-callers"}), _with_one_more),
    Mutation("function renamed, callers not", frozenset({"removed-symbol"}), _renamed),
    Mutation("import removed", frozenset({"removed-import"}), _without_import),
    Mutation("closing bracket removed", frozenset({"syntax-error"}), _without_bracket),
    Mutation("bounds check removed", frozenset({"guard-removed"}), _without_guard),
    Mutation("debugger left", frozenset({"debugger-left"}), _with_debugger),
    Mutation("conflict markers left", frozenset({"conflict-marker", "syntax-error"}), _with_conflict),
    Mutation("`=` for `==`", frozenset({"assignment-in-condition"}), _without_comparison),
)


def say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def table(on: Tally, back: Tally, seen: Counter[str], made: Counter[str]) -> Iterator[str]:
    """The Markdown of what was measured."""
    yield "| diffs | reviewed | with a finding | findings per diff | CPU s, median | worst |"
    yield "|---|---|---|---|---|---|"
    for name, tally in (("real commits", on), ("the same commits backwards", back)):
        ordered = sorted(tally.seconds) or [0.0]
        each = tally.rules.total() / max(1, tally.diffs)
        middle = ordered[len(ordered) // 2]
        yield f"| {name} | {tally.diffs} | {tally.with_finding} | {each:.3f} | {middle:.2f} | {ordered[-1]:.1f} |"
    yield "\n| rule | on real commits | backwards |\n|---|---|---|"
    for rule in sorted(on.rules | back.rules):
        yield f"| `{rule}` | {on.rules[rule]} | {back.rules[rule]} |"
    yield "\n| fault put in | seen | of |\n|---|---|---|"
    for mutation in MUTATIONS:
        yield f"| {mutation.name} | {seen[mutation.name]} | {made[mutation.name]} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a folder of git repositories")
    parser.add_argument("--most", type=int, default=250, help="commits per repository")
    parser.add_argument("--faults", type=int, default=8, help="faults of each kind per repository; 0 for none")
    parser.add_argument("--only", default="", help="names of repositories, separated by commas")
    options = parser.parse_args()
    on, back = Tally(), Tally()
    seen: Counter[str] = Counter()
    made: Counter[str] = Counter()
    wanted = options.only.split(",") if options.only else sorted(each.name for each in options.folder.iterdir())
    for name in wanted:
        root = options.folder / name
        if options.most:
            history(root, options.most, backwards=False, tally=on)
            history(root, options.most, backwards=True, tally=back)
        if options.faults:
            mutated(root, options.faults, seen, made)
    sys.stdout.write("\n".join(table(on, back, seen, made)) + "\n")


if __name__ == "__main__":
    main()
