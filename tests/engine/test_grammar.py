"""Text written under a schema's grammar is JSON that the schema allows."""

import functools
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copilot.engine.gguf import read_card
from copilot.engine.grammar import from_schema
from copilot.engine.llama import EngineParams, LlamaEngine
from copilot.engine.requests import Sampling
from copilot.engine.tokenizer import Tokenizer
from copilot.errors import SchemaError
from copilot.testing import Shape

MOST_TOKENS = 1500

Writer = Callable[[str, int], str]


@pytest.fixture(scope="module")
def write(tiny_model: Callable[[Shape], Path]) -> Iterator[Writer]:
    """What a model of noise writes under a grammar, for a seed."""
    path = tiny_model("qwen2")
    tokenizer = Tokenizer.from_card(read_card(path))
    engine = LlamaEngine(path, EngineParams(n_threads=1), MOST_TOKENS + 32)

    def written(grammar: str, seed: int) -> str:
        engine.drop(1)
        engine.decode(1, [20 + seed % 200], logits="last")
        sampler = engine.sampler(Sampling(grammar=grammar, temperature=1.0, top_k=40, seed=seed))
        pieces = b""
        for _ in range(MOST_TOKENS):
            token = sampler.sample()
            if token in tokenizer.eog:
                break
            pieces += tokenizer.piece(token)
            engine.decode(1, [token], logits="last")
        else:
            pytest.fail(f"no end after {pieces[:300]!r}")
        sampler.close()
        return pieces.decode("utf-8", "replace")

    yield written
    engine.close()


def allowed(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a schema of the kinds made here allows a value; properties in the schema's order."""
    if "anyOf" in schema:
        return any(allowed(value, option) for option in schema["anyOf"])
    if "const" in schema:
        return json.dumps(value) == json.dumps(schema["const"])
    if "enum" in schema:
        return json.dumps(value) in map(json.dumps, schema["enum"])
    kinds = schema["type"]
    return any(_is(value, kind, schema) for kind in ([kinds] if isinstance(kinds, str) else kinds))


def _is(value: Any, kind: str, schema: dict[str, Any]) -> bool:
    match kind:
        case "object":
            properties = schema.get("properties", {})
            return (
                isinstance(value, dict)
                and list(value) == [key for key in properties if key in value]
                and set(schema.get("required", [])) <= set(value)
                and all(allowed(value[key], properties[key]) for key in value)
            )
        case "array":
            return (
                isinstance(value, list)
                and schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", 10**6)
                and all(allowed(item, schema["items"]) for item in value)
            )
        case "string":
            # llama.cpp lets some overlong sequences pass; each of their bytes becomes a character of its own.
            return isinstance(value, str) and (
                "\ufffd" in value or schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 10**6)
            )
        case "integer":
            return type(value) is int and schema.get("minimum", value) <= value <= schema.get("maximum", value)
        case "number":
            return type(value) in (int, float)
        case "boolean":
            return type(value) is bool
    return value is None


def ranged(least: str, most: str, low: int, high: int) -> st.SearchStrategy[dict[str, Any]]:
    """Bounds under two names, the upper one always there, so that texts end."""
    return st.tuples(st.integers(low, high), st.integers(low, high), st.booleans()).map(
        lambda t: {most: max(t[:2])} | ({least: min(t[:2])} if t[2] else {})
    )


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.none() | st.booleans() | st.integers() | TEXTS | st.lists(TEXTS | st.integers(), max_size=2)
LEAVES: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.sampled_from([{"type": kind} for kind in ("boolean", "null", "integer", "number")]),
    st.just({"type": ["null", "integer"], "description": "either"}),
    ranged("minLength", "maxLength", 0, 12).map(lambda bounds: {"type": "string", **bounds}),
    ranged("minimum", "maximum", -12_000, 120_000).map(lambda bounds: {"type": "integer", **bounds}),
    st.integers(-200, 200).map(lambda n: {"type": "integer", "minimum": n}),
    st.integers(-200, 200).map(lambda n: {"type": "integer", "maximum": n}),
    st.lists(VALUES, min_size=1, max_size=4).map(lambda values: {"enum": values}),
    VALUES.map(lambda value: {"const": value}),
)


