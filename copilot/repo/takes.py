"""What a function can be called with, as its head says it in each language.

Does not know: calls, names, types.
"""

from dataclasses import dataclass

from copilot.repo.syntax import Node, SyntaxTree


@dataclass(frozen=True, slots=True)
class Takes:
    """What a function can be called with; `self` and receivers do not count."""

    least: int
    """Arguments without a default."""
    most: int | None
    """Positional arguments at most, None for any number."""
    names: tuple[str, ...] = ()
    """Parameters in order that may be given by position, where the language lets a caller name them too."""
    required_names: frozenset[str] = frozenset()
    """Parameters that must be given by name."""
    other_names: frozenset[str] | None = frozenset()
    """Parameters that may be given by name only; None if any name goes."""


def takes_of(tree: SyntaxTree, parameters: Node) -> Takes | None:
    """What the parameters of a function take; None if that cannot be told."""
    children = [
        child for child in parameters.named_children if child.type not in ("comment", "line_comment", "block_comment")
    ]
    if any(child.type.startswith("preproc") or child.is_error for child in children):
        return None
    match tree.language.name:
        case "python":
            return _takes_python(tree, parameters, children)
        case "c" | "cpp":
            return _takes_c(tree, children)
        case "go":
            return _takes_go(children)
        case "javascript" | "typescript" | "tsx":
            return _takes_ecmascript(tree, children)
        case "rust":
            if any(child.type == "variadic_parameter" for child in children):
                return None
            count = sum(child.type == "parameter" for child in children)
            return Takes(count, count)
        case "java":
            return _takes_counted(children, "formal_parameter", "spread_parameter", "")
        case "php":
            promoted = [child for child in children if child.type == "property_promotion_parameter"]
            takes = _takes_counted(children, "simple_parameter", "variadic_parameter", "default_value")
            required = sum(child.child_by_field_name("default_value") is None for child in promoted)
            return Takes(takes.least + required, None, other_names=None)  # what is too much is passed over
    return None


def _takes_counted(children: list[Node], plain: str, rest: str, default: str) -> Takes:
    """For languages whose parameters are one node each."""
    plains = [child for child in children if child.type == plain]
    required = [child for child in plains if not default or child.child_by_field_name(default) is None]
    return Takes(len(required), None if any(child.type == rest for child in children) else len(plains))


def _takes_python(tree: SyntaxTree, parameters: Node, children: list[Node]) -> Takes:
    names: list[str] = []
    least, most, positional_only, has_rest, any_name = 0, 0, 0, False, False
    required: set[str] = set()
    optional: set[str] = set()
    for child in children:
        inner = child.named_children[0] if child.type == "typed_parameter" else child
        is_optional = child.type in ("default_parameter", "typed_default_parameter")
        name = tree.text(child.child_by_field_name("name") or inner)
        if inner.type == "list_splat_pattern" or child.type == "keyword_separator":
            has_rest = True
            most = -1 if inner.type == "list_splat_pattern" else most
        elif inner.type == "dictionary_splat_pattern":
            any_name = True
        elif child.type == "positional_separator":
            positional_only = len(names)
        elif has_rest:
            (optional if is_optional else required).add(name)
        else:
            names.append(name)
            least, most = least + (not is_optional), most + 1
    if _is_bound(tree, parameters) and names:
        names, positional_only = names[1:], max(0, positional_only - 1)
        least, most = max(0, least - 1), most - 1 if most > 0 else most
    by_name = tuple("" if place < positional_only else name for place, name in enumerate(names))
    others = None if any_name else frozenset(required | optional)
    return Takes(least, None if most < 0 else most, by_name, frozenset(required), others)


def _is_bound(tree: SyntaxTree, parameters: Node) -> bool:
    """Whether the first parameter of a Python function is the object it is called on."""
    function = parameters.parent
    assert function is not None
    around = function.parent
    decorators = [tree.text(node) for node in around.named_children if node.type == "decorator"] if around else []
    block = around.parent if around is not None and around.type == "decorated_definition" else around
    in_class = block is not None and block.parent is not None and block.parent.type == "class_definition"
    return in_class and not any("staticmethod" in decorator for decorator in decorators)


def _takes_c(tree: SyntaxTree, children: list[Node]) -> Takes | None:
    if not children and tree.language.name == "c":
        return None  # an empty list says nothing in C
    plain = [child for child in children if child.type == "parameter_declaration"]
    optional = sum(child.type == "optional_parameter_declaration" for child in children)
    if len(plain) + optional < len(children) - sum(child.type == "variadic_parameter" for child in children):
        return None
    if len(plain) == 1 and tree.text(plain[0]) == "void":
        plain = []
    is_variadic = any(child.type.startswith("variadic") for child in children)
    return Takes(len(plain), None if is_variadic else len(plain) + optional)


def _takes_go(children: list[Node]) -> Takes:
    plain = [child for child in children if child.type == "parameter_declaration"]
    count = sum(max(1, len(child.children_by_field_name("name"))) for child in plain)
    return Takes(count, None if any(child.type.startswith("variadic") for child in children) else count)


def _takes_ecmascript(tree: SyntaxTree, children: list[Node]) -> Takes:
    least, most, has_rest = 0, 0, False
    for child in children:
        pattern = child.child_by_field_name("pattern") or child
        if pattern.type == "this":
            continue
        if pattern.type == "rest_pattern":
            has_rest = True
            continue
        is_optional = child.type in ("assignment_pattern", "optional_parameter") or child.child_by_field_name("value")
        most += 1
        least = least if is_optional else most
    names = tuple("" for _ in range(most)) if tree.language.name == "javascript" else ()
    return Takes(least, None if has_rest else most, names)
