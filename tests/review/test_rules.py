"""Every rule on its fixtures: it says what it should, where it should, and nothing else.

`fixtures/review/<rule>/<name>.case` is a small change and where the rule applies. Sections begin with
`==== before PATH`, `==== after PATH`, `==== both PATH` or `==== expect`; the last one lists `path:line` places.
`{{name}}` stands for a made-up secret, so that no file of this project holds one.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from copilot.repo.changes import staged
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
