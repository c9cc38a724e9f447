"""What an edit does to its tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot.review.edits import Edit
from copilot.review.kinds import CLEARED, LOG_ODDS, Kind, kind_of, log_odds, renamed


def edit(old: str, new: str, around: str = "") -> Edit:
    lines = tuple(around.splitlines())
    return Edit("a.py", 1, 1, tuple(old.splitlines()), tuple(new.splitlines()), lines, ())


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ('log("cannot open")', 'log("could not open")', "text"),
        ("if a < b:", "if a <= b:", "operator"),
        ("if not a:", "if a:", "operator"),
        ("x = await load(a)", "x = load(a)", "operator"),
        ("p->n += 2;", "p->n -= 2;", "operator"),
        ("x = a[0]", "x = a[1]", "constant"),
        ("verify = True", "verify = False", "constant"),
        ("copy(source, target)", "copy(target, source)", "reordered"),
        ("if (n > most)\n    return -1;", "", "check gone"),
        ("lock.release()", "", "call gone"),
        ("self.size = size", "", "gone"),
        ("if a and b:", "if a:", "check reduced"),
        ("open(path, mode)", "open(path)", "reduced"),
        ("if a:", "if a or b:", "check extended"),
        ("open(path)", "open(path, mode)", "extended"),
        ("x = f(a)", "x = load(a, b, c=d)", "grown"),
        ("x = load(a, b, c=d)", "x = f(a)", "shrunk"),
        ("x = f(a)", "x = g.f(b)", "rewritten"),
        ("x = f(a)", "x = f(other)", "new name"),
        ("x = f(a)  # as it was", "x = f(b)  # or not", "new name"),
    ],
)
def test_the_kind_of_an_edit_is_told_by_its_tokens(old: str, new: str, kind: Kind) -> None:
    """Blanks, line ends and comments are nothing; strings are one token."""
    assert kind_of(edit(old, new)) == kind


def test_a_name_that_stands_near_is_another_one_than_a_new_one() -> None:
    """Taking the wrong one of two variables is a mistake; giving a new name seldom is."""
    assert kind_of(edit("x = f(a)", "x = f(b)", around="b = 1")) == "name"


def test_edits_that_take_checks_away_are_looked_at_before_those_that_add_them() -> None:
    """The order in which a review asks, and what it does not ask about."""
    wrong, gone, more = (
        edit("if a < b:", "if a > b:"), edit("if not a:\n    return", ""), edit("if a:", "if a and b:"),
    )  # fmt: skip
    assert log_odds(wrong) > log_odds(gone) > 0 > CLEARED > log_odds(more)


def test_one_name_for_another_is_a_renaming_only_if_it_is_the_same_each_time() -> None:
    """What else changes makes it none."""
    assert renamed(edit("total = total + one", "total_size = total_size + one")) == {"total": "total_size"}
    assert renamed(edit("total = total + one", "total_size = total_sum + one")) == {}
    assert renamed(edit("a = 1", "b = 2")) == {}
    assert renamed(edit("a = 1", "a = 1")) == {}


_TEXT = st.text(alphabet="ab01 \"'`<=>!&|(){}.,;#/*\n\\\tifretun", max_size=60)


@given(_TEXT, _TEXT)
def test_every_edit_has_a_kind(old: str, new: str) -> None:
    """Whatever the text is, also where quotes and comments do not end."""
    assert kind_of(edit(old, new)) in LOG_ODDS
    renamed(edit(old, new))
