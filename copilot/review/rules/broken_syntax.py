"""Code that parsed before the change and does not parse after it.

Does not know: types, names, whether the code would run.
"""

import ast
import json
import re
import tomllib
import warnings
from collections.abc import Iterator

from copilot.repo.syntax import Node, SyntaxTree, line_of
from copilot.review.finding import Severity
from copilot.review.rule import Hit, Rule
from copilot.review.view import FileView

BROKEN = Rule(
    "syntax-error", "syntax error", Severity.HIGH, "bug",
    "The old version parsed and the new one does not. Python, JSON and TOML are parsed by their own parsers; of other"
    " languages an error counts if brackets no longer match near it, and of C and C++ only outside of macros.",
    0.95,
)  # fmt: skip
RULES = (BROKEN,)
_EXACT = frozenset({"python", "json", "toml"})
_BRACED = frozenset(
    {"javascript", "typescript", "tsx", "go", "rust", "java", "c", "cpp", "php", "csharp", "kotlin", "css"}
)
_BRACKETS = {"(": ")", "[": "]", "{": "}"}
_MACROS = re.compile(r"^\s*#\s*(?:if|else|elif|endif|define)", re.MULTILINE)


def check(view: FileView) -> Iterator[Hit]:
    """The first syntax error that the change brought in."""
    new, old = view.file.new_text, view.file.old_text
    if not new or old is None or not view.file.diff.hunks or view.role.name in ("FIXTURE", "VENDORED"):
        return
    if view.code in _EXACT:
        problem = _exact_error(new, view.code)
        if problem is not None and _exact_error(old, view.code) is None and _agrees(view, problem):
            line, what = problem
            yield view.hit(BROKEN, (line, line), f"{what}; the old version parsed", about=what)
    elif view.code in _BRACED:
        yield from _by_brackets(view)


def _exact_error(text: str, code: str) -> tuple[int, str] | None:
    """(line, what) of the first error a real parser finds."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            match code:
                case "python":
                    ast.parse(text)
                case "json":
                    json.loads(text)
                case "toml":
                    tomllib.loads(text)
    except SyntaxError as error:
        return error.lineno or 1, error.msg
    except json.JSONDecodeError as error:
        return error.lineno, error.msg
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        return int(found[1]) if found else 1, str(error).partition(" (at")[0]
    except (ValueError, RecursionError, MemoryError):
        return None
    return None


def _agrees(view: FileView, problem: tuple[int, str]) -> bool:
    """Whether an error of Python is one in every version of Python: newer syntax is no error."""
    if view.code != "python" or "indent" in problem[1] or "never closed" in problem[1] or "unmatched" in problem[1]:
        return True
    return view.new_tree is not None and view.new_tree.root.has_error


def _by_brackets(view: FileView) -> Iterator[Hit]:
    if view.new_tree is None or not view.new_tree.root.has_error:
        return
    if view.old_tree is None or view.old_tree.root.has_error:
        return
    changed = "\n".join([*view.added.values(), *(line.text for line in view.removed)])
    if view.code in ("c", "cpp") and _MACROS.search(changed):
        return
    node = _first_error(view.new_tree.root)
    if node is None or _balance(view.new_tree) == _balance(view.old_tree) == {}:
        return
    line = min(view.added, key=lambda number: abs(number - line_of(node)), default=line_of(node))
    message = f"brackets do not match: the parser stops near line {line_of(node)}; the old version parsed"
    yield view.hit(BROKEN, (line, line), message, about="brackets")


def _first_error(root: Node) -> Node | None:
    stack = [root]
    while stack:
        node = stack.pop()
        if node.is_error or node.is_missing:
            return node
        stack += reversed([child for child in node.children if child.has_error or child.is_missing])
    return None


def _balance(tree: SyntaxTree) -> dict[str, int]:
    """Bracket -> how many more of it are opened than closed, where that is not 0; strings and comments do not count."""
    counts: dict[str, int] = dict.fromkeys(_BRACKETS, 0)
    closers = {closer: opener for opener, closer in _BRACKETS.items()}
    stack = [tree.root]
    while stack:
        node = stack.pop()
        if node.child_count:
            stack += node.children
        elif not node.is_missing and node.type in counts:
            counts[node.type] += 1
        elif not node.is_missing and node.type in closers:
            counts[closers[node.type]] -= 1
    return {bracket: count for bracket, count in counts.items() if count}
