"""From a JSON schema to a grammar (GBNF) whose texts are exactly one line of JSON that the schema allows.

Knows nothing of models. White space is at most one blank after a comma or colon, so that no model writes it forever.
Of JSON Schema it knows what `_KNOWN` lists; anything else is refused rather than ignored.
GBNF: llama.cpp grammars/README.md.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from copilot.errors import SchemaError

MOST_REPETITIONS = 2000
"""llama.cpp refuses longer ones."""
UNBOUNDED_DIGITS = 15
"""Digits of a number without bounds, few enough to survive as a double."""

_KNOWN: dict[str, frozenset[str]] = {
    "object": frozenset({"properties", "required", "additionalProperties"}),
    "array": frozenset({"items", "minItems", "maxItems"}),
    "string": frozenset({"minLength", "maxLength"}),
    "integer": frozenset({"minimum", "maximum"}),
    "number": frozenset(),
    "boolean": frozenset(),
    "null": frozenset(),
}
_ANNOTATIONS = frozenset({"$schema", "title", "description", "default", "examples"})

_SHARED = {
    "ws": '" "?',
    # Ranges, for llama.cpp takes bytes that are no UTF-8 for characters beyond the last one. Escaped surrogates are
    # left out: alone they are no characters, and in pairs they would count twice.
    "char": (
        r"[ !#-\[\]-~\u00A0-\uD7FF\uE000-\U0010FFFF]"
        r' | "\\" (["\\/bfnrt] | "u" ([0-9a-cA-CefEF] hex hex hex | [dD] [0-7] hex hex))'
    ),
    "hex": "[0-9a-fA-F]",
    "natural": f'"0" | [1-9] [0-9]{{0,{UNBOUNDED_DIGITS - 1}}}',
    "boolean": '"true" | "false"',
    "null": '"null"',
}


def from_schema(schema: Mapping[str, Any]) -> str:
    """The grammar of a schema, its start rule `root`; properties come in the order given.

    Raises SchemaError for what is not known, malformed, or nested too deeply.
    """
    writer = _Writer()
    try:
        root = writer.value(schema, "root")
    except RecursionError:
        _refuse("it is nested too deeply")
    rules = {"root": root} if root != "root" else {}
    used = rules | writer.rules
    return "".join(f"{name} ::= {body}\n" for name, body in used.items())


class _Writer:
    """Collects the rules of one grammar."""

    def __init__(self) -> None:
        self.rules: dict[str, str] = {}

    def value(self, schema: Any, name: str) -> str:
        """A GBNF expression, safe to stand in a sequence, for the values of a schema; `name` is for rules it needs."""
        if not isinstance(schema, Mapping):
            _refuse(f"{schema!r:.80} is no schema")
        schema = {key: value for key, value in schema.items() if key not in _ANNOTATIONS}
        if "anyOf" in schema:
            _only(schema, {"anyOf"})
            options = _list(schema, "anyOf")
            return _either([self.value(option, f"{name}-{i}") for i, option in enumerate(options)])
        if "const" in schema or "enum" in schema:
            _only(schema, {"const", "enum", "type"})
            return _either(
                [_json(value) for value in ([schema["const"]] if "const" in schema else _list(schema, "enum"))]
            )
        kinds = schema.get("type")
        if isinstance(kinds, str):
            return self._typed(kinds, schema, name)
        if isinstance(kinds, Sequence) and kinds:
            known = {"type"}.union(*(_KNOWN.get(str(kind), frozenset()) for kind in kinds))
            _only(schema, known)
            return _either([self._typed(kind, _of_kind(schema, kind), f"{name}-{kind}") for kind in kinds])
        _refuse(f"a schema needs type, enum, const or anyOf, not {', '.join(map(str, schema)) or 'nothing'}")

    def _typed(self, kind: Any, schema: Mapping[str, Any], name: str) -> str:
        if not isinstance(kind, str) or kind not in _KNOWN:
            _refuse(f"{kind!r:.80} is no type")
        _only(schema, _KNOWN[kind] | {"type"})
        make: dict[str, Callable[[], str]] = {
            "object": lambda: self._object(schema, name),
            "array": lambda: self._array(schema, name),
            "string": lambda: rf'"\"" {self._shared("char")}{_bounds(schema, "minLength", "maxLength")} "\""',
            "integer": lambda: self._integer(schema),
            "number": lambda: f'"-"? {self._shared("natural")} ("." [0-9]{{1,{UNBOUNDED_DIGITS}}})?',
        }
        return make[kind]() if kind in make else self._shared(kind)

    def _shared(self, name: str) -> str:
        if name not in self.rules:
            self.rules[name] = _SHARED[name]
            for other in _SHARED.keys() - {name}:
                if other in _SHARED[name].replace('"', " ").split():
                    self._shared(other)
        return name

    def _rule(self, name: str, body: str) -> str:
        free, i = name, 1
        while free in self.rules or free in _SHARED:
            i += 1
            free = f"{name}-{i}"
        self.rules[free] = body
        return free

    def _object(self, schema: Mapping[str, Any], name: str) -> str:
        properties, required = schema.get("properties", {}), schema.get("required", [])
        if not isinstance(properties, Mapping) or not all(isinstance(key, str) for key in properties):
            _refuse("properties must be schemas by name")
        if not isinstance(required, list | tuple) or not all(key in list(properties) for key in required):
            _refuse(f"required properties {required!r:.80} are not all among the properties")
        ws = self._shared("ws")
        # after[opened]: what may follow, and whether a comma comes before the next pair.
        after = {False: "", True: ""}
        for i, (key, value) in reversed(list(enumerate(properties.items()))):
            pair = f'{_json(key)} ":" {ws} {self.value(value, _named(name, i))}'
            pair = self._rule(_named(name, i, "pair"), pair)
            taken = {opened: " ".join(filter(None, (f'"," {ws}' * opened, pair, after[True]))) for opened in after}
            if key not in required:
                taken = {opened: _either([taken[opened], after[opened] or '""']) for opened in after}
            if i:
                taken = {o: self._rule(_named(name, i, "more" if o else "first"), taken[o]) for o in after}
            after = taken
        return " ".join(filter(None, ('"{"', after[False], '"}"')))

    def _array(self, schema: Mapping[str, Any], name: str) -> str:
        if "items" not in schema:
            _refuse("an array needs items")
        low, high = _range(schema, "minItems", "maxItems")
        if high == 0:
            return '"[" "]"'
        ws, item = self._shared("ws"), self._rule(f"{name}-item", self.value(schema["items"], f"{name}-item"))
        more = f'("," {ws} {item}){_repeated(max(0, low - 1), None if high is None else high - 1)}'
        return f'"[" {item} {more} "]"' if low else f'"[" ({item} {more})? "]"'

    def _integer(self, schema: Mapping[str, Any]) -> str:
        low, high = schema.get("minimum"), schema.get("maximum")
        most = 10**UNBOUNDED_DIGITS - 1
        if not all(bound is None or (_is_integer(bound) and abs(bound) <= most) for bound in (low, high)):
            _refuse(f"the bounds of an integer must be integers of at most {UNBOUNDED_DIGITS} digits")
        if low is None and high is None:
            return f'"-"? {self._shared("natural")}'
        low = -most if low is None else low
        high = most if high is None else high
        if low > high:
            _refuse(f"no integer lies between {low} and {high}")
        options = []
        if low < 0:
            options += [f'"-" {digits}' for digits in _numerals(max(1, -high), -low)]
        if high >= 0:
            options += _numerals(max(0, low), high)
        return _either(options)


def _numerals(low: int, high: int) -> list[str]:
    """Alternatives whose texts are the numbers from `low` to `high`, neither negative, without leading zeros."""
    out = []
    for n_digits in range(len(str(low)), len(str(high)) + 1):
        least = 10 ** (n_digits - 1) if n_digits > 1 else 0
        out += _digits(str(max(low, least)), str(min(high, 10**n_digits - 1)))
    return out


def _digits(low: str, high: str) -> list[str]:
    """Alternatives for the numerals from `low` to `high`, both of one length."""
    n = len(low) - 1
    if n == 0 or (set(low[1:]) == {"0"} and set(high[1:]) == {"9"}):
        return [f"[{low[0]}-{high[0]}]" + (f" [0-9]{{{n}}}" if n else "")]
    if low[0] == high[0]:
        return [f'"{low[0]}" {rest}' for rest in _digits(low[1:], high[1:])]
    middle = (str(int(low[0]) + 1), str(int(high[0]) - 1))
    out = [f'"{low[0]}" {rest}' for rest in _digits(low[1:], "9" * n)]
    if middle[0] <= middle[1]:
        out.append(f"[{middle[0]}-{middle[1]}] [0-9]{{{n}}}")
    return out + [f'"{high[0]}" {rest}' for rest in _digits("0" * n, high[1:])]


def _json(value: Any) -> str:
    """A GBNF literal of a value's JSON text."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (TypeError, ValueError):  # half of a surrogate pair is no text, either
        _refuse(f"{value!r:.80} is no JSON value")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _either(options: Sequence[str]) -> str:
    return options[0] if len(options) == 1 else f"({' | '.join(options)})"


