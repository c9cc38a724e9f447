"""Which way of asking a small model tells an edit that puts a bug in from one that does not.

`python -m tests.bench.review_model FILE` asks the model about each case of `tests/bench/review_cases.py` in every
way and appends what it said to a file of JSON lines; a case that is there already is not asked again. What that is
worth tells `tests/bench/review_table.py`. The model is the one the settings name. Knows nothing of how a review uses
the best way.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from copilot.app import App
from copilot.engine.base import Cancel, Session
from copilot.engine.requests import ScoreRequest
from copilot.prompts import review as words
from copilot.review.kinds import kind_of
from copilot.tasks.model import ChatModel
from copilot.tasks.model_review.judge import diff_lines
from tests.bench.review_cases import Case, cases
from tests.bench.review_kinds import edit_of

LETTERS = "ABCDEFG"
Score = list[float]
FAULT_KINDS = (
    "no problem",
    "a wrong operator, comparison or bound",
    "a check, an error path or a clean-up is missing",
    "a wrong variable, constant or argument",
    "a condition is inverted",
)
LISTED = "\n".join(f"{letter}) {kind}" for letter, kind in zip(LETTERS, FAULT_KINDS, strict=False))


class Asker:
    """Asks one model about texts; counts the tokens it made it read."""

    def __init__(self, model: ChatModel, session: Session) -> None:
        self.model = model
        self.session = session
        self.tokens = 0
        self.around = ""
        """Shown before what is asked about."""

    def scores(self, turn: Sequence[int], answers: Sequence[Sequence[int]], prefix: Sequence[int] = ()) -> list[Score]:
        """Log-probabilities of the tokens of each answer after a turn."""
        self.tokens += len(turn) + sum(map(len, answers))
        request = ScoreRequest(prefix, turn, tuple(map(tuple, answers)))
        return [list(score) for score in self.session.score(request, Cancel())]

    def answers(self, shown: str, questions: Mapping[str, tuple[str, Sequence[str]]]) -> dict[str, dict[str, float]]:
        """Log-probability of each answer to each question about a text, which is read once."""
        model, chat = self.model, self.model.chat
        system, (opened, *_) = chat.system(words.SYSTEM), chat.user("")
        prefix = model.encode([*system, opened, f"user\n{self.around}{shown}"])
        self.tokens += len(prefix)
        found = {}
        for name, (question, given) in questions.items():
            turn = model.encode([question, *chat.user("")[2:]])
            scored = self.scores(turn, [model.tokenizer.encode(word) for word in given], prefix)
            found[name] = {word: sum(score) for word, score in zip(given, scored, strict=True)}
        return found


@contextmanager
def asker() -> Iterator[Asker]:
    """An asker of the model that the settings name, in this process."""
    os.environ["COPILOT_HOST"] = "off"
    app = App.at(Path(), {})
    model = app.chat_model()
    session = app.session(model)
    try:
        yield Asker(model, session)
    finally:
        session.close()


QUESTIONS = {
    "subject": (words.SUBJECT, (words.MENDED, words.TAKEN_BACK, "Add", "Remove")),
    "plain": (words.PLAIN, ("Yes", "No")),
    "direction": (
        "Is this the commit that fixed a bug, or the commit that introduced it? Answer Fixed, Introduced or Neither.",
        ("Fixed", "Introduced", "Neither"),
    ),
    "kinds": (f"What is wrong with the new code?\n{LISTED}\nAnswer with one letter.", LETTERS[: len(FAULT_KINDS)]),
}


def about_diff(
    ask: Asker, path: str, old: Sequence[str], new: Sequence[str], names: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Questions about a diff, by name."""
    return ask.answers(words.change(path, diff_lines(old, new)), {name: QUESTIONS[name] for name in names})


def gap(ask: Asker, case: Case) -> dict[str, dict[str, float]]:
    """Which of the two sides belongs into the gap, in both orders."""
    worse, better = "\n".join(case.worse) or words.NOTHING, "\n".join(case.better) or words.NOTHING
    ask_for = f"Which of the two belongs in place of {words.GAP}, so that the code is correct? Answer A or B."
    pairs = {"better first": (better, worse), "worse first": (worse, better)}
    questions = {
        name: (f"A:\n```\n{first}\n```\nB:\n```\n{second}\n```\n{ask_for}", ("A", "B"))
        for name, (first, second) in pairs.items()
    }
    return ask.answers(words.gap(case.path, case.head, case.tail), questions)


