"""Having the model fill one gap: the prompt, the stream, where it ends, and how sure the model was.

Knows no repository and no earlier result.
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from copilot.engine.base import Cancel, Event, Session
from copilot.engine.requests import InfillRequest, Priority, Sampling
from copilot.events import Done, Progress, Text, Usage
from copilot.prompts.complete import Gap, Surroundings, asked_gap
from copilot.tasks.complete.extent import BlockEnd, Extent, Site
from copilot.tasks.complete.model import CompletionModel

LINE_TOKENS, BLOCK_TOKENS = 64, 192
LEAST_LEAD = 0.5
"""A token that leads by less, in logits, may be another one after a full reading: docs/completion.md has figures."""
_PART_OF_WORD = re.compile(r"\w+\Z")


@dataclass(frozen=True, slots=True)
class Terms:
    """How much to write, and for how long."""

    extent: Extent
    box_s: float
    """Seconds after the first token, when what is there has to do."""
    exact: bool = False
    priority: Priority = Priority.COMPLETION
    max_tokens: int | None = None
    hear: Callable[[str], None] = lambda text: None
    """Told each piece as it comes."""


@dataclass(frozen=True, slots=True)
class Written:
    """What came of it."""

    text: str
    pieces: tuple[tuple[str, tuple[float, ...]], ...]
    """The text as it came, with the natural logarithms of its tokens' probabilities."""
    reason: str
    """"stop", "length" or "cancelled"."""
    usage: Usage

    def logprobs(self, n_chars: int) -> list[float]:
        """Those of the tokens that the first characters are made of."""
        found: list[float] = []
        length = 0
        for text, logprobs in self.pieces:
            if length >= max(1, n_chars):
                break
            found += logprobs
            length += len(text)
        return found


def gap_of(model: CompletionModel, around: Surroundings) -> Gap | None:
    """How a model is shown a gap; None where it cannot be."""
    if model.fim is not None:
        return model.fim.gap(around)
    return asked_gap(model.chat, around) if model.chat is not None else None


def request_of(model: CompletionModel, gap: Gap, terms: Terms) -> InfillRequest:
    most = terms.max_tokens if terms.max_tokens is not None else LINE_TOKENS
    if terms.max_tokens is None and terms.extent == "block":
        most = BLOCK_TOKENS
    before, hole, after, end = (model.encode(parts) for parts in (gap.before, gap.hole, gap.after, gap.gap))
    sampling = Sampling(most, stop=gap.stop, logprobs=True)
    return InfillRequest(before, after, hole, end, sampling, terms.exact, terms.priority, LEAST_LEAD)


def write(session: Session, request: InfillRequest, site: Site, terms: Terms, cancel: Cancel) -> Written:
    """Fill a gap. The text ends where the model ends it, its line or block is complete, or its time is over."""
    own = Cancel()
    cancel.when_set(own.set)
    try:
        written = _collected(session.infill(request, own), BlockEnd(site, terms.extent), own, terms)
    finally:
        cancel.forget(own.set)
    return replace(written, reason="cancelled") if cancel.is_set() else written


def _collected(events: Iterator[Event], end: BlockEnd, own: Cancel, terms: Terms) -> Written:
    pieces: list[tuple[str, tuple[float, ...]]] = []
    deadline, ended, done, last = 0.0, "", None, time.monotonic()
    for event in events:
        before, last = last, time.monotonic()
        if isinstance(event, Done):
            done = event
        elif isinstance(event, Progress) and deadline:  # it became unsure, and reads again
            deadline += last - before
        if not isinstance(event, Text) or ended:
            continue
        deadline = deadline or last + terms.box_s
        pieces.append((event.text, event.logprobs))
        terms.hear(event.text)
        if end.add(event.text):
            ended = "stop"
        elif last > deadline:
            ended = "length"
        if ended:
            own.set()
    assert done is not None, "an infill ends with Done"
    reason = ended or done.reason
    text = "".join(piece for piece, _ in pieces)
    return Written(_whole(text) if reason == "length" else text, tuple(pieces), reason, done.usage)


def _whole(text: str) -> str:
    """Without a line, or the word, that was being written when the time was over."""
    lines, _, last = text.rpartition("\n")
    return lines if lines.strip() else _PART_OF_WORD.sub("", text) if last else text
