"""What of a written text is shown: golden cases, and what holds for any text."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot.tasks.complete.extent import Site
from copilot.tasks.complete.filter import Draft, DroppedError, filtered, surplus

CASES = tomllib.loads(Path(__file__).with_name("complete_filters.toml").read_text(encoding="utf-8"))["case"]
CODE = st.text(alphabet="ab(){}[]:=., \n\t'\"#é🙂", max_size=60)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_text_is_shown_as_the_golden_case_says(case: dict[str, Any]) -> None:
    """One case, one text that a model wrote."""
    site = Site(case.get("path", "a.py"), case["before"], case["after"])
    draft = Draft(case["written"], site, case.get("extent", "line"))
    if "reason" in case:
        with pytest.raises(DroppedError, match=f"^{case['reason']}$"):
            filtered(draft)
    else:
        assert filtered(draft) == (case["shown"], case.get("replaced", 0))


@given(before=CODE, after=CODE, written=CODE, block=st.booleans())
def test_filters_only_ever_cut(before: str, after: str, written: str, block: bool) -> None:
    """What is shown is the beginning of what was written, replaces no more than the line's rest, and says something."""
    try:
        text, replaced = filtered(Draft(written, Site("a.py", before, after), "block" if block else "line"))
    except DroppedError as dropped:
        assert str(dropped)
        return
    assert written.startswith(text) and text.strip()
    assert 0 <= replaced <= len(after.partition("\n")[0])
    assert block or "\n" not in text.lstrip("\n")


@pytest.mark.parametrize(("text", "extra"), [("f(a)", ""), ("a)", ")"), ("[(])", "]"), ("}])", "}])"), ("(()", "")])
def test_surplus_brackets_close_what_the_text_does_not_open(text: str, extra: str) -> None:
    """A bracket of the wrong kind closes nothing."""
    assert surplus(text) == extra
