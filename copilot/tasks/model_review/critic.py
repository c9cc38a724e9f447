"""A model as a source of findings: each small edit is weighed, and what stands out is explained.

What is found depends on the scores alone; the model's words only explain it, and go if they speak of what is not there.
Scores and findings are kept by content, so that a change that was reviewed before loads no model. Does not know: which
signals make a score, how findings are shown.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial

from copilot.events import Progress
from copilot.prompts import review as words
from copilot.review.cache import FindingCache
from copilot.review.calibration import Calibration, calibration, digest, model_size
from copilot.review.change import ChangeView
from copilot.review.edits import MOST_PER_CHANGE, MOST_PER_FILE, Edit, edits
from copilot.review.facts import Deadline, FactEvent
from copilot.review.finding import Finding, Severity, Skipped
from copilot.review.keys import asked_key
from copilot.review.kinds import CLEARED, log_odds, renamed
from copilot.review.rule import scrubbed
from copilot.review.view import FileView
from copilot.tasks.model_review.asking import Asking, Desk, limited
from copilot.tasks.model_review.judge import Judge, ModelJudge, diff_lines

RULE = "likely-mistake"
HOW = "6"
"""Changes whenever the questions or the way of adding up do, so that what is kept counts no more."""
_LATE = "the time limit was reached before the model had looked at all of it"
_MANY = f"the model looked at the {MOST_PER_CHANGE} likeliest edits of the change only"

Tell = Callable[[Edit], Sequence[str]]
"""What stands near an edit, a line each."""


def model_judge(asking: Asking) -> Judge:
    """The judge whose signals were measured for the model, or for the nearest thing to it."""
    known = calibration_of(asking)
    return ModelJudge(asking, known.weights, must_agree=not known.is_measured)


def calibration_of(asking: Asking) -> Calibration:
    """What scores are worth for a model."""
    card = asking.model.card
    return calibration(model_size(card.architecture, card.n_layer, card.embedding_length))


class Critic:
    """One review's model and judge."""

    def __init__(
        self,
        desk: Desk,
        cache: FindingCache,
        per_file: int = MOST_PER_FILE,
        judge: Callable[[Asking], Judge] = model_judge,
        calibrated: Callable[[Asking], Calibration] = calibration_of,
    ) -> None:
        self._desk = desk
        self._cache = cache
        self._per_file = per_file
        self._make_judge = judge
        self._make_calibration = calibrated

    @cached_property
    def _judge(self) -> Judge:
        return self._make_judge(self._desk.asking)

    @cached_property
    def _calibration(self) -> Calibration:
        return self._make_calibration(self._desk.asking)

    def findings(self, change: ChangeView, deadline: Deadline, said: Sequence[Finding] = ()) -> Iterator[FactEvent]:
        """Findings as they come, the likeliest places first; Skipped for what the time did not reach.

        Edits beside lines that something was said of are not asked about, nor those of a file with enough findings.
        """
        total, work = _work(change)
        over = {view.path for view, _ in work[MOST_PER_CHANGE:]}
        work = [(view, edit) for view, edit in work[:MOST_PER_CHANGE] if not _is_known(edit, said)]
        left = {view.path: self._per_file for view, _ in work}
        late: set[str] = set()
        with limited(self._desk.cancel, deadline):
            for done, (view, edit) in enumerate(work, 1):
                is_open = left[view.path] > 0
                score = self._score(edit, total) if is_open and not self._is_over(deadline) else None
                if score is None and is_open and self._is_over(deadline):
                    late.add(view.path)
                elif score is not None:
                    tell = partial(self._desk.nearby.lines, view, with_index=deadline.at is None)
                    found = self._found(edit, score, total, tell)
                    left[view.path] -= len(found)
                    yield from found
                yield Progress("review", done, len(work), "steps")
        yield from (Skipped(path, _LATE) for path in sorted(late))
        yield from (Skipped(path, _MANY) for path in sorted(over))

    def _is_over(self, deadline: Deadline) -> bool:
        return deadline.is_over or self._desk.cancel.is_set()

    def _score(self, edit: Edit, total: int) -> float | None:
        """The score of an edit among so many; of what cannot become a finding among them a part of it will do."""
        whole, part = self._key("score", edit), self._key(f"score {digest()} {total}", edit)
        for key in (whole, part):
            if (known := self._cache.score(key)) is not None:
                return known
        weighed = self._judge.weigh(edit, lambda score: self._calibration.is_finding(score, total))
        if weighed is None:
            return None
        self._cache.keep_score(whole if weighed.is_whole else part, weighed.score)
        return weighed.score

    def _found(self, edit: Edit, score: float, total: int, tell: Tell) -> Sequence[Finding]:
        """The finding about an edit, if it stands out among so many."""
        if not edit.evidence or not self._stands_out(edit, score, total):
            return ()
        key = self._key(f"finding {digest()} {score:.6g}", edit)
        kept = self._cache.get(key)
        if kept is None:
            kept = [self._finding(edit, score, tell)]
            if not self._desk.cancel.is_set():
                self._cache.put(key, kept)
        return kept

    def _stands_out(self, edit: Edit, score: float, total: int) -> bool:
        """Whether a score is worth a finding; kept, as telling it takes the model's card."""
        key = self._key(f"verdict {digest()} {score:.6g} {total}", edit)
        known = self._cache.score(key)
        if known is None:
            known = float(self._calibration.is_finding(score, total))
            self._cache.keep_score(key, known)
        return known > 0

    def _finding(self, edit: Edit, score: float, tell: Tell) -> Finding:
        now = next((line.strip() for line in edit.new if line not in edit.old and line.strip()), "")
        before = next((line.strip() for line in edit.old if line not in edit.new and line.strip()), "")
        what = f"`{_short(now)}` stands here now, before it was `{_short(before)}`" if now and before else ""
        what = what or (f"`{_short(before)}` is gone" if before else f"`{_short(now)}` is new")
        message = f"{what}; the model takes the version before the change for the right one."
        said = self._explanation(edit, tell)
        return Finding(
            edit.path, edit.start_line, edit.end_line, Severity.MEDIUM, "bug", "likely mistake",
            scrubbed(f"{message} {said}".strip()), RULE, self._calibration.confidence(score), "model",
            anchor=edit.evidence,
        )  # fmt: skip

    def _explanation(self, edit: Edit, tell: Tell) -> str:
        """One sentence of the model about an edit; "" if it has none, or none about this code."""
        before, now = ([*edit.head, *lines, *edit.tail] for lines in (edit.old, edit.new))
        near = tell(edit)
        question = words.change(edit.path, diff_lines(before, now)) + words.explain(edit.evidence, near)
        return self._desk.asking.problem(question, (before, now, near))

    def _key(self, what: str, edit: Edit) -> bytes:
        parts = (edit.path, str(edit.start_line), str(edit.end_line))
        texts = ("\n".join(lines) for lines in (edit.head, edit.old, edit.new, edit.tail))
        return asked_key(f"{HOW} {self._desk.identity}", what, (*parts, *texts))


def _work(change: ChangeView) -> tuple[int, list[tuple[FileView, Edit]]]:
    """How many edits a change has, and those to ask about, the likeliest to be wrong first."""
    found = [(view, edit) for view in change.views for edit in edits(view) if not _is_harmless(change, view, edit)]
    odds = [(log_odds(edit), view, edit) for view, edit in found]
    asked = sorted((each for each in odds if each[0] > CLEARED), key=lambda each: -each[0])
    return min(MOST_PER_CHANGE, len(found)), [(view, edit) for _, view, edit in asked]


def _is_known(edit: Edit, said: Sequence[Finding]) -> bool:
    return any(finding.is_beside(edit.path, edit.start_line, edit.end_line) for finding in said)


def _is_harmless(change: ChangeView, view: FileView, edit: Edit) -> bool:
    """Whether lines were only moved, or a name that is gone from the file was replaced by one that is new in it."""
    names = renamed(edit)
    is_new_name = bool(names) and not (view.new_words & names.keys() or view.old_words & set(names.values()))
    return is_new_name or change.is_kept(edit.old, edit.new)


def _short(text: str) -> str:
    return text if len(text) <= 100 else f"{text[:99]}…"