def chosen(ask: Asker, case: Case) -> dict[str, list[Score]]:
    """Which of two sides is right, answered by a letter or by the code itself, in both orders."""
    model, chat = ask.model, ask.model.chat
    system, (opened, *_) = chat.system(words.SYSTEM), chat.user("")
    prefix = model.encode([*system, opened, f"user\n{ask.around}{words.gap(case.path, case.head, case.tail)}"])
    ask.tokens += len(prefix)
    answers = [model.tokenizer.encode(text) for text in (*words.LETTERS, *map(words.chosen, (case.worse, case.better)))]
    found = {}
    for name, pair in (("better first", (case.better, case.worse)), ("worse first", (case.worse, case.better))):
        turn = model.encode([words.choice(*pair), *chat.user("")[2:], words.CHOSEN])
        found[f"correct, {name}"] = ask.scores(turn, answers, prefix)
    return found


def lines(ask: Asker, path: str, new: Sequence[str]) -> dict[str, float]:
    """Which line of a text is wrong."""
    numbered = "\n".join(f"{number} {line}" for number, line in enumerate(new, 1))
    question = "One line may have a bug. Answer with the number of the line, or 0 if all are correct."
    numbers = [str(number) for number in range(len(new) + 1)]
    return ask.answers(f"A part of {path}:\n```\n{numbered}\n```\n", {"line": (question, numbers)})["line"]


def infill(ask: Asker, case: Case) -> dict[str, Score]:
    """Log-probabilities of both sides where the model fills in the edit between what stands around it."""
    tokenizer, fim = ask.model.tokenizer, ask.model.card.fim
    assert fim is not None, "this model fills nothing in"
    head, tail = "".join(f"{line}\n" for line in case.head), "".join(f"{line}\n" for line in case.tail)
    turn = [fim.prefix, *tokenizer.encode(head), fim.suffix, *tokenizer.encode(tail), fim.middle]
    end = tokenizer.control("<|endoftext|>")
    texts = ["".join(f"{line}\n" for line in side) for side in (case.worse, case.better)]
    worse, better = ask.scores(turn, [[*tokenizer.encode(text), end] for text in texts])
    return {"worse": worse, "better": better}


def asked(ask: Asker, case: Case, wanted: Sequence[str], questions: Sequence[str]) -> dict[str, Any]:
    """Everything a model says about a case; "down" is from better to worse, "up" the other way."""
    worse = [*case.head, *case.worse, *case.tail]
    better = [*case.head, *case.better, *case.tail]
    ways: dict[str, Callable[[], Any]] = {
        "infill": lambda: infill(ask, case),
        "gap": lambda: gap(ask, case),
        "chosen": lambda: chosen(ask, case),
        "down": lambda: about_diff(ask, case.path, better, worse, questions),
        "up": lambda: about_diff(ask, case.path, worse, better, questions),
        "line": lambda: {"worse": lines(ask, case.path, worse), "better": lines(ask, case.path, better)},
    }
    said: dict[str, Any] = {"name": case.name, "kind": case.kind, "what": case.what}
    said["kinds"] = [kind_of(edit_of(case, is_down=is_down)) for is_down in (True, False)]
    said["sizes"] = [len(case.head), len(case.worse), len(case.better)]
    for name in wanted:
        before = ask.tokens
        said[name] = ways[name]()
        said[f"{name} tokens"] = ask.tokens - before
    return said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--most", type=int, default=24, help="cases of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--designs", default="chosen,down,up", help="also infill, gap and line")
    parser.add_argument("--questions", default="subject,plain", help="also direction and kinds")
    options = parser.parse_args()
    known = {}
    if options.file.exists():
        known = {row["name"]: row for row in map(json.loads, options.file.read_text().splitlines())}
    drawn = cases(options.most, options.seed)
    order = [each for at in range(options.most) for each in drawn[at :: options.most]]
    with options.file.open("a") as out, asker() as ask:
        for case in order:
            if case.name not in known:
                out.write(json.dumps(asked(ask, case, options.designs.split(","), options.questions.split(","))) + "\n")
                out.flush()
                sys.stderr.write(f"{case.kind} {case.what[:50]} {ask.tokens} tokens\n")


if __name__ == "__main__":
    main()
