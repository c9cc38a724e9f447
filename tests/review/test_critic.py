"""A model as a source of findings: what it is asked, what becomes of its answers."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from copilot.app import App
from copilot.config import Settings
from copilot.errors import EngineError, ModelMissingError
from copilot.events import Notice
from copilot.repo.changes import staged
from copilot.review.cache import FindingCache, no_cache
from copilot.review.calibration import Calibration
from copilot.review.catalogue import Selection
from copilot.review.change import ChangeView
from copilot.review.edits import Edit
from copilot.review.facts import Deadline
from copilot.review.finding import Finding, Severity, Skipped
from copilot.tasks.model import ChatModel
from copilot.tasks.model_review.asking import Desk
from copilot.tasks.model_review.critic import RULE, Critic
from copilot.tasks.model_review.judge import Weighed, Worthwhile
from copilot.tasks.model_review.nearby import Nearby
from copilot.tasks.model_review.source import model_source
from copilot.tasks.repository import Repository
from copilot.tasks.review import Asked, Review, Subject, review, sources
from copilot.testing import ScriptedSession, run_git

Stage = Callable[[dict[str, str], dict[str, str]], Path]

TEXT = "def f(a, b):\n    if a < b:\n        return a\n    return b\n"
BAD = TEXT.replace("a < b", "a <= b")


PLAIN = Calibration((), tuple(each / 10 for each in range(-20, 21)), (0.0, 1.0, 2.0))


class Fixed:
    """A judge that knows its answers by the first new line."""

    def __init__(self, scores: dict[str, float]) -> None:
        self.scores = scores
        self.seen: list[Edit] = []

    def weigh(self, edit: Edit, is_worthwhile: Worthwhile) -> Weighed | None:
        self.seen.append(edit)
        return Weighed(self.scores.get(edit.evidence, -5.0))


def critic(desk: Desk, judge: Fixed, cache: FindingCache | None = None, per_file: int = 3) -> Critic:
    return Critic(desk, cache or no_cache(), per_file, lambda asking: judge, lambda asking: PLAIN)


def found(source: Critic, root: Path, deadline: Deadline | None = None) -> list[Finding | Skipped]:
    events = source.findings(ChangeView(staged(root)), deadline or Deadline())
    return [event for event in events if isinstance(event, Finding | Skipped)]


def test_what_stands_out_is_found_with_its_evidence_and_explained(
    stage: Stage, desk: Desk, session: ScriptedSession
) -> None:
    """The finding names the line, what it was before, and the model's sentence."""
    session.enqueue('{"problem": "Equal values are swapped."}')
    [finding] = found(critic(desk, Fixed({"if a <= b:": 2.0})), stage({"a.py": TEXT}, {"a.py": BAD}))
    assert isinstance(finding, Finding)
    assert (finding.path, finding.start_line, finding.source, finding.rule) == ("a.py", 2, "model", RULE)
    assert "`if a <= b:` stands here now, before it was `if a < b:`" in finding.message
    assert finding.message.endswith("Equal values are swapped.")
    assert finding.severity is Severity.MEDIUM
    assert 0 < finding.confidence < 1


def used_elsewhere(stage: Stage) -> Path:
    """A function is made worse that another file calls."""
    user = "from a import smaller\n\n\ndef least_of(c):\n    return smaller(c, 1)\n"
    before = {"a.py": TEXT.replace("f(a", "smaller(a"), "use.py": user}
    return stage(before, before | {"a.py": BAD.replace("f(a", "smaller(a")})


def test_words_are_asked_for_with_what_stands_near(
    stage: Stage, model: ChatModel, session: ScriptedSession, tmp_path: Path
) -> None:
    """The question names the function and its callers; without an index, or under a time limit, the function."""
    root = used_elsewhere(stage)
    app = App(Settings(cache_dir=tmp_path / "cache"))
    asked = []
    for deadline in (Deadline(), Deadline(60.0, lambda: 0.0)):
        desk = Desk(lambda: "tiny", lambda: (model, session), Nearby(lambda: app.repository(root)))
        session.enqueue('{"problem": "`least_of` gets the wrong one."}')
        [finding] = found(critic(desk, Fixed({"if a <= b:": 2.0})), root, deadline)
        asked.append(model.tokenizer.decode(session.requests[-1].turn).decode())
        assert isinstance(finding, Finding)
        assert ("gets the wrong one" in finding.message) is (deadline.at is None)
        desk.close()
    assert "called by use.py:4 def least_of(c)" in asked[0]
    assert "in def smaller(a, b)" in asked[1] and "least_of" not in asked[1]


