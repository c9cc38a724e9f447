"""What once surprised a parser does not any more, and a few hundred new inputs do not either."""

import random
from pathlib import Path

import pytest

from tests.fuzz.campaign import corpus_of, outcome, run
from tests.fuzz.targets import DIFF, TARGETS
from tests.fuzz.trace import Line, traced


@pytest.mark.parametrize("name", TARGETS)
def test_kept_inputs_are_taken_or_refused_in_order(name: str) -> None:
    """Each input of the corpus leads to a result or to an error that is meant for users."""
    for content in TARGETS[name].seeds() + corpus_of(name):
        what, failed = outcome(TARGETS[name], content)
        assert not failed, (what, content[:200])


@pytest.mark.parametrize("name", TARGETS)
def test_mutated_inputs_are_taken_or_refused_in_order(name: str) -> None:
    """The same three hundred mutations each time; `python -m tests.fuzz` tries others for as long as one likes."""
    findings = run(name, TARGETS[name], random.Random(7), inputs=300)
    assert findings.failures == {}
    assert findings.inputs >= 300


def test_an_input_that_runs_new_lines_is_known_by_them() -> None:
    """The first diff runs lines of the parser; the same again runs no others, a rename does."""
    seen: set[Line] = set()
    parse, plain = TARGETS["diff"].run, b"--- a\n+++ b\n@@ -0,0 +1 @@\n+x\n"
    assert [traced(lambda content=content: parse(content), seen)[1] for content in (plain, plain, DIFF)] == [
        True,
        False,
        True,
    ]
    assert {Path(file).name for file, _ in seen} >= {"diff_parser.py"}