def _named(name: str, index: int, part: str = "") -> str:
    return "-".join(filter(None, (name, str(index), part)))


def _bounds(schema: Mapping[str, Any], least: str, most: str) -> str:
    return _repeated(*_range(schema, least, most))


def _range(schema: Mapping[str, Any], least: str, most: str) -> tuple[int, int | None]:
    low, high = schema.get(least, 0), schema.get(most)
    for bound in (low, *([] if high is None else [high])):
        if not _is_integer(bound) or not 0 <= bound <= MOST_REPETITIONS:
            _refuse(f"{least} and {most} must be whole numbers up to {MOST_REPETITIONS}")
    if high is not None and low > high:
        _refuse(f"{least} is above {most}")
    return low, high


def _repeated(low: int, high: int | None) -> str:
    if high is None:
        return "*" if low == 0 else f"{{{low},}}"
    return f"{{{low},{high}}}"


def _of_kind(schema: Mapping[str, Any], kind: Any) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key in _KNOWN.get(str(kind), ()) or key == "type"}


def _list(schema: Mapping[str, Any], key: str) -> Sequence[Any]:
    values = schema[key]
    if not isinstance(values, Sequence) or isinstance(values, str) or not values:
        _refuse(f"{key} needs at least one value")
    return values


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _only(schema: Mapping[str, Any], known: set[str] | frozenset[str]) -> None:
    unknown = sorted(str(key) for key in schema if key not in known)
    if unknown:
        _refuse(f"{', '.join(unknown)} cannot be asked for here")


def _refuse(reason: str) -> NoReturn:
    raise SchemaError(f"no grammar can be made of the schema: {reason}. Change the schema.")