def test_work_that_goes_on_during_a_review_does_not_end_it(
    stage: Stage, model: ChatModel, session: ScriptedSession, tmp_path: Path
) -> None:
    """A caller's file that is another by now is not told of; the finding comes all the same."""
    root = used_elsewhere(stage)
    app = App(Settings(cache_dir=tmp_path / "cache"))

    def opened() -> Repository:
        repository = app.repository(root)
        (root / "use.py").write_text("y = 1\n", "utf-8")
        return repository

    desk = Desk(lambda: "tiny", lambda: (model, session), Nearby(opened))
    session.enqueue('{"problem": "It is wrong now."}')
    [finding] = found(critic(desk, Fixed({"if a <= b:": 2.0})), root)
    desk.close()
    assert isinstance(finding, Finding) and finding.message.endswith("It is wrong now.")
    assert "in def smaller(a, b)" in model.tokenizer.decode(session.requests[-1].turn).decode()


@pytest.mark.parametrize(
    "answer",
    [
        '{"problem": "`frobnicate()` leaks here."}',
        '{"problem": "`-if a < b:` is the sign of a diff."}',
        '{"problem": "`if a < b: if a <= b:` is two versions."}',
        '{"problem": "cut',
        "",
        "[1]",
    ],
)
def test_words_about_what_is_not_there_are_dropped(
    stage: Stage, desk: Desk, session: ScriptedSession, answer: str
) -> None:
    """A sentence that quotes other code, or no JSON object, leaves the finding without words of the model."""
    session.enqueue(answer)
    [finding] = found(critic(desk, Fixed({"if a <= b:": 2.0})), stage({"a.py": TEXT}, {"a.py": BAD}))
    assert isinstance(finding, Finding)
    assert finding.message.endswith("for the right one.")


def test_an_edit_that_scores_like_clean_ones_is_no_finding(stage: Stage, desk: Desk) -> None:
    """Only what few clean edits reach counts."""
    assert found(critic(desk, Fixed({"if a <= b:": 0.0})), stage({"a.py": TEXT}, {"a.py": BAD})) == []


def test_a_large_change_needs_a_higher_score(stage: Stage, desk: Desk) -> None:
    """The same edit among many others is no finding: a clean change of any size has few."""
    others = {f"m{number}.py": TEXT for number in range(5)}
    root = stage({"a.py": TEXT} | others, {"a.py": BAD} | {path: BAD.replace("<=", ">") for path in others})
    assert found(critic(desk, Fixed({"if a <= b:": 1.4})), root) == []
    alone = stage({"b.py": TEXT}, {"b.py": BAD})
    assert len(found(critic(desk, Fixed({"if a <= b:": 1.4})), alone)) == 1


def test_at_most_so_many_findings_per_file(stage: Stage, desk: Desk) -> None:
    """What comes after them is left out."""
    text = "".join(
        f"def f{number}(a, b):\n    x = a\n    y = b\n    return x < y + {number}\n\n\n" for number in range(4)
    )
    scores = {f"return x > y + {number}": 5.0 + number for number in range(4)}
    judge = Fixed(scores)
    always = Calibration((), (-9.0,) * 99, (0.0,))
    source = Critic(desk, no_cache(), 2, lambda asking: judge, lambda asking: always)
    lines = [each.start_line for each in found(source, stage({"a.py": text}, {"a.py": text.replace("<", ">")}))
             if isinstance(each, Finding)]  # fmt: skip
    assert lines == [4, 10]


def test_the_likeliest_places_are_looked_at_first(stage: Stage, desk: Desk) -> None:
    """A swapped operator, then lines that are gone, then a rewritten one, whatever file they are in."""
    judge = Fixed({})
    after = {"a.py": TEXT.replace("return b", "return f(a)"), "b.py": TEXT[: TEXT.index("    if")], "c.py": BAD}
    found(critic(desk, judge), stage(dict.fromkeys(after, TEXT), after))
    assert [edit.path for edit in judge.seen] == ["c.py", "b.py", "a.py"]


