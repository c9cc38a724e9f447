"""Slips of the pen that the syntax alone shows: a test that is always true, a value compared with itself.

Does not know: types, so nothing is said where an operator may have been given another meaning.
"""

import re
from collections.abc import Callable, Iterator

from copilot.repo.syntax import Node, SyntaxTree, end_line_of, line_of
from copilot.review.finding import Severity
from copilot.review.rule import Hit, Rule
from copilot.review.view import FileView

TUPLE = Rule(
    "assert-on-tuple", "assertion is always true", Severity.MEDIUM, "bug",
    "Python: `assert (condition, message)` tests a tuple, which is true whatever is in it.",
    0.99,
)  # fmt: skip
IDENTITY = Rule(
    "literal-identity", "`is` compared with a literal", Severity.MEDIUM, "bug",
    "Python: `is` with a number or a string compares identities, which may or may not be those of equal values.",
    0.98,
)  # fmt: skip
ASSIGNMENT = Rule(
    "assignment-in-condition", "assignment where a comparison was meant", Severity.HIGH, "bug",
    "The condition of an `if` or `while` assigns a literal, without parentheses of its own (C, C++, JavaScript,"
    " TypeScript, PHP).",
    0.97,
)  # fmt: skip
EMPTY = Rule(
    "empty-body", "`if` without a body", Severity.HIGH, "bug",
    "A semicolon right behind the condition of an `if` without `else` ends it, so that what follows always runs.",
    0.97,
)  # fmt: skip
ITSELF = Rule(
    "self-assignment", "assigned to itself", Severity.MEDIUM, "bug",
    "A variable or field is assigned to itself inside a function (Python, JavaScript, TypeScript, Java).",
    0.9,
)  # fmt: skip
TWICE = Rule(
    "repeated-condition", "the same condition twice", Severity.MEDIUM, "bug",
    "Both sides of `and`, `or`, `&&` or `||` are the same, or an `elif` repeats a condition that came before it;"
    " conditions that call something are left alone.",
    0.95,
)  # fmt: skip
KEY = Rule(
    "duplicate-key", "key given twice", Severity.MEDIUM, "bug",
    "A dictionary or object literal gives the same literal key twice with different values: the first one is lost"
    " (Python, JavaScript, TypeScript).",
    0.97,
)  # fmt: skip
SHADOWED = Rule(
    "duplicate-definition", "defined twice", Severity.MEDIUM, "bug",
    "Python: a function or class is defined twice in the same block without a decorator: the first one is lost.",
    0.9,
)  # fmt: skip
UNREACHABLE = Rule(
    "unreachable-code", "code that is never reached", Severity.MEDIUM, "bug",
    "A statement follows a `return`, `raise`, `throw`, `break` or `continue` of the same block, and one of the two was"
    " added.",
    0.95,
)  # fmt: skip
RULES = (TUPLE, IDENTITY, ASSIGNMENT, EMPTY, ITSELF, TWICE, KEY, SHADOWED, UNREACHABLE)

_ECMASCRIPT = frozenset({"javascript", "typescript", "tsx"})
_C_LIKE = _ECMASCRIPT | {"c", "cpp", "php"}
_LITERALS = frozenset(
    {
        "number_literal",
        "string_literal",
        "number",
        "string",
        "true",
        "false",
        "null",
        "integer",
        "char_literal",
        "boolean",
    }
)
_EXITS = frozenset({"return_statement", "raise_statement", "throw_statement", "break_statement", "continue_statement"})
_HOISTED = frozenset(
    {
        "function_declaration", "comment", "line_comment", "block_comment", "labeled_statement", "case_statement",
        "class_declaration", "empty_statement", ";", "function_definition", "goto_statement", "preproc_if",
        "preproc_ifdef", "preproc_else", "switch_label", "switch_case", "switch_default", "text", "php_tag",
        "function_item", "preproc_endif", "preproc_def", "preproc_call", "break_statement", "preproc_elif",
        "const_item", "use_declaration", "macro_invocation", "item", "generator_function_declaration",
        "type_alias_declaration",
        "interface_declaration", "enum_declaration", "expression_case", "default_case", "attribute_item", "ERROR",
        "labeled_expression", "label", "struct_item", "impl_item", "statement_label",
    }
)  # fmt: skip
_ACTS = re.compile(r"\(|\+\+|--|(?<![=!<>])=(?!=)|\bawait\b|\byield\b")
"""What makes the same text mean something else the second time."""
_BLOCKS = frozenset({"block", "statement_block", "compound_statement", "statement_list", "constructor_body"})


