"""Memory of C and C++ that is written beyond its end, and formats that come from outside.

Does not know: sizes at run time, what callers checked.
"""

import re
from collections.abc import Iterator

from copilot.repo.syntax import Node, SyntaxTree, ancestors, line_of
from copilot.review.called import Called, called
from copilot.review.finding import Severity
from copilot.review.flow import Origin, flow
from copilot.review.rule import Hit, Rule
from copilot.review.view import FileView

COPY = Rule(
    "buffer-copy", "copied without looking at the size", Severity.HIGH, "security",
    "`strcpy`, `strcat` or `sprintf` with `%s` writes a parameter into an array of fixed size, and the function looks"
    " neither at the length of the one nor at the size of the other; `gets` always.",
    0.8,
)  # fmt: skip
FORMAT = Rule(
    "format-string", "format taken from a value", Severity.HIGH, "security",
    "`printf` and its kin get a parameter, or an array that one was copied into, as their only format: a `%` in it"
    " reads or writes memory.",
    0.85,
)  # fmt: skip
SIZE = Rule(
    "size-of-pointer", "size of a pointer instead of what it points to", Severity.HIGH, "bug",
    "`memset`, `memcpy`, `memmove` or `strncpy` is given `sizeof` of its own destination, which is a pointer.",
    0.9,
)  # fmt: skip
TERMINATOR = Rule(
    "no-room-for-terminator", "no room for the terminator", Severity.HIGH, "bug",
    "`malloc(strlen(s))` is followed by `strcpy` of the same string, which writes one byte more.",
    0.9,
)  # fmt: skip
RULES = (COPY, FORMAT, SIZE, TERMINATOR)
_COPIES = frozenset({"strcpy", "strcat", "stpcpy", "wcscpy"})
_FILLS = _COPIES | {"strncpy", "strncat", "strlcpy", "strlcat", "sprintf", "snprintf"}
_FORMATS = {"printf": 0, "fprintf": 1, "sprintf": 1, "syslog": 1, "snprintf": 2, "vprintf": 0, "dprintf": 1}
_SIZED = frozenset({"memset", "memcpy", "memmove", "strncpy", "bzero"})
_FUNCTION = "function_definition"


def check(view: FileView) -> Iterator[Hit]:
    """Unsafe memory operations among the added lines."""
    if view.code not in ("c", "cpp") or view.is_aside or view.new_tree is None:
        return
    for call in view.touched:
        function = next((around for around in ancestors(call.node) if around.type == _FUNCTION), None)
        if function is not None:
            yield from _copied(view, view.new_tree, call, function)
            yield from _formatted(view, view.new_tree, call, function)
            yield from _sized(view, view.new_tree, call, function)
            yield from _terminated(view, view.new_tree, call, function)


def _copied(view: FileView, tree: SyntaxTree, call: Called, function: Node) -> Iterator[Hit]:
    where = (call.line, call.end_line)
    if call.callee == "gets" and len(call.arguments) == 1:
        yield view.hit(COPY, where, "`gets` writes as much as it is given; use fgets with the size")
        return
    sources = call.arguments[1:]
    is_format = call.callee == "sprintf" and len(sources) >= 2 and re.search(r"%s", tree.text(sources[0]))
    if not (call.callee in _COPIES and len(sources) == 1) and not is_format:
        return
    target = tree.text(call.arguments[0])
    if not _array_size(tree, function, target):
        return
    body = tree.text(function)
    for source in sources[1:] if is_format else sources:
        value = tree.text(source)
        if flow(tree, source).origin is not Origin.PARAMETER or _is_measured(body, value, target):
            continue
        message = f"`{value}` may be longer than `{target}`; use snprintf with sizeof({target}), or check first"
        yield view.hit(COPY, where, message)
        return


def _array_size(tree: SyntaxTree, function: Node, name: str) -> str:
    """The size in the declaration of a local array, "" for what is none."""
    found = re.search(rf"\bchar\s+(?:[\w\s,*]+,\s*)?{re.escape(name)}\s*\[([^\]]+)\]", tree.text(function))
    return found[1] if found else ""


def _is_measured(body: str, value: str, target: str) -> bool:
    """Whether a function looks at the length of a string, or at the size of where it goes."""
    base = re.escape(value)
    return bool(re.search(rf"\bstrn?len\s*\(\s*{base}|\bsizeof\s*\(?\s*{re.escape(target)}\b", body))


def _formatted(view: FileView, tree: SyntaxTree, call: Called, function: Node) -> Iterator[Hit]:
    place = _FORMATS.get(call.callee)
    if place is None or len(call.arguments) != place + 1:
        return
    argument = call.arguments[place]
    value = flow(tree, argument)
    if argument.type != "identifier" or tree.text(argument).startswith("f"):
        return
    if value.origin >= Origin.PARAMETER or _is_filled(tree, function, call, tree.text(argument)):
        message = f'`{tree.text(argument)}` is taken as a format; write {call.callee}(…"%s", {tree.text(argument)})'
        yield view.hit(FORMAT, (call.line, call.end_line), message)


def _is_filled(tree: SyntaxTree, function: Node, before: Called, name: str) -> bool:
    """Whether a parameter or input was copied into a local array before a call."""
    if not _array_size(tree, function, name):
        return False
    nodes = tree.nodes_on(range(line_of(function), before.line + 1))
    calls = (called(tree, node) for node in nodes if node.start_byte < before.node.start_byte)
    return any(call is not None and _fills(tree, call, name) for call in calls)


def _fills(tree: SyntaxTree, call: Called, name: str) -> bool:
    """Whether a call copies text that is a parameter, or comes from outside, into a variable."""
    target, *sources = call.arguments or (call.node,)
    if call.name not in _FILLS or tree.text(target) != name:
        return False
    if call.name.endswith("printf") and not any("%s" in tree.text(source) for source in sources):
        return False
    return any(flow(tree, source).origin >= Origin.PARAMETER for source in sources)


def _sized(view: FileView, tree: SyntaxTree, call: Called, function: Node) -> Iterator[Hit]:
    if call.callee not in _SIZED or len(call.arguments) < 2:
        return
    target, size = call.arguments[0], call.arguments[-1]
    if target.type != "identifier" or size.type != "sizeof_expression":
        return
    name = tree.text(target)
    if re.sub(r"^sizeof\s*\(?\s*|\s*\)?$", "", tree.text(size)) != name:
        return
    declared = re.search(rf"\b\w+\s*\*+\s*(?:const\s+|restrict\s+)?{re.escape(name)}\s*[,;=)]", tree.text(function))
    if declared and not re.search(rf"\b{re.escape(name)}\s*\[[^\]]*\]\s*[;,=]", tree.text(function)):
        message = f"`sizeof({name})` is that of a pointer; write sizeof(*{name}), or the number of bytes"
        yield view.hit(SIZE, (call.line, call.end_line), message)


def _terminated(view: FileView, tree: SyntaxTree, call: Called, function: Node) -> Iterator[Hit]:
    if not call.name.endswith("alloc") or call.name in ("calloc", "realloc") or len(call.arguments) != 1:
        return
    found = re.fullmatch(r"strlen\s*\((.+)\)", tree.text(call.arguments[0]).strip(), re.DOTALL)
    rest = tree.source[call.node.end_byte : function.end_byte].decode("utf-8", "replace")
    if found and re.search(rf"\bstrcpy\s*\([^,]+,\s*{re.escape(found[1].strip())}\s*\)", rest):
        message = f"strcpy writes strlen({found[1].strip()}) + 1 bytes; allocate one more"
        yield view.hit(TERMINATOR, (call.line, call.end_line), message)