def test_what_rules_find_is_told_before_the_model_is_opened(stage: Stage) -> None:
    """Nobody waits for a model to see what takes none."""

    def never() -> tuple[ChatModel, ScriptedSession]:
        raise AssertionError("the model was opened")

    root = stage({"a.py": TEXT}, {"a.py": BAD.replace("return a", "breakpoint()")})
    looking = sources(Selection.of(), no_cache(), Asked(Desk(lambda: "tiny", never)))
    events = review(root, Subject("staged"), looking, Deadline())
    assert [event.rule for event in islice((each for each in events if isinstance(each, Finding)), 1)] == [
        "debugger-left"
    ]
    events.close()


def test_what_cannot_be_a_finding_is_not_asked_about(stage: Stage, desk: Desk) -> None:
    """Reworded messages, added conditions, a name that replaces another everywhere, and lines that were only moved."""
    text = "def f(size):\n    check(size, least=1)\n    log('cannot')\n    if size:\n        go(size)\n"
    after = {
        "a.py": text.replace("cannot", "could not"),
        "b.py": text.replace("if size:", "if size and ready:"),
        "c.py": text.replace("size", "length"),
        "d.py": text.replace("    check(size, least=1)\n", "") + "\n\ndef g(size):\n    check(size, least=1)\n",
    }
    judge = Fixed({})
    assert found(critic(desk, judge), stage(dict.fromkeys(after, text), after)) == []
    assert judge.seen == []


def test_a_name_that_stays_elsewhere_was_not_renamed(stage: Stage, desk: Desk) -> None:
    """One of two uses of another variable may be the wrong one."""
    text = "def f(size, length):\n    x = 1\n    y = 2\n    go(size)\n    stop(size + length)\n"
    judge = Fixed({})
    found(critic(desk, judge), stage({"a.py": text}, {"a.py": text.replace("go(size)", "go(length)")}))
    assert [edit.evidence for edit in judge.seen] == ["go(length)"]


def test_of_a_huge_change_the_likeliest_edits_are_judged(stage: Stage, desk: Desk) -> None:
    """The rest is said to be left out, and counts as looked at by rules."""
    judge = Fixed({})
    files = {f"m{number:02}.py": TEXT for number in range(35)}
    root = stage(files, {path: BAD for path in files})
    skipped = [each for each in found(critic(desk, judge), root) if isinstance(each, Skipped)]
    assert len(judge.seen) == 30
    assert [each.path for each in skipped] == [f"m{number}.py" for number in range(30, 35)]
    [*_, done] = review(root, Subject(), [critic(desk, judge).findings], Deadline())
    assert isinstance(done, Review)
    assert done.coverage.reviewed == done.coverage.files == 35


def test_a_second_review_asks_nothing(stage: Stage, desk: Desk, session: ScriptedSession, tmp_path: Path) -> None:
    """Scores and findings are kept by content; another model's are not taken."""
    root = stage({"a.py": TEXT}, {"a.py": BAD})
    cache = FindingCache.at(tmp_path / "found.sqlite3")
    first = found(critic(desk, Fixed({"if a <= b:": 2.0}), cache), root)

    def never() -> tuple[ChatModel, ScriptedSession]:
        raise AssertionError("the model was opened")

    assert found(critic(Desk(lambda: "tiny", never), Fixed({}), cache), root) == first
    other = Fixed({})
    assert found(critic(Desk(lambda: "other", desk._open), other, cache), root) == []
    assert len(other.seen) == 1
    cache.close()


def test_a_score_in_part_counts_only_among_as_many_edits(stage: Stage, desk: Desk, tmp_path: Path) -> None:
    """It is kept, so that the same review asks nothing; a smaller change, in which it may matter, asks again."""

    class Hasty(Fixed):
        def weigh(self, edit: Edit, is_worthwhile: Worthwhile) -> Weighed | None:
            weighed = super().weigh(edit, is_worthwhile)
            return weighed if weighed is None or is_worthwhile(weighed.score) else replace(weighed, is_whole=False)

    cache = FindingCache.at(tmp_path / "found.sqlite3")
    root = stage({"a.py": TEXT, "b.py": TEXT}, {"a.py": BAD, "b.py": BAD.replace("<=", ">")})
    for asked in (2, 0):
        judge = Hasty({"if a <= b:": 1.6})
        assert found(critic(desk, judge, cache), root) == []
        assert len(judge.seen) == asked
    run_git(root, "reset", "--quiet", "b.py")
    judge = Hasty({"if a <= b:": 1.6})
    assert len(found(critic(desk, judge, cache), root)) == 1
    assert len(judge.seen) == 1
    cache.close()


