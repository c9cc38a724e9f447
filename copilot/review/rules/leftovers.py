"""What is left of the work on a change: debuggers, focused tests, notes to oneself.

Does not know: types; a name means what it says.
"""

import re
from collections.abc import Iterator, Sequence

from copilot.repo.syntax import SyntaxTree, line_of
from copilot.review.finding import Severity
from copilot.review.rule import Hit, Rule
from copilot.review.view import FileView

DEBUGGER = Rule(
    "debugger-left", "debugger left in the code", Severity.HIGH, "bug",
    "A call that stops in a debugger was added: `breakpoint()`, `pdb.set_trace()`, `debugger;`, `binding.pry`, `dbg!`.",
    0.97,
)  # fmt: skip
FOCUSED = Rule(
    "test-focused", "only this test runs", Severity.HIGH, "test",
    "A test was marked so that no other one runs: `it.only`, `describe.only`, `fit`, `fdescribe`.",
    0.97,
)  # fmt: skip
NOT_TO_COMMIT = Rule(
    "marked-not-to-commit", "marked as not to be committed", Severity.HIGH, "bug",
    "An added comment says `DO NOT COMMIT`, `NOCOMMIT`, `DO NOT MERGE` or `REMOVE BEFORE MERGE`.",
    0.95,
)  # fmt: skip
TODO = Rule(
    "todo-added", "note left for later", Severity.LOW, "maintainability",
    "An added comment says TODO, FIXME or XXX. Off by default: many good changes do.",
    0.5, is_on=False,
)  # fmt: skip
PRINT = Rule(
    "print-left", "output left in the code", Severity.LOW, "maintainability",
    "`console.log`, `var_dump`, `print_r` or `System.out.println` was added outside of tests. Off by default:"
    " programs print on purpose.",
    0.4, is_on=False,
)  # fmt: skip
RULES = (DEBUGGER, FOCUSED, NOT_TO_COMMIT, TODO, PRINT)

_DEBUGGERS = {
    "python": {"breakpoint", "pdb.set_trace", "ipdb.set_trace", "pudb.set_trace", "IPython.embed", "pdb.post_mortem"},
    "ruby": {"binding.pry", "binding.irb", "byebug", "binding.break"},
    "php": {"xdebug_break"},
}
_BLOCKS = frozenset(
    {"module", "program", "block", "statement_block", "compound_statement", "body_statement", "block_body", "then",
     "do", "switch_case", "switch_default"}
)  # fmt: skip
"""Nodes that hold any number of statements."""
_FOCUS = frozenset(
    {"it.only", "describe.only", "test.only", "context.only", "suite.only", "fit", "fdescribe", "it.concurrent.only"}
)
_PRINTS = frozenset({"console.log", "console.debug", "var_dump", "print_r", "System.out.println", "dd"})
_ECMASCRIPT = frozenset({"javascript", "typescript", "tsx"})
_STOP = re.compile(
    r"(?i:\bdo[ _-]?not[ _-]?(?:commit|merge|submit)\b|\bno[ _-]?commit\b|\bremove before (?:merge|commit))"
)
_LATER = re.compile(r"\b(?:TODO|FIXME|XXX)\b")


def check(view: FileView) -> Iterator[Hit]:
    """Leftovers among the added lines."""
    yield from _debuggers(view)
    for call in view.touched:
        where = (call.line, call.end_line)
        if view.code in _ECMASCRIPT and call.callee in _FOCUS and len(call.arguments) >= 2:
            line = view.line(call.line).replace(".only(", "(", 1)
            mend = view.suggestion(call.line, call.line, [line]) if line != view.line(call.line) else None
            yield view.hit(FOCUSED, (call.line, call.line), f"`{call.callee}` keeps all other tests from running", mend)
        if call.callee in _PRINTS and not view.is_aside:
            yield view.hit(PRINT, where, f"`{call.callee}` prints; take it out unless users are to see it")
    yield from _comments(view)


def _debuggers(view: FileView) -> Iterator[Hit]:
    if view.new_tree is None:
        return
    lines = {call.line: call.callee for call in view.touched if call.callee in _DEBUGGERS.get(view.code, ())}
    for node in view.added_nodes:
        number = node.start_point.row + 1
        if node.type == "debugger_statement":
            lines[number] = "debugger"
        elif node.type == "macro_invocation" and view.new_tree.text(node).startswith("dbg!"):
            lines[number] = "dbg!"
        elif view.code == "ruby" and view.new_tree.text(node) in _DEBUGGERS["ruby"]:
            lines[number] = view.new_tree.text(node)
    for number, what in sorted(lines.items()):
        if view.is_moved(number) or view.role.name in ("FIXTURE", "DOCS", "VENDORED"):
            continue
        alone = re.fullmatch(r"\s*(?:import \w+; ?)?[\w.:!]+(?:\(\))?;?\s*", view.line(number))
        instead = _without(view, view.new_tree, number) if alone and what != "dbg!" else None
        mend = None if instead is None else view.suggestion(number, number, instead)
        yield view.hit(DEBUGGER, (number, number), f"`{what}` stops the program in a debugger; take it out", mend)


def _without(view: FileView, tree: SyntaxTree, number: int) -> Sequence[str] | None:
    """What may stand where a line of statements is taken out; None where something else would become the body."""
    statement = next((node for node in tree.nodes_on({number}) if node.type not in _BLOCKS), None)
    holder = None if statement is None else statement.parent
    if holder is None or holder.type not in _BLOCKS:
        return None
    others = [node for node in holder.named_children if line_of(node) != number and node.type != "comment"]
    if view.code == "python" and holder.type == "block" and not others:
        line = view.line(number)
        return [f"{line[: len(line) - len(line.lstrip())]}pass"]
    return []


def _comments(view: FileView) -> Iterator[Hit]:
    if view.new_tree is None:
        return
    for node in view.added_nodes:
        if "comment" not in node.type or view.is_moved(node.start_point.row + 1):
            continue
        text = view.new_tree.text(node)
        number = node.start_point.row + 1
        if _STOP.search(text) and not view.is_aside:
            yield view.hit(NOT_TO_COMMIT, (number, number), "its own comment says that this is not to be committed")
        elif _LATER.search(text):
            yield view.hit(
                TODO, (number, number), "a note for later was added; do it now, or write it where it is tracked"
            )