def check(view: FileView) -> Iterator[Hit]:
    """Slips on added lines."""
    tree = view.new_tree
    if tree is None or view.is_generated or view.role.name in ("FIXTURE", "VENDORED"):
        return
    for node in view.added_nodes:
        if view.is_moved(line_of(node)):
            continue
        for finder in _FINDERS.get(node.type, ()):
            yield from finder(view, tree, node)
    yield from _unreachable(view, tree)


def _lines(node: Node) -> tuple[int, int]:
    return line_of(node), end_line_of(node)


def _assert(view: FileView, tree: SyntaxTree, node: Node) -> Iterator[Hit]:
    if view.code == "python" and node.named_child_count == 1:
        inner = node.named_children[0]
        if inner.type == "tuple" and inner.named_child_count > 1:
            mend = None
            if inner.named_child_count == 2 and line_of(node) == end_line_of(node):
                condition, message = map(tree.text, inner.named_children)
                line = view.line(line_of(node)).replace(tree.text(inner), f"{condition}, {message}", 1)
                mend = view.suggestion(*_lines(node), [line])
            yield view.hit(TUPLE, _lines(node), "a tuple is always true; take the parentheses off", mend)


def _identity(view: FileView, tree: SyntaxTree, node: Node) -> Iterator[Hit]:
    operators = [child.type for child in node.children if not child.is_named]
    literals = [child for child in node.named_children if child.type in ("integer", "float", "string")]
    if view.code == "python" and literals and len(operators) == 1 and operators[0] in ("is", "is not"):
        right = "==" if operators[0] == "is" else "!="
        mend = None
        if line_of(node) == end_line_of(node):
            old = tree.text(node)
            new = old.replace(f" {operators[0]} ", f" {right} ", 1)
            mend = view.suggestion(*_lines(node), [view.line(line_of(node)).replace(old, new, 1)])
        message = f"`{operators[0]}` compares identities; use `{right}`"
        yield view.hit(IDENTITY, _lines(node), message, mend)


def _condition(view: FileView, tree: SyntaxTree, node: Node) -> Iterator[Hit]:
    condition = node.child_by_field_name("condition")
    if condition is None or view.code not in _C_LIKE:
        return
    inner = condition.named_children[0] if condition.named_child_count == 1 else condition
    if condition.type != "parenthesized_expression" or inner.type != "assignment_expression":
        return
    value, operator = inner.child_by_field_name("right"), inner.child_by_field_name("operator")
    if value is not None and value.type in _LITERALS and (operator is None or tree.text(operator) == "="):
        text = tree.text(inner)
        yield view.hit(ASSIGNMENT, (line_of(node), end_line_of(condition)), f"`{text}` assigns; compare with ==")


def _empty(view: FileView, tree: SyntaxTree, node: Node) -> Iterator[Hit]:
    body, condition = node.child_by_field_name("consequence"), node.child_by_field_name("condition")
    if body is None or condition is None or node.child_by_field_name("alternative") is not None:
        return
    if tree.text(body) == ";" and line_of(body) == end_line_of(condition):
        yield view.hit(EMPTY, (line_of(node), line_of(body)), "the semicolon is the body; take it off")


def _itself(view: FileView, tree: SyntaxTree, node: Node) -> Iterator[Hit]:
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is None or right is None or view.code not in ("python", "java", *_ECMASCRIPT):
        return
    text = tree.text(left)
    if text != tree.text(right) or left.type not in ("identifier", "attribute", "field_access"):
        return
    if node.child_by_field_name("type") is not None or not _in_function(node):
        return
    operator = node.child_by_field_name("operator")
    if operator is None or tree.text(operator) == "=":
        yield view.hit(ITSELF, _lines(node), f"`{text}` already has this value; one side should be something else")


def _in_function(node: Node) -> bool:
    around = node.parent
    while around is not None:
        if around.type in ("class_body", "class_definition", "class_declaration"):
            return False
        if "function" in around.type or "method" in around.type or "constructor" in around.type:
            return True
        around = around.parent
    return False


def _twice(view: FileView, tree: SyntaxTree, node: Node) -> Iterator[Hit]:
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    operator = node.child_by_field_name("operator")
    if left is None or right is None or operator is None or tree.text(operator) not in ("&&", "||", "and", "or"):
        return
    if left.type == node.type and (inner := left.child_by_field_name("operator")) is not None:
        same = tree.text(inner) == tree.text(operator)
        left = left.child_by_field_name("right") if same else left
    text = "" if left is None else tree.text(left)
    if len(text) > 1 and text == tree.text(right) and not _ACTS.search(text):
        yield view.hit(TWICE, _lines(node), f"`{text}` stands on both sides; one should be something else")


