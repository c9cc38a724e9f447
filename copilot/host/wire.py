"""Values of the engine's seam as JSON and back; token ids travel as base64 of little-endian 32-bit numbers.

Knows neither sockets nor what the values are for. What comes from outside is checked against the dataclasses' own
annotations: anything that does not fit is a WireError.
"""

import base64
import sys
import types
from array import array
from collections import abc
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import IntEnum
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from copilot.engine.base import Event
from copilot.errors import CopilotError, EngineError
from copilot.events import Done, Progress, Text

Value = TypeVar("Value")

_EVENTS: Mapping[str, type[Event]] = {"progress": Progress, "text": Text, "done": Done}
_TAGS = {kind: tag for tag, kind in _EVENTS.items()}
FAILED = "unexpected"
"""The code of an error that is no CopilotError; its message never leaves the host."""


class WireError(ValueError):
    """What arrived is not what it should be."""


def encode_tokens(tokens: Sequence[int]) -> str:
    packed = array("I", tokens)
    if sys.byteorder == "big":
        packed.byteswap()
    return base64.b64encode(packed.tobytes()).decode("ascii")


def decode_tokens(text: object) -> tuple[int, ...]:
    if not isinstance(text, str):
        raise WireError("token ids are not text")
    packed = array("I")
    try:
        packed.frombytes(base64.b64decode(text, validate=True))
    except ValueError as exc:  # binascii.Error is one
        raise WireError("token ids are no base64 of 32-bit numbers") from exc
    if sys.byteorder == "big":
        packed.byteswap()
    return tuple(packed)


def encode(value: object) -> Any:
    """A dataclass as an object, a tuple as a list, the rest as it is."""
    if is_dataclass(value) and not isinstance(value, type):
        tokens = _token_fields(type(value))
        return {
            field.name: (encode_tokens if field.name in tokens else encode)(getattr(value, field.name))
            for field in fields(value)
        }
    if isinstance(value, tuple):
        return [encode(item) for item in value]
    return int(value) if isinstance(value, IntEnum) else value


def decode(kind: type[Value], value: object) -> Value:
    """A dataclass of that kind from an object; fields with a default may be missing."""
    if not isinstance(value, dict):
        raise WireError(f"{kind.__name__} is no object")
    hints = _hints(kind)  # type: ignore[arg-type]  # a class is hashable
    if unknown := sorted(map(str, value.keys() - hints.keys())):
        raise WireError(f"{kind.__name__} has no {unknown[0]!r}")
    decoded = {name: _decode(hints[name], item, name) for name, item in value.items()}
    try:
        return kind(**decoded)
    except TypeError as exc:
        raise WireError(f"{kind.__name__} lacks a field") from exc


def encode_event(event: Event) -> dict[str, Any]:
    return {"event": _TAGS[type(event)], **encode(event)}


def decode_event(value: object) -> Event:
    tag = value.get("event") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(tag, str) or tag not in _EVENTS:
        raise WireError("no event")
    return decode(_EVENTS[tag], {name: item for name, item in value.items() if name != "event"})


def encode_error(error: BaseException) -> dict[str, Any]:
    """Only errors meant for users are told; others could hold anything."""
    if isinstance(error, CopilotError):
        return {"code": error.code, "message": str(error)}
    return {"code": FAILED, "message": type(error).__name__}


def decode_error(value: object) -> CopilotError:
    """The error as its class, found by its code."""
    code, message = (value.get("code"), value.get("message")) if isinstance(value, dict) else (None, None)
    if not isinstance(message, str) or not isinstance(code, str) or code not in _errors():
        return EngineError(f"the engine's process failed ({message}); `copilot host log` tells where")
    return _errors()[code](message)


@cache
def _errors() -> Mapping[str, type[CopilotError]]:
    known, kinds = [CopilotError], {}
    while known:
        kind = known.pop()
        kinds[kind.code] = kind
        known.extend(kind.__subclasses__())
    return kinds


@cache
def _hints(kind: Any) -> Mapping[str, Any]:
    return get_type_hints(kind)


@cache
def _token_fields(kind: Any) -> frozenset[str]:
    return frozenset(name for name, hint in _hints(kind).items() if get_origin(hint) is abc.Sequence)


def _decode(hint: Any, value: object, name: str) -> Any:
    """`value` as what the annotation says; WireError names the field."""
    origin, options = get_origin(hint), get_args(hint)
    if origin is abc.Sequence:
        return decode_tokens(value)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in options:
            return None
        return _decode(next(option for option in options if option is not type(None)), value, name)
    if origin is tuple and isinstance(value, list):
        kinds = [options[0]] * len(value) if options[-1] is Ellipsis else list(options)
        if len(kinds) == len(value):
            return tuple(_decode(kind, item, name) for kind, item in zip(kinds, value, strict=True))
    if origin is Literal and isinstance(value, str) and value in options:
        return value
    if isinstance(hint, type):
        return _decode_plain(hint, value, name)
    raise WireError(f"{name} does not fit")


def _decode_plain(kind: type, value: object, name: str) -> Any:
    if is_dataclass(kind):
        return decode(kind, value)
    if issubclass(kind, IntEnum) and type(value) is int and value in list(kind):
        return kind(value)
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if kind in (int, str, bool) and type(value) is kind:
        return value
    raise WireError(f"{name} does not fit")


__all__ = [
    "WireError",
    "decode",
    "decode_error",
    "decode_event",
    "decode_tokens",
    "encode",
    "encode_error",
    "encode_event",
    "encode_tokens",
]
