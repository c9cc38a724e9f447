"""Every rule on its fixtures: it says what it should, where it should, and nothing else.

`fixtures/review/<rule>/<name>.case` is a small change and where the rule applies. Sections begin with
`==== before PATH`, `==== after PATH`, `==== both PATH` or `==== expect`; the last one lists `path:line` places.
`{{name}}` stands for a made-up secret, so that no file of this project holds one.
"""

import difflib
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from copilot.repo.changes import from_diff, staged
from copilot.review.catalogue import ALL, Selection
from copilot.review.change import ChangeView
from copilot.review.facts import Deadline, facts
from copilot.review.finding import Finding, Skipped

Stage = Callable[[dict[str, str], dict[str, str]], Path]
FOLDER = Path(__file__).parents[2] / "fixtures" / "review"
SECRETS = {
    "github-token": "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0dF3hJ6",
    "stripe-key": "sk_live_" + "aB3dE6gH9jK2mN5pQ8sT1vW4",
    "password": "kX9" + "vQ2mZ7pL4tR8w",
}
_SECTION = re.compile(r"^==== (before|after|both|expect) ?(.*)\n", re.MULTILINE)


@dataclass(frozen=True)
class Case:
    """One change."""

    rule: str
    before: dict[str, str]
    after: dict[str, str]
    expected: list[str]
    """`path:line`, sorted."""


def load(path: Path) -> Case:
    """Read one case."""
    text = path.read_text("utf-8")
    for name, value in SECRETS.items():
        text = text.replace("{{" + name + "}}", value)
    parts = _SECTION.split(text)
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    expected: list[str] = []
    for kind, name, body in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        if kind == "expect":
            expected = body.split()
        if kind in ("before", "both"):
            before[name] = body
        if kind in ("after", "both"):
            after[name] = body
    return Case(path.parent.name, before, after, expected)


def all_cases() -> list[Path]:
    return sorted(FOLDER.glob("*/*.case"))


