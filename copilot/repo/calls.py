"""Functions with the arguments they take, and calls with the arguments they give, where the syntax shows them.

Made for the question whether a call still fits a function. What cannot be told (a spread argument, a decorator that may
change what a function takes) is marked as open and fits everything. Does not know: types, other files, which function
a name means.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from copilot.repo.syntax import Node, SyntaxTree, ancestors, end_line_of, line_of
from copilot.repo.takes import Takes, takes_of

LANGUAGES = frozenset({"python", "javascript", "typescript", "tsx", "go", "rust", "java", "c", "cpp", "php"})


@dataclass(frozen=True, slots=True)
class Function:
    """One function with a body. Lines are 1-based and inclusive."""

    name: str
    scope: str
    """The type it belongs to, "" for none."""
    is_local: bool
    """Whether it is inside another function."""
    line: int
    end_line: int
    takes: Takes | None
    """None if that cannot be told."""
    signature_end: int
    """The last line of its head."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a name."""

    name: str
    receiver: str
    """What stands before the dot or arrow, "" for a bare name."""
    scope: str
    """The type in whose body it stands, "" for none."""
    line: int
    end_line: int
    positional: int
    keywords: frozenset[str]
    is_open: bool
    """Whether it may give more than what is counted."""


def fits(takes: Takes, call: Call) -> bool:
    """Tell whether a call gives what a function takes; an open call always does."""
    if call.is_open:
        return True
    if takes.most is not None and call.positional > takes.most:
        return False
    given_by_place = set(takes.names[: call.positional])
    by_name = call.keywords
    if takes.other_names is not None and not by_name <= set(takes.names) | takes.other_names:
        return False
    if by_name & given_by_place or not takes.required_names <= by_name:
        return False
    covered = call.positional + len(by_name & set(takes.names[call.positional : takes.least]))
    return covered >= takes.least


_SCOPES = frozenset(
    {
        "class_definition", "class_declaration", "class", "abstract_class_declaration", "interface_declaration",
        "enum_declaration", "record_declaration", "impl_item", "trait_item", "class_specifier", "struct_specifier",
        "trait_declaration", "object",
    }
)  # fmt: skip
_FUNCTIONS = frozenset(
    {
        "function_definition", "function_declaration", "generator_function_declaration", "method_definition",
        "method_declaration", "function_item", "constructor_declaration", "lambda", "arrow_function",
        "function_expression", "func_literal", "closure_expression", "lambda_expression",
    }
)  # fmt: skip
_CALLS = {
    "call": "function",
    "call_expression": "function",
    "new_expression": "constructor",
    "method_invocation": "name",
    "object_creation_expression": "type",
    "function_call_expression": "function",
    "member_call_expression": "name",
    "scoped_call_expression": "name",
}
_ARGUMENTS = frozenset({"argument_list", "arguments"})
_SPREADS = frozenset({"list_splat", "dictionary_splat", "spread_element", "variadic_argument", "variadic_unpacking"})
_TAKES_THE_SAME = frozenset(
    {
        "staticmethod", "classmethod", "abstractmethod", "abc.abstractmethod", "contextmanager", "asynccontextmanager",
        "contextlib.contextmanager", "contextlib.asynccontextmanager", "cache", "functools.cache", "lru_cache",
        "functools.lru_cache", "override", "typing.override", "final", "typing.final",
    }
)  # fmt: skip


def functions(tree: SyntaxTree, names: Iterable[str]) -> list[Function]:
    """The functions of these names in a text, by line."""
    found = [
        function for name in sorted(set(names)) for node in tree.occurrences(name) for function in _named(tree, node)
    ]
    return sorted(found, key=lambda function: (function.line, function.name))


def calls(tree: SyntaxTree, names: Iterable[str]) -> list[Call]:
    """The calls of these names in a text, by line."""
    found = [call for name in sorted(set(names)) for node in tree.occurrences(name) if (call := _call(tree, node))]
    return sorted(found, key=lambda call: (call.line, call.name))


def scope_of(tree: SyntaxTree, node: Node) -> str:
    """Name of the type in whose body a node stands, "" for none."""
    for around in ancestors(node):
        if around.type in _SCOPES:
            name = around.child_by_field_name("name") or around.child_by_field_name("type")
            return tree.text(name).partition("<")[0] if name else ""
        if around.type == "method_declaration" and (receiver := around.child_by_field_name("receiver")):
            return _receiver_type(tree, receiver)
    return ""


def _receiver_type(tree: SyntaxTree, receiver: Node) -> str:
    """The type in a Go receiver: `(s *Store[K])` is of Store."""
    return tree.text(receiver).strip("()").split()[-1].lstrip("*").partition("[")[0] if receiver.named_children else ""


