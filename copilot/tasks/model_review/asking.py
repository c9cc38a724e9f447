"""Asking a model about a change: log-probabilities of given answers, and answers in a given form.

Does not know: what is asked, what the answers are worth.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from itertools import islice
from threading import Timer

from copilot.engine.base import Cancel, Session
from copilot.engine.grammar import from_schema
from copilot.engine.requests import Priority, Request, Sampling, ScoreRequest
from copilot.events import Done, Text, Usage
from copilot.prompts import review as words
from copilot.review.facts import Deadline
from copilot.tasks.model import ChatModel
from copilot.tasks.model_review.nearby import Nearby

LEAST = -30.0
"""A log-probability below which differences mean nothing."""
ANSWER_TOKENS = 80
_PROBLEM = {"problem": {"type": "string", "minLength": 8, "maxLength": 240}}
_QUOTED = re.compile(r"`([^`]+)`")


class Asking:
    """A model to ask, and what stops it."""

    def __init__(self, model: ChatModel, session: Session, cancel: Cancel) -> None:
        self.model = model
        self.session = session
        self.cancel = cancel
        self.usage = Usage()
        """What was asked so far; tokens that were weighed count as evaluated."""

    def logprobs(self, question: str, answers: Sequence[str], opening: str = "") -> list[tuple[float, ...]] | None:
        """Log-probabilities of the tokens of each answer to a question; `opening` is said before every answer."""
        model, chat = self.model, self.model.chat
        turn = model.encode([*chat.system(words.SYSTEM), *chat.user(question), *([opening] if opening else [])])
        scored = self.scored(turn, tuple(tuple(model.tokenizer.encode(answer)) for answer in answers))
        return None if scored is None else [tuple(max(LEAST, each) for each in row) for row in scored]

    def about(self, shown: str, questions: Sequence[tuple[str, str]]) -> list[float] | None:
        """Log-probability of each (question, answer) about one text, which is read once."""
        model, chat = self.model, self.model.chat
        opened, _, *rest = chat.user("")
        turn = model.encode([*chat.system(words.SYSTEM), opened, f"user\n{shown}"])
        asked = [(model.encode([question, *rest]), model.tokenizer.encode(answer)) for question, answer in questions]
        scored = self.scored(turn, tuple((*question, *answer) for question, answer in asked))
        if scored is None:
            return None
        return [sum(max(LEAST, x) for x in row[-len(answer) :]) for row, (_, answer) in zip(scored, asked, strict=True)]

    def line_logprobs(self, question: str, lines: Sequence[str], opening: str) -> list[float] | None:
        """Log-probability of each line of one answer to a question."""
        model = self.model
        turn = model.encode([*model.chat.system(words.SYSTEM), *model.chat.user(question), opening])
        ids = [model.tokenizer.encode(f"{line}\n") for line in lines]
        found = self.scored(turn, (tuple(token for line in ids for token in line),))
        if found is None:
            return None
        left = iter(found[0])
        return [sum(max(LEAST, each) for each in islice(left, len(line))) for line in ids]

    def scored(
        self, turn: Sequence[int], continuations: tuple[tuple[int, ...], ...]
    ) -> tuple[tuple[float, ...], ...] | None:
        """Log-probabilities of the tokens of continuations after a turn; None if cancelled or too long."""
        if len(turn) + max(map(len, continuations)) > self.session.n_ctx:
            return None
        self._count(Usage(evaluated_tokens=len(turn) + sum(map(len, continuations))))
        found = self.session.score(ScoreRequest((), tuple(turn), continuations, Priority.REVIEW), self.cancel)
        return found or None

    def _count(self, more: Usage) -> None:
        read = self.usage.evaluated_tokens + more.evaluated_tokens
        written = self.usage.generated_tokens + more.generated_tokens
        self.usage = replace(self.usage, prompt_tokens=read, evaluated_tokens=read, generated_tokens=written)

    def said(self, question: str, properties: Mapping[str, object], tokens: int = ANSWER_TOKENS) -> dict[str, object]:
        """What the model answers in the form of a JSON object with these properties; {} if it is cut or cancelled."""
        turn = self.model.encode([*self.model.chat.system(words.SYSTEM), *self.model.chat.user(question)])
        schema = {"type": "object", "properties": properties, "required": list(properties)}
        if len(turn) + tokens > self.session.n_ctx:
            return {}
        request = Request((), turn, Sampling(tokens, grammar=from_schema(schema)), Priority.REVIEW)
        written: list[str] = []
        for event in self.session.generate(request, self.cancel):
            match event:
                case Text(text):
                    written.append(text)
                case Done(reason, usage):
                    self._count(usage)
                    if reason == "cancelled":
                        return {}
        try:
            found = json.loads("".join(written))
        except (ValueError, RecursionError):  # an engine that keeps to the grammar says nothing of the kind
            return {}
        return found if isinstance(found, dict) else {}

    def problem(self, question: str, passages: Iterable[Sequence[str]]) -> str:
        """The problem as the model puts it, on one line; "" if it names none or quotes what stands in no passage."""
        problem = self.said(question, _PROBLEM).get("problem")
        text = " ".join(problem.split()) if isinstance(problem, str) else ""
        return text if quotes_only(text, passages) else ""


class Desk:
    """Where one review's model is to be had: identified without opening it, opened when the first question comes."""

    def __init__(
        self,
        identify: Callable[[], str],
        open_model: Callable[[], tuple[ChatModel, Session]],
        nearby: Nearby | None = None,
    ) -> None:
        """`identify` tells the model's file from any other; both functions raise CopilotError where there is none."""
        self._identify = identify
        self._open = open_model
        self.nearby = nearby or Nearby()
        self.cancel = Cancel()

    @cached_property
    def identity(self) -> str:
        return self._identify()

    @cached_property
    def asking(self) -> Asking:
        return Asking(*self._open(), self.cancel)

    @property
    def usage(self) -> Usage:
        return self.asking.usage if "asking" in self.__dict__ else Usage()

    def close(self) -> None:
        """Close the session and the index, as far as they were opened."""
        self.nearby.close()
        if "asking" in self.__dict__:
            self.asking.session.close()


def quotes_only(text: str, passages: Iterable[Sequence[str]]) -> bool:
    """Whether all that a text quotes stands in one passage or another, each given by its lines; spaces aside."""
    flat = ["".join("".join(lines).split()) for lines in passages]
    quotes = ("".join(quoted.split()).rstrip("()") for quoted in _QUOTED.findall(text))
    return all(any(quote in passage for passage in flat) for quote in quotes)


@contextmanager
def limited(cancel: Cancel, deadline: Deadline) -> Iterator[None]:
    """Set a cancel signal when the deadline comes."""
    if deadline.at is None:
        yield
        return
    timer = Timer(max(0.0, deadline.at - deadline.clock()), cancel.set)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