@pytest.mark.parametrize("path", all_cases(), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_rule_applies_exactly_where_its_case_says(path: Path, stage: Stage) -> None:
    """A rule finds its hits and leaves the near misses alone."""
    case = load(path)
    root = stage(case.before, case.after)
    events = list(facts(ChangeView(staged(root)), Selection(frozenset({case.rule})), Deadline()))
    assert [event for event in events if isinstance(event, Skipped)] == []
    found = [event for event in events if isinstance(event, Finding)]
    assert sorted(case.expected) == sorted(f"{finding.path}:{finding.start_line}" for finding in found)
    assert {case.rule} >= {finding.rule for finding in found}


def test_every_rule_has_a_case() -> None:
    """No rule without a fixture, no fixture without a rule."""
    assert {rule.id for rule in ALL} == {path.name for path in FOLDER.iterdir()}


def test_ids_are_unique_and_documented() -> None:
    """Ids name rules in baselines and SARIF, and the documentation has a row for each."""
    assert len(ALL) == len({rule.id for rule in ALL})
    page = (Path(__file__).parents[2] / "docs" / "review.md").read_text("utf-8")
    assert [rule.id for rule in ALL if f"| `{rule.id}` |" not in page] == []


def test_no_message_holds_a_secret(stage: Stage) -> None:
    """What is found is not repeated: neither in the message nor in what is kept."""
    case = load(FOLDER / "secret-added" / "keys.case")
    root = stage(case.before, case.after)
    found = [each for each in facts(ChangeView(staged(root)), Selection.of(), Deadline()) if isinstance(each, Finding)]
    secrets = [word for text in case.after.values() for word in text.replace('"', " ").split() if len(word) > 15]
    assert found
    assert [secret for secret in secrets for finding in found if secret in f"{finding}"] == []


def test_no_rule_fails_on_damaged_code(tmp_path: Path) -> None:
    """Code with lines dropped, doubled, swapped and cut is reviewed to the end, whatever is found."""
    draw = random.Random(5)
    cases = [load(path) for path in all_cases()]
    sources = sorted({(name, text) for case in cases for name, text in {**case.before, **case.after}.items()})
    failures = []
    for number in range(150):
        name, text = draw.choice(sources)
        new = damaged(text, draw)
        path = f"f{number % 7}/{name}"
        diff = "".join(difflib.unified_diff(lines_of(text), lines_of(new), f"a/{path}", f"b/{path}"))
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(new if draw.random() < 0.5 else text)
        change = ChangeView(from_diff(tmp_path, diff.encode("utf-8", "surrogateescape")))
        failures += [each for each in facts(change, Selection.of(), Deadline()) if isinstance(each, Skipped)]
        (tmp_path / path).unlink()
    assert failures == []


def lines_of(text: str) -> list[str]:
    return [f"{line}\n" for line in text.removesuffix("\n").split("\n")]


def damaged(text: str, draw: random.Random) -> str:
    """A text after a few cuts."""
    lines = text.removesuffix("\n").split("\n")
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(lines))
        match draw.randrange(5):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, draw.choice(lines))
            case 2:
                lines[at] = lines[at][: draw.randrange(len(lines[at]) + 1)]
            case 3:
                lines[at] = lines[at].translate({ord("("): "[", ord('"'): "", ord(":"): "{"})
            case 4:
                lines[at] = "é\t" * draw.randrange(4) + draw.choice(["def f(", "if (", "}", '"""', "#if X", "<<<<<<< "])
        lines = lines or [""]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("line", "mended"),
    [
        ('    assert (a, "why")  # soon', '    assert a, "why"  # soon'),
        ("    assert (f(a, 1), msg(2),)", "    assert f(a, 1), msg(2)"),
        ("    assert (a, b, c)", None),
        ("    breakpoint()", ""),
        ("    import pdb; pdb.set_trace()", ""),
        ("    x = a is 3", "    x = a == 3"),
    ],
)
def test_what_can_be_mended_comes_with_the_mended_line(stage: Stage, line: str, mended: str | None) -> None:
    """A suggestion is a diff of the one line; where what was meant is not known there is none."""
    text = "def f(a):\n    return a\n"
    root = stage({"a.py": text}, {"a.py": text.replace("    return", f"{line}\n    return")})
    [finding] = [
        event for event in facts(ChangeView(staged(root)), Selection.of(), Deadline()) if isinstance(event, Finding)
    ]
    if mended is None:
        assert finding.suggestion is None
    else:
        assert finding.suggestion is not None
        changed = [each for each in finding.suggestion.split("\n")[2:] if each[:1] in ("-", "+")]
        assert changed == [f"-{line}", *([f"+{mended}"] if mended else [])]


@pytest.mark.parametrize(
    ("path", "before", "after", "mended"),
    [
        ("a.py", "def f(a):\n    return a\n", "def f(a):\n    # why\n    breakpoint()\n", "    pass"),
        ("a.py", "x = 1\n", "x = 1\nif x:\n\timport pdb; pdb.set_trace()\n", "\tpass"),
        ("a.js", "f();\n", "if (x)\n  debugger;\nf();\n", None),
        ("a.js", "f();\n", "if (x) {\n  debugger;\n}\nf();\n", ""),
        ("a.js", "f();\n", "if (x) f(); else\n  debugger;\nf();\n", None),
        ("a.rb", "f\n", "def g\n  binding.pry\nend\nf\n", ""),
        ("a.php", "<?php\nf();\n", "<?php\nif ($x)\n  xdebug_break();\nf();\n", None),
    ],
)
def test_a_debugger_is_taken_out_without_harm(
    stage: Stage, path: str, before: str, after: str, mended: str | None
) -> None:
    """An empty block of Python passes; what would make the next statement a body is not suggested."""
    root = stage({path: before}, {path: after})
    events = list(facts(ChangeView(staged(root)), Selection.of(), Deadline()))
    [finding] = [event for event in events if isinstance(event, Finding) and event.rule == "debugger-left"]
    added = [line[1:] for line in (finding.suggestion or "").split("\n")[3:] if line.startswith("+")]
    assert (finding.suggestion is None) == (mended is None)
    assert added == ([mended] if mended else [])
