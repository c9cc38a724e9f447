"""What a client may set, fully defaulted: from its JSON, whose mistakes cost the one option and are said.

Options come in camelCase or snake_case, in `initializationOptions` and as the section "copilot" of the configuration.
Does not know: how they are asked for, what they do.
"""

import difflib
import re
import types
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

SECTION = "copilot"


@dataclass(frozen=True, slots=True)
class CompletionSettings:
    """Suggestions while typing."""

    enabled: bool = True
    automatic: bool = True
    """Whether clients that ask on every keystroke are answered, or only users who ask themselves."""
    mode: Literal["auto", "inline", "list"] = "auto"
    """Ghost text, an entry of the completion list, or whichever the client can show; never both."""
    debounce_ms: int | None = None
    """A fixed wait before an automatic suggestion is begun; None = as this user types."""
    languages: tuple[str, ...] = ()
    """Language ids to complete in; none = all."""
    disabled_languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReviewSettings:
    """Findings about uncommitted changes."""

    enabled: bool = True
    run: Literal["save", "command"] = "save"
    """When: after a file is saved and when one is opened, or on command only."""
    severity: Literal["low", "medium", "high", "critical"] = "low"
    """The least severity to show."""
    disabled_rules: tuple[str, ...] = ()
    enabled_rules: tuple[str, ...] = ()
    model: bool = True
    """Whether a review on command asks the model as well; one after a save never does."""
    time_limit_s: float = 30.0


@dataclass(frozen=True, slots=True)
class AskSettings:
    think: bool = False
    """Whether a model that can think does so before it answers."""
    show: Literal["document", "message", "none"] = "document"
    """How the answers of code actions are shown, where the client can."""


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """Everything a client can set. The model's options stand above the user's own configuration file."""

    model: str | None = None
    """A model's name or the path of a GGUF file."""
    completion_model: str | None = None
    """The same for completion; None = the chat model."""
    context_tokens: int | None = None
    max_answer_tokens: int | None = None
    status_notifications: bool = True
    """Whether `copilot/status` is sent unasked."""
    completion: CompletionSettings = field(default_factory=CompletionSettings)
    review: ReviewSettings = field(default_factory=ReviewSettings)
    ask: AskSettings = field(default_factory=AskSettings)

    @property
    def flags(self) -> dict[str, object]:
        """What of it is for the App."""
        names = ("model", "completion_model", "context_tokens", "max_answer_tokens")
        return {name: value for name in names if (value := getattr(self, name)) is not None}


def settings_from(given: object) -> tuple[ClientSettings, tuple[str, ...]]:
    """Settings from what a client gave, and a line for each option that is wrong and left at its default.

    Options of other programs are none of ours: an unknown one is told only where it looks misspelt.
    """
    wrong: list[str] = []
    if _is_nothing(given):
        return ClientSettings(), ()
    if not isinstance(given, Mapping):
        return ClientSettings(), (f"{SECTION} takes an object with options, not {_short(given)}",)
    made = _structured(ClientSettings, _section(given), SECTION, wrong)
    assert isinstance(made, ClientSettings)
    return made, tuple(wrong)


def merged(base: object, over: object) -> object:
    """Options with others above them, option by option; null is no option. What is no object stands for itself."""
    if _is_nothing(over):
        return base
    if not (isinstance(base, Mapping) and isinstance(over, Mapping)):
        return over
    return _merged(_section(base), _section(over))


def _merged(base: Mapping[Any, Any], over: Mapping[Any, Any]) -> dict[Any, Any]:
    made = {_snake(str(key)): value for key, value in base.items()}
    for key, value in over.items():
        name = _snake(str(key))
        below = made.get(name)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            made[name] = _merged(below, value)
        elif isinstance(below, Mapping) and _is_nothing(value):
            continue
        elif value is not None:
            made[name] = value
    return made


def _is_nothing(given: object) -> bool:
    """Whether an object is left out: editors in Lua write one without options as an empty list."""
    return given is None or given == []


def _section(given: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """Our options, whether they are all there is or a section of it."""
    inner = given.get(SECTION)
    return inner if isinstance(inner, Mapping) else given


def _structured(wanted: Any, given: Mapping[Any, Any], where: str, wrong: list[str]) -> object:
    hints = get_type_hints(wanted)
    known = {field.name: hints[field.name] for field in fields(wanted)}
    values: dict[str, object] = {}
    for key, value in sorted(given.items(), key=lambda item: str(item[0])):
        name = _snake(str(key))
        if name not in known:
            near = difflib.get_close_matches(name, sorted(known), 1, cutoff=0.8)
            if near:
                wrong.append(f"{where}.{key} is no option; did you mean {where}.{_camel(near[0])}?")
            continue
        kind = known[name]
        place = f"{where}.{key}"
        if is_dataclass(kind):
            if isinstance(value, Mapping):
                values[name] = _structured(kind, value, place, wrong)
            elif not _is_nothing(value):
                wrong.append(f"{place} takes an object with options, not {_short(value)}")
            continue
        fitting, converted = _converted(kind, value)
        if fitting:
            values[name] = converted
        else:
            wrong.append(f"{place} is {_short(value)}; it takes {_expected(kind)}")
    return wanted(**values)


def _converted(kind: Any, value: Any) -> tuple[bool, Any]:
    """Whether a JSON value fits a field's type, and the value as that type."""
    origin, options = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if value is None:
            return True, None
        return _converted(next(each for each in options if each is not type(None)), value)
    if origin is Literal:
        return value in options, value
    if origin is tuple:
        fits = isinstance(value, (list, tuple)) and all(isinstance(each, str) for each in value)
        return fits, tuple(value) if fits else ()
    if kind is bool or isinstance(value, bool):
        return kind is bool and isinstance(value, bool), value
    if kind is int:
        return isinstance(value, int) and value >= 0, value
    if kind is float:
        return isinstance(value, (int, float)) and value >= 0, value
    return isinstance(value, str) and bool(value), value


def _expected(kind: Any) -> str:
    options = get_args(kind)
    if get_origin(kind) is Literal:
        return f"one of {', '.join(map(str, options))}"
    if get_origin(kind) in (Union, types.UnionType):
        return f"{_expected(options[0])} or null"
    if get_origin(kind) is tuple:
        return "a list of texts"
    return {bool: "true or false", int: "a number from 0", float: "a number from 0"}.get(kind, "a text")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}…"


def _snake(key: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda match: f"_{match[1].lower()}", key).replace("-", "_")


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.title() for word in rest)