def test_what_the_time_does_not_reach_is_said(stage: Stage, desk: Desk) -> None:
    """A deadline that is over leaves every file with edits as skipped, and the model unopened."""
    root = stage({"a.py": TEXT}, {"a.py": BAD})
    judge = Fixed({})
    [skipped] = found(critic(desk, judge), root, Deadline(0.0, lambda: 1.0))
    assert isinstance(skipped, Skipped)
    assert "the time limit was reached" in skipped.reason
    assert judge.seen == []


def test_without_a_model_rules_go_on_and_it_is_said(stage: Stage) -> None:
    """A missing model is a hint, a failing one a warning; both are errors only for who asked for a model."""
    root = stage({"a.py": TEXT}, {"a.py": BAD})

    def missing() -> str:
        raise ModelMissingError("no chat model is installed")

    def broken() -> tuple[ChatModel, ScriptedSession]:
        raise EngineError("it broke")

    def reviewed(desk: Desk, *, is_wanted: bool = False) -> Iterator[object]:
        sources = [model_source(desk, no_cache(), is_wanted=is_wanted)]
        return review(root, Subject(), sources, Deadline())

    for desk, level in ((Desk(missing, broken), "hint"), (Desk(lambda: "x", broken), "warning")):
        [notice] = [event for event in reviewed(desk) if isinstance(event, Notice)]
        assert notice.level == level
    with pytest.raises(ModelMissingError):
        list(reviewed(Desk(missing, broken), is_wanted=True))


def test_what_a_rule_says_a_model_does_not_say_again(stage: Stage, desk: Desk) -> None:
    """A finding of the model on the lines of one that came before is left out."""
    rule = Finding("a.py", 2, 2, Severity.LOW, "bug", "t", "m", "r", 0.9)
    again = replace(rule, source="model", start_line=3, end_line=3)
    root = stage({"a.py": TEXT}, {"a.py": BAD})
    [*_, done] = review(root, Subject(), [lambda *_: iter([rule]), lambda *_: iter([again])], Deadline())
    assert isinstance(done, Review)
    assert done.findings == (rule,)


@pytest.mark.parametrize(("line", "asked"), [(2, False), (3, False), (4, True)])
def test_a_model_is_not_asked_about_what_a_rule_has_told(stage: Stage, desk: Desk, line: int, asked: bool) -> None:
    """What it says there would be left out; the other edits are judged as if it had been asked."""
    other = {"b.py": TEXT}
    root = stage({"a.py": TEXT} | other, {"a.py": BAD} | {"b.py": BAD})
    rule = Finding("a.py", line, line, Severity.LOW, "bug", "t", "m", "r", 0.9)
    judge = Fixed({"if a <= b:": 2.0})
    [*_, done] = review(root, Subject(), [lambda *_: iter([rule]), critic(desk, judge).findings], Deadline())
    assert isinstance(done, Review)
    assert ["a.py"] * asked + ["b.py"] == [edit.path for edit in judge.seen]
    assert ["a.py"] * asked + ["b.py"] == [each.path for each in done.findings if each.source == "model"]


def test_a_file_with_enough_findings_is_not_asked_about(stage: Stage, desk: Desk) -> None:
    """What more there might be would not be told."""
    text = "".join(f"def f{at}(a, b):\n    x = a\n    return x < b + {at}\n\n\n" for at in range(3))
    judge = Fixed({f"return x > b + {at}": 5.0 for at in range(3)})
    flat = Calibration((), (-9.0,) * 99, (0.0,))
    source = Critic(desk, no_cache(), 1, lambda asking: judge, lambda asking: flat)
    assert len(found(source, stage({"a.py": text}, {"a.py": text.replace("<", ">")}))) == 1
    assert len(judge.seen) == 1
