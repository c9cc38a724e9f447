"""Answer a question about a repository: prefix, places found for the question, checked citations."""

import re
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

from copilot.engine.base import Cancel, ReadState, Session
from copilot.engine.requests import Request, Sampling
from copilot.errors import BudgetError
from copilot.events import Done, Notice, Progress, Text, Usage
from copilot.prompts.ask import Place, question
from copilot.tasks.citations import Citation, CitationCheck, code_names
from copilot.tasks.model import ChatModel
from copilot.tasks.prefix import MAP_TOKENS, TURN_TOKENS, Prefix, Prefixes, choose_prefix, prefix_budget
from copilot.tasks.repository import Repository
from copilot.tasks.speed import SpeedLog, duration

PLACES = 8
EXCERPT_TOKENS = 1024
"""For excerpts of what the prefix does not show in full."""
EXCERPT_LINES = 60
MAX_SOURCES = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """The end of an answer; `usage.prompt_tokens` counts the prefix and the turn."""

    text: str
    citations: tuple[Citation, ...]
    usage: Usage
    reason: str
    prefix: str
    """"full" if the whole pack was before the model, "map" if only the map and excerpts were."""


@dataclass(frozen=True, slots=True)
class Question:
    text: str
    think: bool = False
    budget_tokens: int | None = None
    """Upper bound for the prefix; None = all the context allows."""
    max_answer_tokens: int = 1024
    history: tuple[tuple[str, str], ...] = ()
    """Earlier questions of the conversation, each with its answer; the oldest are left out where they do not fit."""


@dataclass(frozen=True, slots=True)
class Asking:
    """What answering works with."""

    repository: Repository
    prefixes: Prefixes
    model: ChatModel
    session: Session
    speed: SpeedLog


AskEvent = Progress | Notice | Text | Answer