def _named(tree: SyntaxTree, name: Node) -> Iterator[Function]:
    """The function that a leaf names, if it does."""
    node = name.parent
    if node is None:
        return
    if node.type == "function_declarator" and node.child_by_field_name("declarator") == name:
        parameters: Node | None = node.child_by_field_name("parameters")
        while node is not None and node.type in ("function_declarator", "pointer_declarator", "reference_declarator"):
            node = node.parent
        if node is None or node.type != "function_definition":
            return
    elif node.type == "variable_declarator" and node.child_by_field_name("name") == name:
        node = node.child_by_field_name("value")
        if node is None or node.type not in ("arrow_function", "function_expression"):
            return
        parameters = node.child_by_field_name("parameters")
    elif node.type in _FUNCTIONS and node.child_by_field_name("name") == name:
        parameters = node.child_by_field_name("parameters")
    else:
        return
    body = node.child_by_field_name("body")
    if body is None or parameters is None:
        return
    takes = takes_of(tree, parameters) if not node.has_error or not parameters.has_error else None
    is_local = any(around.type in _FUNCTIONS for around in ancestors(node))
    signature_end = max(line_of(name), end_line_of(parameters))
    if _may_change(tree, node):
        takes = None
    yield Function(
        tree.text(name), scope_of(tree, node), is_local, line_of(name), end_line_of(node), takes, signature_end
    )  # fmt: skip


def _may_change(tree: SyntaxTree, node: Node) -> bool:
    """Whether something around a function may make it take other arguments than it says."""
    around = node.parent
    if tree.language.name in ("javascript", "typescript", "tsx"):
        return b"arguments" in tree.source[node.start_byte : node.end_byte]
    if tree.language.name == "php":
        return b"func_get_args" in tree.source[node.start_byte : node.end_byte]
    if around is None or around.type != "decorated_definition":
        return False
    decorators = (child for child in around.named_children if child.type == "decorator")
    return any(tree.text(node).lstrip("@ ").partition("(")[0].strip() not in _TAKES_THE_SAME for node in decorators)


def _call(tree: SyntaxTree, name: Node) -> Call | None:
    """The call whose function a leaf names, if it does."""
    target = name
    around = name.parent
    receiver = ""
    if around is not None and around.type not in _CALLS:
        receiver_node = _receiver(around, name)
        if receiver_node is not None:
            receiver, target, around = tree.text(receiver_node), around, around.parent
        if around is not None and around.type == "generic_function":
            target, around = around, around.parent
    field = _CALLS.get(around.type) if around is not None else None
    if around is None or field is None:
        return None
    if field == "type" and tree.language.name == "php":
        is_target = around.named_children[:1] == [target]
    else:
        is_target = around.child_by_field_name(field) == target
    arguments = around.child_by_field_name("arguments") or next(
        (child for child in around.named_children if child.type in _ARGUMENTS), None
    )
    if not is_target or arguments is None:
        return None
    if owner := around.child_by_field_name("object") or around.child_by_field_name("scope"):
        receiver = tree.text(owner)
    positional, keywords, is_open = _given(tree, arguments)
    return Call(
        tree.text(name), receiver, scope_of(tree, around), line_of(name), end_line_of(around), positional, keywords,
        is_open or around.has_error,
    )  # fmt: skip


def _receiver(around: Node, name: Node) -> Node | None:
    """What a name is taken from: `a` in `a.name`, `a->name`, `A::name`."""
    for own, other in (("attribute", "object"), ("property", "object"), ("field", "operand"), ("field", "value"),
                       ("field", "argument"), ("name", "path"), ("name", "scope")):  # fmt: skip
        if around.child_by_field_name(own) == name:
            found = around.child_by_field_name(other)
            if found is not None:
                return found
    return None


def _given(tree: SyntaxTree, arguments: Node) -> tuple[int, frozenset[str], bool]:
    """Positional arguments, keywords, and whether there may be more."""
    if arguments.type == "generator_expression":
        return 1, frozenset(), False
    positional, keywords, is_open = 0, set(), False
    for child in arguments.named_children:
        if child.type in ("comment", "line_comment", "block_comment"):
            continue
        inner = child.named_children[0] if child.type == "argument" and child.named_children else child
        named = child.child_by_field_name("name") if child.type in ("keyword_argument", "argument") else None
        if child.type in _SPREADS or inner.type in _SPREADS or child.is_error or child.type.startswith("preproc"):
            is_open = True
        elif named is not None:
            keywords.add(tree.text(named))
        else:
            positional += 1
    only = arguments.named_children[0] if positional == 1 and arguments.named_children else None
    if tree.language.name == "go" and only is not None and only.type == "call_expression":
        is_open = True  # it may return several values, which then are the arguments
    if tree.language.name in ("c", "cpp") and any(
        "ARG" in name or "LIST" in name for name in _identifiers(tree, arguments)
    ):
        is_open = True  # a macro may stand for several arguments
    if tree.language.name == "php" and keywords:
        is_open = True
    return positional, frozenset(keywords), is_open


def _identifiers(tree: SyntaxTree, arguments: Node) -> Iterator[str]:
    return (tree.text(child) for child in arguments.named_children if child.type == "identifier")