def _chain(view: FileView, tree: SyntaxTree, node: Node) -> Iterator[Hit]:
    """An `elif` of Python whose condition came before."""
    condition, chain = node.child_by_field_name("condition"), node.parent
    if condition is None or chain is None or chain.type != "if_statement":
        return
    before = [
        chain,
        *(
            child
            for child in chain.named_children
            if child.type == "elif_clause" and child.start_byte < node.start_byte
        ),
    ]
    text = tree.text(condition)
    earlier = [inner for other in before if (inner := other.child_by_field_name("condition")) is not None]
    if "(" not in text and any(tree.text(other) == text for other in earlier):
        yield view.hit(TWICE, _lines(condition), f"`{text}` was tested before: this branch is never taken")


def _keys(view: FileView, tree: SyntaxTree, node: Node) -> Iterator[Hit]:
    key, literal = node.child_by_field_name("key"), node.parent
    if key is None or literal is None or literal.type not in ("dictionary", "object"):
        return
    if key.type not in ("string", "integer", "property_identifier", "number") or "{" in tree.text(key):
        return
    for other in literal.named_children:
        other_key = other.child_by_field_name("key") if other.type == "pair" and other != node else None
        if other_key is None or other_key.type != key.type or tree.text(other_key) != tree.text(key):
            continue
        value, other_value = node.child_by_field_name("value"), other.child_by_field_name("value")
        if value is not None and other_value is not None and tree.text(value) != tree.text(other_value):
            message = f"key {tree.text(key)} is also on line {line_of(other)}; only the last one counts"
            yield view.hit(KEY, _lines(node), message)
            return


def _definitions(view: FileView, tree: SyntaxTree, node: Node) -> Iterator[Hit]:
    name, block = node.child_by_field_name("name"), node.parent
    if view.code != "python" or name is None or block is None or block.type not in ("block", "module"):
        return
    if block.type == "block" and (block.parent is None or block.parent.type != "class_definition"):
        return
    for other in block.named_children:
        if other == node or other.type not in ("function_definition", "class_definition"):
            continue
        other_name = other.child_by_field_name("name")
        if other_name is None or tree.text(other_name) != tree.text(name) or tree.text(name) == "_":
            continue
        earlier, later = sorted((other, node), key=lambda each: each.start_byte)
        used = tree.source[earlier.end_byte : later.start_byte]
        if tree.text(name).encode() not in used:
            message = f"`{tree.text(name)}` is also defined on line {line_of(other)}; only the later one is left"
            yield view.hit(SHADOWED, (line_of(node), line_of(node)), message)
            return


def _unreachable(view: FileView, tree: SyntaxTree) -> Iterator[Hit]:
    for node in view.added_nodes:
        block = node.parent
        if block is None or block.type not in _BLOCKS or node.type in _HOISTED:
            continue
        before = node.prev_named_sibling if node.type not in _EXITS else None
        follows = node.next_named_sibling if node.type in _EXITS else None
        exit_node, dead = (before, node) if before is not None and before.type in _EXITS else (node, follows)
        if exit_node.type not in _EXITS or dead is None or dead.type in _HOISTED or dead.has_error:
            continue
        if line_of(dead) <= end_line_of(exit_node) or (view.code == "python" and _makes_generator(tree, dead)):
            continue
        if view.is_moved(line_of(node)) and node.type not in _EXITS:
            continue
        message = f"line {line_of(exit_node)} always leaves, so this never runs; remove one of the two"
        yield view.hit(UNREACHABLE, (line_of(dead), line_of(dead)), message)


def _makes_generator(tree: SyntaxTree, dead: Node) -> bool:
    return "yield" in tree.text(dead)


_FINDERS: dict[str, tuple[Callable[[FileView, SyntaxTree, Node], Iterator[Hit]], ...]] = {
    "assert_statement": (_assert,),
    "comparison_operator": (_identity,),
    "if_statement": (_condition, _empty),
    "while_statement": (_condition,),
    "assignment": (_itself,),
    "assignment_expression": (_itself,),
    "boolean_operator": (_twice,),
    "binary_expression": (_twice,),
    "elif_clause": (_chain,),
    "pair": (_keys,),
    "function_definition": (_definitions,),
    "class_definition": (_definitions,),
}