def ask(asked: Question, tools: Asking, cancel: Cancel) -> Generator[AskEvent, None, None]:
    """Stream the answer; the last event is the Answer. BudgetError if the question does not fit."""
    model, session = tools.model, tools.session
    allowed = prefix_budget(model, asked.max_answer_tokens)
    budget = min(asked.budget_tokens or allowed, allowed)
    full = tools.prefixes.full(budget, session)
    small = tools.prefixes.map(min(MAP_TOKENS, budget))
    prefix, state = choose_prefix(full, small, session)
    places = find_places(asked.text, prefix, tools)
    turn = model.encode(model.chat.user(question(asked.text, places), think=asked.think))
    room = model.n_ctx - len(prefix.tokens) - min(asked.max_answer_tokens, model.n_ctx // 8)
    if len(turn) > room:
        raise BudgetError(
            f"the question has {len(turn)} tokens, {room} are left beside the repository; "
            "shorten it or use a smaller --budget"
        )
    before = (*prefix.tokens, *_remembered(asked.history, min(room - len(turn), TURN_TOKENS), model))
    yield from _waiting(prefix, session.state(before).missing + len(turn), tools.speed)
    thinks = asked.think and model.chat.thought is not None
    if asked.think and not thinks:
        yield Notice(f"{model.card.name} answers without thinking first: it has no way to mark thoughts", "warning")
    sampling = Sampling(asked.max_answer_tokens, hidden=model.thought_ids, begins_hidden=thinks)
    request = Request(before, turn, sampling)
    yield from _answer(request, prefix, places, tools, cancel)
    if prefix.kind == "map":
        yield _advice(state, tools.speed)


def _remembered(history: Sequence[tuple[str, str]], room: int, model: ChatModel) -> list[int]:
    """The latest exchanges of a conversation, as tokens.

    Each is read once and kept with the prefix. Where no more fit, the older ones go until half the room is free, so
    that the rest is not read again with every question.
    """
    kept: list[list[int]] = []
    for text, answer in history:
        kept.append(model.encode(model.chat.exchange(text, answer)))
        if sum(map(len, kept)) > room:
            while kept and sum(map(len, kept)) > room // 2:
                del kept[0]
    return [token for exchange in kept for token in exchange]


def _cut(max_answer_tokens: int) -> Notice:
    return Notice(f"the answer was cut at {max_answer_tokens:,} tokens; set max_answer_tokens for longer ones")


def _answer(
    request: Request, prefix: Prefix, places: Sequence[Place], tools: Asking, cancel: Cancel
) -> Iterator[AskEvent]:
    shown = [Citation(p.path, p.start_line, p.end_line) for p in places]
    check = CitationCheck(tools.repository, shown)
    written: list[str] = []
    done: Done | None = None

    def passed(text: str) -> Iterator[Text]:
        if text:
            written.append(text)
            yield Text(text)

    for event in tools.session.generate(request, cancel):
        if isinstance(event, Text):
            yield from passed(check.decode(event.text))
        elif isinstance(event, Done):
            done = event
        else:
            yield event
    assert done is not None, "a generation ends with Done"
    yield from passed(check.flush())
    if not check.found and done.reason != "cancelled":
        sources = find_sources("".join(written), places, tools.repository)
        check.found.extend(citation for citation, _ in sources)
        yield from passed(_as_list(sources))
    if done.reason != "cancelled":
        prefix.keep()
    tools.speed.record(done.usage)
    if done.reason == "length":
        yield _cut(done.usage.generated_tokens)
    yield Answer("".join(written).strip(), tuple(check.found), done.usage, done.reason, prefix.kind)


def find_places(text: str, prefix: Prefix, tools: Asking) -> list[Place]:
    """The best places for a question; those the prefix does not show in full carry their text, within a budget."""
    places = []
    left = min(EXCERPT_TOKENS, tools.model.n_ctx // 8)
    for hit in tools.repository.search(text, PLACES):
        place = Place(hit.path, hit.start_line, hit.end_line, hit.symbol)
        if hit.path not in prefix.shown_in_full:
            place, cost = _with_text(place, left, tools)
            left -= cost
        places.append(place)
    return places


def _with_text(place: Place, budget_tokens: int, tools: Asking) -> tuple[Place, int]:
    """The place with as many of its lines as fit the budget, and what they cost; without text if none do."""
    lines = tools.repository.lines(place.path) or ()
    n_lines = min(place.end_line - place.start_line + 1, EXCERPT_LINES)
    while n_lines > 2:
        end = place.start_line + n_lines - 1
        text = "\n".join(lines[place.start_line - 1 : end])
        [cost] = tools.model.tokenizer.count([text])
        if cost <= budget_tokens:
            return Place(place.path, place.start_line, end, place.symbol, text), cost
        n_lines //= 2
    return place, 0


def find_sources(text: str, places: Sequence[Place], repository: Repository) -> list[tuple[Citation, str]]:
    """Where to look up the names that an answer sets in backticks: their definitions, else a place that has them."""
    sources: dict[Citation, str] = {}
    for name in code_names(text):
        found = _definition(name, text, places, repository) or _mention(name, places, repository)
        if found:
            sources.setdefault(*found)
    return list(sources.items())[:MAX_SOURCES]


def _definition(name: str, text: str, places: Sequence[Place], repository: Repository) -> tuple[Citation, str] | None:
    """The only definition of a name or, of several, the one in a file the answer or the places speak of."""
    shown = {place.path for place in places}
    found = [hit for hit in repository.search(name, 8) if hit.symbol.rpartition(".")[2] == name]
    likely = [hit for hit in found if hit.path in text] or [hit for hit in found if hit.path in shown]
    if len(found) != 1 and len({hit.path for hit in likely}) != 1:
        return None
    hit = (likely or found)[0]
    return Citation(hit.path, hit.start_line, hit.end_line), hit.symbol


def _mention(name: str, places: Sequence[Place], repository: Repository) -> tuple[Citation, str] | None:
    """The first of the places given for the question whose lines hold the name."""
    word = re.compile(rf"\b{re.escape(name)}\b")
    for place in places:
        lines = (repository.lines(place.path) or ())[place.start_line - 1 : place.end_line]
        if any(map(word.search, lines)):
            return Citation(place.path, place.start_line, place.end_line), place.symbol
    return None


def _as_list(sources: Sequence[tuple[Citation, str]]) -> str:
    lines = [f"- `{c.path}:{c.start_line}-{c.end_line}` {symbol}".rstrip() for c, symbol in sources]
    return "\n\nSee:\n\n" + "\n".join(lines) + "\n" if lines else ""


def _waiting(prefix: Prefix, to_read: int, speed: SpeedLog) -> Iterator[Notice]:
    if prefix.news:
        yield Notice(prefix.news)
    seconds = speed.seconds_for(to_read)
    if seconds is not None and seconds > 10:
        yield Notice(f"reading {to_read:,} tokens first, about {duration(seconds)}")


def _advice(state: ReadState, speed: SpeedLog) -> Notice:
    seconds = speed.seconds_for(state.missing)
    how_long = f" (about {duration(seconds)} at {speed.tokens_per_s:.0f} tokens/s)" if seconds else ""
    return Notice(
        f"this answer saw a map and excerpts; `copilot warm` reads {state.missing:,} tokens once{how_long}, "
        "then every answer sees them all"
    )
