"""Checks that a change takes away: an early exit that is gone, a condition that lost a part.

Told from both versions of a function. A refactoring that moves, renames or replaces the check is left alone. Does not
know: types, whether the check can ever fail.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from copilot.repo.syntax import Node, SyntaxTree, ancestors, end_line_of, line_of
from copilot.review.called import called
from copilot.review.finding import Severity
from copilot.review.rule import Hit, Rule
from copilot.review.view import FileView

GUARD = Rule(
    "guard-removed", "check removed", Severity.MEDIUM, "bug",
    "An `if` that left the function (or the loop) when a bound, null, error or permission check failed is gone, what it"
    " looked at is still used after that place (or it raised a refusal), and nothing in the function took its place.",
    0.6,
)  # fmt: skip
WEAKENED = Rule(
    "condition-weakened", "condition lost a part", Severity.MEDIUM, "bug",
    "A condition is the old one without one of its parts: an early exit lost an `or` alternative that looks at a bound,"
    " null or permission, or a guarded action lost such an `and` requirement, and its body stayed.",
    0.6,
)  # fmt: skip
RULES = (GUARD, WEAKENED)
_FUNCTIONS = frozenset(
    {
        "function_definition", "function_declaration", "method_definition", "method_declaration", "function_item",
        "constructor_declaration", "arrow_function", "function_expression", "func_literal", "method",
    }
)  # fmt: skip
_EXITS = frozenset(
    {
        "return_statement", "raise_statement", "throw_statement", "break_statement", "continue_statement",
        "goto_statement", "return_expression", "throw_expression",
    }
)  # fmt: skip
_CHECK = re.compile(
    r"[<>]=?|(?:==|!=|\bis(?:\s+not)?)\s*(?:\([\w\s*]+\)\s*)?(?:NULL|nullptr|null|nil|None|undefined|0|-1|false|\w+False)\b"
    r"|^\(?\s*(?:!|not\b)|\bnot\s+in\b|\bin\b"
    r"|\b(?:is|has|can|check|valid|verify|allowed?|auth\w*|perm\w*|contains|startswith|endswith|match)_?\w*\s*\(",
    re.IGNORECASE,
)
"""What a check of bounds, null, errors or permission looks like."""
_SWITCH = re.compile(
    r"preview|feature|flag|debug|log(?:g|_|$|\b)|verbose|enabled|config|settings|options?\b|legacy|compat|version|quiet|dry_?run",
    re.IGNORECASE,
)
"""What a switch between ways to do something looks like: taking one away is a decision, not an oversight."""
_BLOCKS = frozenset({"block", "statement_block", "compound_statement", "statement_list", "then"})
_THROWS = re.compile(r"(?:throw|die|exit|_exit|abort|panic|fatal|raise|croak|bail|g_return|goto)", re.IGNORECASE)
"""Calls, and macros that look like them, that do not come back."""
_REFUSES = re.compile(
    r"(?:raise|throw)\b.*(?:unauthori|forbidden|permission|denied|expired|security|auth)", re.I | re.S
)
_LITTLE = 10
"""Removed lines of a function beyond the check itself at most; more is a rewrite."""
_WORD = re.compile(r"[A-Za-z_]\w*")
_COMMON = frozenset(
    [
        "if",
        "return",
        "not",
        "and",
        "or",
        "in",
        "is",
        "None",
        "null",
        "NULL",
        "nil",
        "self",
        "this",
        "true",
        "false",
        "True",
        "False",
        "sizeof",
        "len",
        "err",
        "error",
    ]
)


@dataclass(frozen=True, slots=True)
class _If:
    """An `if` statement and the function it is in."""

    node: Node
    condition: Node
    body: Node
    function: Node


def check(view: FileView) -> Iterator[Hit]:
    """Checks that the change removed or weakened."""
    if view.old_tree is None or view.new_tree is None or view.is_aside or view.is_generated or not view.removed:
        return
    if view.new_tree.root.has_error and not view.old_tree.root.has_error:
        return
    removed = {line.old for line in view.removed if line.old is not None}
    for found in _ifs(view.old_tree, removed):
        yield from _gone(view, found, removed)
        yield from _weaker(view, found)


def _ifs(tree: SyntaxTree, lines: set[int]) -> Iterator[_If]:
    for node in tree.nodes_on(lines):
        condition, body = node.child_by_field_name("condition"), node.child_by_field_name("consequence")
        function = next((around for around in ancestors(node) if around.type in _FUNCTIONS), None)
        if node.type in ("if_statement", "if_expression") and condition and body and function:
            yield _If(node, condition, body, function)


def _gone(view: FileView, found: _If, removed: set[int]) -> Iterator[Hit]:
    """An early exit all of whose lines were removed."""
    old, new = view.old_tree, view.new_tree
    assert old is not None and new is not None
    first, last = line_of(found.node), end_line_of(found.node)
    if not all(line in removed for line in range(first, last + 1)) or last - first > 8:
        return
    if found.node.child_by_field_name("alternative") is not None or not _leaves(old, found.body):
        return
    condition = " ".join(old.text(found.condition).split())
    if not is_check(condition) or view_says(view, condition):
        return
    function = _same_function(old, new, found.function)
    if function is None or _others_removed(found, removed) > _LITTLE:
        return
    words = {word for word in _WORD.findall(condition)} - _COMMON
    span = range(line_of(function), end_line_of(function) + 1)
    added = [text for number, text in view.added.items() if number in span]
    if any(words & set(_WORD.findall(text)) for text in added) or any(_CHECK.search(text) for text in added):
        return
    place = view.near(first)
    rest = "\n".join(view.new_lines[place - 1 : span.stop - 1])
    subjects = sorted(word for word in words if re.search(rf"\b{re.escape(word)}\b", rest) and not word.isupper())
    refusal = _REFUSES.search(old.text(found.body))
    if subjects or refusal:
        then = f"and `{subjects[0]}` is used further on" if subjects else "and nothing else refuses"
        message = (
            f"`{_short(condition)}` no longer leaves here, {then}; keep the check, or make sure that callers do it"
        )
        yield view.hit(GUARD, (place, place), message, about=condition)


def _others_removed(found: _If, removed: set[int]) -> int:
    own = range(line_of(found.node), end_line_of(found.node) + 1)
    function = range(line_of(found.function), end_line_of(found.function) + 1)
    return sum(line in function and line not in own for line in removed)


def is_check(condition: str) -> bool:
    """Whether a condition looks at bounds, null, errors or permission, and is no switch."""
    return bool(_CHECK.search(condition)) and not _SWITCH.search(condition)


def view_says(view: FileView, condition: str) -> bool:
    """Whether the condition, blanks aside, stands on lines that the change added."""
    added = re.sub(r"\s", "", "".join(view.added[number] for number in sorted(view.added)))
    return re.sub(r"\s", "", condition).strip("()") in added


def _leaves(tree: SyntaxTree, body: Node) -> bool:
    """Whether a body does nothing but leave, perhaps after a few words about it."""
    statements = [body]
    while len(statements) == 1 and statements[0].type in _BLOCKS:
        statements = [child for child in statements[0].named_children if "comment" not in child.type]
    if not 0 < len(statements) <= 4:
        return False
    last = statements[-1]
    while last.type == "expression_statement" and last.named_children:
        last = last.named_children[0]
    if last.type in _EXITS:
        return True
    call = called(tree, last)
    return call is not None and bool(_THROWS.match(call.name))


def _same_function(old: SyntaxTree, new: SyntaxTree, function: Node) -> Node | None:
    """The function of the new version with the same head, if there is exactly one."""
    body = function.child_by_field_name("body")
    if body is None:
        return None
    head = old.source[function.start_byte : body.start_byte]
    name = _WORD.findall(head.decode("utf-8", "replace").partition("(")[0])
    matching = []
    for leaf in new.occurrences(name[-1]) if name else ():
        around = next((each for each in ancestors(leaf) if each.type in _FUNCTIONS), None)
        inner = around.child_by_field_name("body") if around is not None else None
        if around is not None and inner is not None and new.source[around.start_byte : inner.start_byte] == head:
            matching.append(around)
    unique = {each.start_byte: each for each in matching}
    return next(iter(unique.values())) if len(unique) == 1 else None


def _weaker(view: FileView, found: _If) -> Iterator[Hit]:
    """A condition that is the old one without a part, while all else around it stayed."""
    old, new = view.old_tree, view.new_tree
    assert old is not None and new is not None
    function = _same_function(old, new, found.function)
    if function is None:
        return
    place = view.near(line_of(found.node))
    if not any(number in view.added for number in (place, place + 1)):
        return
    for node in new.nodes_on({place, place + 1}):
        condition, body = node.child_by_field_name("condition"), node.child_by_field_name("consequence")
        if node.type != found.node.type or condition is None or body is None:
            continue
        lost = _lost(old, found.condition, new, condition)
        if lost is None or not is_check(lost[1]) or _text(old, found.body) != _text(new, body):
            continue
        operator, part = lost
        if (operator in ("||", "or")) != _leaves(new, body) or _is_elsewhere(view, part, function):
            continue
        what = "this no longer leaves when" if operator in ("||", "or") else "this no longer needs"
        message = f"{what} `{_short(part)}`; keep that part, or say why it cannot matter"
        yield view.hit(WEAKENED, (line_of(node), end_line_of(condition)), message, about=part)
        return


def _is_elsewhere(view: FileView, part: str, function: Node) -> bool:
    """Whether other added lines of the function look at what the part looked at."""
    words = {word for word in _WORD.findall(part)} - _COMMON
    span = range(line_of(function), end_line_of(function) + 1)
    texts = [text for number, text in view.added.items() if number in span and _CHECK.search(text)]
    return sum(bool(words & set(_WORD.findall(text))) for text in texts) > 1 or view_says(view, part)


def _lost(old: SyntaxTree, before: Node, new: SyntaxTree, after: Node) -> tuple[str, str] | None:
    """(operator, part) if a condition is another one without exactly one of its parts."""
    operator, old_parts = _parts(old, before)
    _, new_parts = _parts(new, after, operator)
    if len(old_parts) != len(new_parts) + 1 or not operator:
        return None
    lost = list(old_parts)
    for part in new_parts:
        if part not in lost:
            return None
        lost.remove(part)
    return operator, lost[0]


def _parts(tree: SyntaxTree, node: Node, wanted: str = "") -> tuple[str, list[str]]:
    """The operator that joins a condition, and what it joins."""
    while node.type == "parenthesized_expression" and node.named_child_count == 1:
        node = node.named_children[0]
    operator_node = node.child_by_field_name("operator")
    operator = tree.text(operator_node) if operator_node is not None else ""
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if operator not in ("&&", "||", "and", "or") or (wanted and operator != wanted) or left is None or right is None:
        return wanted, [_text(tree, node)]
    return operator, [*_parts(tree, left, operator)[1], *_parts(tree, right, operator)[1]]


def _text(tree: SyntaxTree, node: Node) -> str:
    return " ".join(tree.text(node).split())


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:79]}…"
