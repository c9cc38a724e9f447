"""The methods of a session as they are called over the wire: parameters in, events and a result out."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from copilot.engine.base import Cancel, Event, Session
from copilot.engine.requests import InfillRequest, Priority, Request, ScoreRequest
from copilot.host.wire import WireError, decode, decode_tokens, encode

Emit = Callable[[Event], None]
Parameters = Mapping[str, Any]


def _state(session: Session, params: Parameters, cancel: Cancel, emit: Emit) -> Any:
    return encode(session.state(decode_tokens(params.get("prefix"))))


def _stored(session: Session, params: Parameters, cancel: Cancel, emit: Emit) -> Any:
    return encode(session.stored(decode_tokens(params.get("prefix"))))


def _read(session: Session, params: Parameters, cancel: Cancel, emit: Emit) -> None:
    priority = params.get("priority")
    if priority not in list(Priority) or isinstance(priority, bool):
        raise WireError("priority does not fit")
    _stream(session.read(decode_tokens(params.get("prefix")), cancel, Priority(priority)), emit)


def _generate(session: Session, params: Parameters, cancel: Cancel, emit: Emit) -> None:
    _stream(session.generate(decode(Request, params.get("request")), cancel), emit)


def _infill(session: Session, params: Parameters, cancel: Cancel, emit: Emit) -> None:
    _stream(session.infill(decode(InfillRequest, params.get("request")), cancel), emit)


def _score(session: Session, params: Parameters, cancel: Cancel, emit: Emit) -> Any:
    return encode(session.score(decode(ScoreRequest, params.get("request")), cancel))


def _stream(events: Iterator[Event], emit: Emit) -> None:
    for event in events:
        emit(event)


METHODS: Mapping[str, Callable[[Session, Parameters, Cancel, Emit], Any]] = {
    "state": _state,
    "stored": _stored,
    "read": _read,
    "generate": _generate,
    "infill": _infill,
    "score": _score,
}
