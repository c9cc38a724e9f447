"""Where a value comes from inside one function, as far as the syntax shows it.

Follows local names through their assignments, and text through concatenation, interpolation and formatting. Does not
know: types, other functions, what the value is used for.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from copilot.repo.syntax import Node, SyntaxTree, ancestors
from copilot.review.called import Called, called

_MOST_STEPS = 6
HOLE = "\N{OBJECT REPLACEMENT CHARACTER}"
"""Stands in literal text for a part that is not constant."""


class Origin(IntEnum):
    """How far a value is from being written in the code, ascending."""

    CONSTANT = 0
    UNKNOWN = 1
    PARAMETER = 2
    INPUT = 3


@dataclass(frozen=True, slots=True)
class Flow:
    """What is known of one value."""

    origin: Origin
    literal: str = ""
    """The constant text in it, with a `HOLE` for each other part."""
    is_built: bool = False
    """Whether text was put together from parts that are not all constant."""
    trail: str = ""
    """Where the part that is not constant comes from, in words."""


_CONSTANT = Flow(Origin.CONSTANT)
_LITERAL_TYPES = frozenset(
    {
        "integer", "float", "true", "false", "none", "number", "null", "undefined", "int_literal", "float_literal",
        "nil", "decimal_integer_literal", "hex_integer_literal", "number_literal", "character_literal",
        "char_literal", "boolean", "boolean_literal", "null_literal", "rune_literal", "integer_literal", "regex",
        "sizeof_expression", "simple_symbol", "class_literal",
    }
)  # fmt: skip
_STRING_TYPES = frozenset(
    {
        "string", "template_string", "interpreted_string_literal", "raw_string_literal", "string_literal",
        "encapsed_string", "shell_command_expression", "subshell", "text_block", "interpolated_string_expression",
        "heredoc", "heredoc_body", "verbatim_string_literal",
    }
)  # fmt: skip
_PIECES = re.compile(r"(?:.*_)?(?:content|fragment|start|end|sequence|text)$")
_JOINING = frozenset(
    {
        "binary_operator", "binary_expression", "binary", "concatenated_string", "parenthesized_expression",
        "conditional_expression", "ternary_expression", "list", "tuple", "array", "array_creation_expression",
        "expression_list", "argument", "await", "await_expression", "boolean_operator", "interpolation",
        "template_substitution", "as_expression", "non_null_expression", "cast_expression", "reference_expression",
        "unary_expression", "slice", "keyword_argument",
    }
)  # fmt: skip
_INPUT = re.compile(
    r"(?:\b(?:flask\.)?(?:request|req|ctx|context)\.(?:args|form|values|GET|POST|json|data|cookies|headers|files|params"
    r"|query|body|FILES|COOKIES|query_params|get_json|getParameter|getHeader|FormValue|URL\.Query)\b"
    r"|\bsys\.argv\b|\bprocess\.argv\b|\$_(?:GET|POST|REQUEST|COOKIE|FILES)\b|\bos\.Args\b|\bparams\[|\br\.FormValue\b"
    r"|\br\.URL\.Query\b|\b(?:raw_)?input\()"
)
_FORMATS = frozenset({"format", "Sprintf", "sprintf", "join", "concat", "Format", "vsprintf", "Join", "formatted"})
_HARMLESS = frozenset(
    {
        "quote", "quotes", "escapeshellarg", "escapeshellcmd", "shellescape", "int", "float", "len", "bool", "Number",
        "parseInt", "parseFloat", "Itoa", "intval", "absint", "quote_name", "quote_ident", "quote_identifier",
        "quoteIdentifier", "quoteId", "escapeId", "real_escape_string", "mysqli_real_escape_string", "esc_sql",
        "escape_string", "escape", "secure_filename", "basename", "placeholders", "list2cmdline",
        "conditional_escape", "format_html", "escapeHtml", "htmlspecialchars", "htmlentities", "repr", "Identifier",
        "safe_join", "is_safe", "column_name", "round", "abs", "hash", "hexdigest", "id", "getpid",
    }
)  # fmt: skip
_SAME = frozenset(
    {
        "str", "String", "strip", "lstrip", "rstrip", "lower", "upper", "decode", "encode", "toString", "trim", "bytes",
        "unquote", "urldecode", "replace", "get", "getlist", "read", "getvalue", "TrimSpace", "fsencode", "fsdecode",
        "decodeURIComponent", "dedent", "get_json", "FormValue", "Get", "getParameter", "pop", "format_map",
    }
)  # fmt: skip
_PARAMETERS = frozenset(
    {"parameters", "formal_parameters", "parameter_list", "method_parameters", "lambda_parameters", "block_parameters"}
)
_SCOPES = frozenset(
    {
        "function_definition", "function_declaration", "method_definition", "method_declaration", "function_item",
        "constructor_declaration", "arrow_function", "function_expression", "func_literal", "lambda", "method",
        "generator_function_declaration", "closure_expression", "lambda_expression", "singleton_method",
    }
)  # fmt: skip
_ASSIGNMENTS = {
    "assignment": ("left", "right"),
    "augmented_assignment": ("left", "right"),
    "assignment_expression": ("left", "right"),
    "augmented_assignment_expression": ("left", "right"),
    "variable_declarator": ("name", "value"),
    "short_var_declaration": ("left", "right"),
    "assignment_statement": ("left", "right"),
    "var_spec": ("name", "value"),
    "const_spec": ("name", "value"),
    "init_declarator": ("declarator", "value"),
    "let_declaration": ("pattern", "value"),
    "named_expression": ("name", "value"),
    "operator_assignment": ("left", "right"),
}


def flow(tree: SyntaxTree, node: Node, steps: int = _MOST_STEPS) -> Flow:
    """Where the value of an expression comes from; what cannot be followed is unknown."""
    kind = node.type
    if kind in _LITERAL_TYPES:
        return _CONSTANT
    if kind in _STRING_TYPES:
        return _string(tree, node, steps)
    if _INPUT.match(tree.text(node)[:200]):
        return Flow(Origin.INPUT, HOLE, False, f"`{tree.text(node)[:60]}`")
    if kind in ("identifier", "variable_name", "simple_identifier"):
        return _name(tree, node, steps)
    if kind in _JOINING:
        joined = _joined([flow(tree, child, steps) for child in node.named_children if child.type != "comment"])
        is_text = kind in ("binary_operator", "binary_expression", "binary", "concatenated_string")
        built = joined.is_built or (is_text and bool(joined.literal.strip(HOLE)) and joined.origin > Origin.CONSTANT)
        return Flow(joined.origin, joined.literal, built, joined.trail)
    call = called(tree, node)
    if call is not None:
        return _call(tree, call, steps)
    if kind in ("attribute", "member_expression", "selector_expression", "field_expression", "field_access"):
        last = tree.text(node).rpartition(".")[2]
        return _CONSTANT if last.isupper() else Flow(Origin.UNKNOWN, HOLE, False, f"`{tree.text(node)[:60]}`")
    if kind in ("subscript", "subscript_expression", "index_expression", "element_reference"):
        base = flow(tree, node.named_children[0], steps - 1) if node.named_children and steps else None
        if base is not None and base.origin is Origin.INPUT:
            return base
    return Flow(Origin.UNKNOWN, HOLE, False, f"`{' '.join(tree.text(node)[:60].split())}`")


def _joined(flows: list[Flow]) -> Flow:
    most = max(flows, key=lambda each: each.origin, default=_CONSTANT)
    literal = "".join(each.literal for each in flows)
    return Flow(most.origin, literal, any(each.is_built for each in flows), most.trail)


def _string(tree: SyntaxTree, node: Node, steps: int) -> Flow:
    """A string literal with what is interpolated into it."""
    parts: list[Flow] = []
    start = node.start_byte
    for child in node.named_children:
        if _PIECES.match(child.type):
            continue
        parts.append(Flow(Origin.CONSTANT, tree.source[start : child.start_byte].decode("utf-8", "replace")))
        start = child.end_byte
        inner = child.named_children[0] if child.type in ("interpolation", "template_substitution") else child
        value = flow(tree, inner, steps - 1) if steps else Flow(Origin.UNKNOWN, HOLE)
        parts.append(Flow(value.origin, value.literal or HOLE, False, value.trail))
    parts.append(Flow(Origin.CONSTANT, tree.source[start : node.end_byte].decode("utf-8", "replace")))
    joined = _joined(parts)
    return Flow(joined.origin, joined.literal, joined.origin > Origin.CONSTANT, joined.trail)


def _call(tree: SyntaxTree, call: Called, steps: int) -> Flow:
    if not steps or call.name in _HARMLESS or "escape" in call.name.lower() or "quote" in call.name.lower():
        return _CONSTANT if steps else Flow(Origin.UNKNOWN, HOLE)
    values = [*call.arguments, *call.keywords.values()]
    if call.name in _FORMATS:
        owner = [flow(tree, call.owner, steps - 1)] if call.owner is not None else []
        joined = _joined([*owner, *(flow(tree, value, steps - 1) for value in values)])
        return Flow(joined.origin, joined.literal, joined.origin > Origin.CONSTANT, joined.trail)
    if call.name in _SAME:
        inner = call.owner if call.owner is not None and call.name not in ("str", "String", "bytes") else None
        sources = [inner] if inner is not None else values[:1]
        return _joined([flow(tree, source, steps - 1) for source in sources])
    return Flow(Origin.UNKNOWN, HOLE, False, f"`{call.callee[:60]}()`")


def _name(tree: SyntaxTree, node: Node, steps: int) -> Flow:
    name = tree.text(node)
    if name.lstrip("$_").isupper():
        return _CONSTANT
    if not steps:
        return Flow(Origin.UNKNOWN, HOLE, False, f"`{name}`")
    scope = next((around for around in ancestors(node) if around.type in _SCOPES), tree.root)
    values = [value for at, value in _assigned(tree, scope, name) if at < node.start_byte]
    if values:
        joined = _joined([flow(tree, value, steps - 1) for value in values])
        is_whole = any(value.type not in _LITERAL_TYPES for value in values)
        return Flow(joined.origin, joined.literal if is_whole else HOLE, joined.is_built, joined.trail or f"`{name}`")
    if scope is not tree.root and _is_parameter(tree, scope, name):
        return Flow(Origin.PARAMETER, HOLE, False, f"parameter `{name}`")
    if scope is not tree.root:
        values = [value for _, value in _assigned(tree, tree.root, name) if _is_top(value)]
        if values and all(flow(tree, value, steps - 1).origin is Origin.CONSTANT for value in values):
            return _CONSTANT
    return Flow(Origin.UNKNOWN, HOLE, False, f"`{name}`")


def _is_top(node: Node) -> bool:
    return not any(around.type in _SCOPES for around in ancestors(node))


def _is_parameter(tree: SyntaxTree, scope: Node, name: str) -> bool:
    """Tell whether a function takes a parameter of this name."""
    for node in tree.occurrences(name.lstrip("$")):
        if scope.start_byte <= node.start_byte < scope.end_byte:
            for around in ancestors(node):
                if around == scope:
                    break
                if around.type in _PARAMETERS:
                    return next((outer for outer in ancestors(around) if outer.type in _SCOPES), None) == scope
    return False


def _assigned(tree: SyntaxTree, scope: Node, name: str) -> Iterator[tuple[int, Node]]:
    """Where a name gets a value inside a node, and the value."""
    for node in tree.occurrences(name.lstrip("$")):
        if not scope.start_byte <= node.start_byte < scope.end_byte:
            continue
        target = node
        for around in ancestors(node):
            fields = _ASSIGNMENTS.get(around.type)
            if fields is not None:
                value = around.child_by_field_name(fields[1])
                if value is not None and around.child_by_field_name(fields[0]) == target:
                    yield node.start_byte, value
                break
            if around.type not in ("variable_name", "expression_list", "pointer_declarator", "array_declarator"):
                break
            target = around


def described(value: Flow) -> str:
    """The trail of a flow, for a message."""
    return {
        Origin.INPUT: f"what comes in from outside ({value.trail})",
        Origin.PARAMETER: value.trail,
    }.get(value.origin, value.trail or "a variable")
