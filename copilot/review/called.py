"""Calls as rules look at them: what is called, on what, with which expressions.

Does not know: what a call means, which lines changed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from copilot.repo.syntax import Node, SyntaxTree, end_line_of, line_of

_CALLEE = {
    "call": ("function", "method"),
    "call_expression": ("function",),
    "new_expression": ("constructor",),
    "method_invocation": ("name",),
    "object_creation_expression": ("type",),
    "function_call_expression": ("function",),
    "member_call_expression": ("name",),
    "nullsafe_member_call_expression": ("name",),
    "scoped_call_expression": ("name",),
    "invocation_expression": ("function",),
    "function_call": ("name",),
    "include_expression": (),
}
_OWNER = ("object", "receiver", "operand", "value", "argument", "scope", "expression", "path")
_ARGUMENTS = frozenset({"argument_list", "arguments"})


@dataclass(frozen=True, slots=True, eq=False)
class Called:
    """One call."""

    node: Node
    callee: str
    """As written, without blanks: "subprocess.run"."""
    name: str
    """Its last part: "run"."""
    owner: Node | None
    """What stands before the last dot."""
    arguments: tuple[Node, ...]
    """By position."""
    keywords: Mapping[str, Node]

    @property
    def line(self) -> int:
        return line_of(self.node)

    @property
    def end_line(self) -> int:
        return end_line_of(self.node)


def called(tree: SyntaxTree, node: Node) -> Called | None:
    """The call that a node is, None if it is none."""
    fields = _CALLEE.get(node.type)
    if fields is None:
        return None
    target = next((found for field in fields if (found := node.child_by_field_name(field))), None)
    if target is None:
        target = node.named_children[0] if node.named_children else None
    if target is None:
        return None
    owner = _owner(node) if node.type in ("method_invocation", "call") or "_call_" in node.type else None
    owner = owner or _owner(target)
    text = "".join(tree.text(target).split())
    callee = f"{''.join(tree.text(owner).split())}.{text}" if owner is not None and _owner(target) is None else text
    callee = callee.replace("::", ".").replace("->", ".").replace("?.", ".")
    return Called(node, callee, callee.rpartition(".")[2], owner, *_given(tree, node))


def touched_calls(tree: SyntaxTree, nodes: Iterable[Node]) -> Iterator[Called]:
    """The calls among the nodes, and those that have one of the nodes as an argument; each once."""
    seen: set[tuple[int, int]] = set()
    for node in nodes:
        for candidate in (node, _call_around(node)):
            if candidate is None or candidate.type not in _CALLEE or (span := candidate.byte_range) in seen:
                continue
            seen.add(span)
            call = called(tree, candidate)
            if call is not None:
                yield call


def _call_around(node: Node) -> Node | None:
    """The call whose argument a node is."""
    around = node.parent
    if around is not None and around.type == "argument":
        around = around.parent
    return around.parent if around is not None and around.type in _ARGUMENTS else None


def _owner(node: Node) -> Node | None:
    return next((found for field in _OWNER if (found := node.child_by_field_name(field))), None)


def _given(tree: SyntaxTree, node: Node) -> tuple[tuple[Node, ...], dict[str, Node]]:
    arguments = node.child_by_field_name("arguments") or next(
        (child for child in node.named_children if child.type in _ARGUMENTS), None
    )
    positional: list[Node] = []
    keywords: dict[str, Node] = {}
    for child in arguments.named_children if arguments is not None else ():
        if child.type in ("comment", "line_comment", "block_comment"):
            continue
        name, value = child.child_by_field_name("name"), child.child_by_field_name("value")
        if child.type == "keyword_argument" and name is not None and value is not None:
            keywords[tree.text(name)] = value
        elif child.type == "pair" and (key := child.child_by_field_name("key")) and value is not None:
            keywords[tree.text(key).strip(":\"'")] = value
        elif child.type == "argument" and child.named_children:
            positional.append(child.named_children[-1])
        else:
            positional.append(child)
    return tuple(positional), keywords