def nested(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    objects = st.dictionaries(TEXTS, inner, max_size=4).flatmap(
        lambda properties: (
            st.lists(st.sampled_from(sorted(properties)), unique=True).map(
                lambda required: {"type": "object", "properties": properties, "required": required}
            )
            if properties
            else st.just({"type": "object"})
        )
    )
    arrays = st.tuples(inner, ranged("minItems", "maxItems", 0, 3)).map(
        lambda t: {"type": "array", "items": t[0], **t[1]}
    )
    return st.one_of(objects, arrays, st.lists(inner, min_size=1, max_size=3).map(lambda some: {"anyOf": some}))


@given(st.recursive(LEAVES, nested, max_leaves=6), st.integers(0, 10_000))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_written_is_what_the_schema_allows(write: Writer, schema: dict[str, Any], seed: int) -> None:
    """Whatever the schema, noise under its grammar parses, validates, and is one line."""
    text = write(from_schema(schema), seed)
    assert allowed(json.loads(text), schema), text
    assert "\n" not in text


@given(st.integers(-3000, 3000), st.integers(0, 3000), st.integers(-9999, 9999))
@settings(max_examples=300, deadline=None)
def test_integer_bounds_are_exact(low: int, span: int, number: int) -> None:
    """A number is a text of the grammar if and only if it lies within the bounds."""
    grammar = from_schema({"type": "integer", "minimum": low, "maximum": low + span})
    pattern = grammar.split(" ::= ")[1].strip()
    assert _matches(pattern, str(number)) == (low <= number <= low + span), pattern
    assert _matches(pattern, str(low)) and _matches(pattern, str(low + span))


def _matches(pattern: str, text: str) -> bool:
    return re.fullmatch(pattern.replace('"', "").replace(" ", ""), text) is not None


def test_optional_properties_keep_their_commas(write: Writer) -> None:
    """All subsets of optional properties come out as JSON, none of them with a comma too many."""
    digit = {"type": "integer", "minimum": 0, "maximum": 9}
    schema = {"type": "object", "properties": dict.fromkeys("abc", digit), "required": ["b"]}
    seen = {tuple(json.loads(write(from_schema(schema), seed))) for seed in range(60)}
    assert seen == {("b",), ("a", "b"), ("b", "c"), ("a", "b", "c")}


def test_a_schema_makes_this_grammar() -> None:
    """The grammar of a finding, in full."""
    schema = {
        "type": "object",
        "properties": {"line": {"type": "integer", "minimum": 1, "maximum": 20}, "why": {"type": "string"}},
        "required": ["line", "why"],
    }
    assert from_schema(schema) == (
        'root ::= "{" root-0-pair root-1-more "}"\n'
        'ws ::= " "?\n'
        "char ::= [ !#-\\[\\]-~\\u00A0-\\uD7FF\\uE000-\\U0010FFFF]"
        ' | "\\\\" (["\\\\/bfnrt] | "u" ([0-9a-cA-CefEF] hex hex hex | [dD] [0-7] hex hex))\n'
        "hex ::= [0-9a-fA-F]\n"
        'root-1-pair ::= "\\"why\\"" ":" ws "\\"" char* "\\""\n'
        "root-1-first ::= root-1-pair\n"
        'root-1-more ::= "," ws root-1-pair\n'
        'root-0-pair ::= "\\"line\\"" ":" ws ([1-9] | "1" [0-9] | "2" [0-0])\n'
    )


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "string", "pattern": "a+"},
        {"$ref": "#/definitions/x"},
        {"type": "array"},
        {"type": "array", "items": {"type": "null"}, "minItems": 3, "maxItems": 2},
        {"type": "integer", "minimum": 0.5},
        {"type": "integer", "minimum": 5, "maximum": 4},
        {"type": "number", "minimum": 0},
        {"type": "thing"},
        {"type": []},
        {"enum": []},
        {"const": float("nan")},
        {"type": "string", "maxLength": 10**6},
        {"type": "object", "properties": {}, "required": ["a"]},
        {"type": "object", "properties": {"a": 5}},
        {"type": ["string", "array"], "maxLength": 3},
        {"type": [["string"]]},
        {"type": [{}]},
        {"enum": {"a": 1}},
        {"const": "\ud800"},
        {"type": "integer", "maximum": 10**4000},
        {"type": "integer", "minimum": True},
        {"type": "object", "properties": [], "required": []},
        {"type": "object", "properties": {"a": {"type": "null"}}, "required": "a"},
        {"type": "object", "properties": {"a": {"type": "null"}}, "required": 3},
        {"type": "object", "properties": {"a": {"type": "null"}}, "required": [["a"]]},
        {"type": "object", "properties": {1: {"type": "null"}}},
        functools.reduce(lambda inner, _: {"anyOf": [inner]}, range(5000), {"type": "null"}),
        {"const": functools.reduce(lambda inner, _: [inner], range(5000), [])},
    ],
)
def test_what_no_grammar_can_keep_is_refused(schema: dict[str, Any]) -> None:
    """Nothing of a schema is ignored: it is kept, or the schema is refused in one line, however it is malformed."""
    with pytest.raises(SchemaError, match="schema"):
        from_schema(schema)
