"""Imports that a change removes, or leads nowhere, while they are needed.

Exact or silent: a name that something else may give a meaning does not count. Does not know: packages that are
installed, search paths.
"""

import builtins
import re
from collections.abc import Iterator

from copilot.repo.imports import leads_to, resolves
from copilot.repo.languages import language_of
from copilot.repo.occurrences import is_bound, occurrences, uses
from copilot.repo.syntax import Node
from copilot.repo.tags import structure
from copilot.review.change import ChangeView
from copilot.review.finding import Severity
from copilot.review.rule import Hit, Rule
from copilot.review.view import FileView

IMPORT = Rule(
    "removed-import", "removed import is still used", Severity.HIGH, "bug",
    "An import was removed, and the file still uses the name without giving it a meaning (Python, JavaScript,"
    " TypeScript).",
    0.95,
)  # fmt: skip
FILE = Rule(
    "removed-file", "deleted file is still imported", Severity.HIGH, "bug",
    "A file was deleted, and another one that stays still imports it by a path that can only mean it.",
    0.9,
)  # fmt: skip
RULES = (IMPORT, FILE)
_ECMASCRIPT = frozenset({"javascript", "typescript", "tsx"})
_GLOBALS = frozenset(
    {
        "structuredClone", "fetch", "URL", "URLSearchParams", "AbortController", "AbortSignal", "TextEncoder",
        "TextDecoder", "Buffer", "process", "Promise", "setTimeout", "setInterval", "setImmediate", "clearTimeout",
        "queueMicrotask", "performance", "crypto", "Headers", "Request", "Response", "FormData", "Blob", "File",
        "Event", "EventTarget", "WebSocket", "ReadableStream", "globalThis", "console", "Symbol", "Map", "Set",
        "WeakMap", "WeakSet", "Proxy", "Reflect", "BigInt", "Intl", "Object", "Array", "Error", "JSON", "React",
        "describe", "test", "expect", "beforeEach", "afterEach", "beforeAll", "afterAll", "jest", "require", "module",
    }
)  # fmt: skip
"""What JavaScript or its surroundings give a meaning without an import."""
_SHOWN = 3


def check_changes(change: ChangeView) -> Iterator[Hit]:
    """Imports that are missing now."""
    for view in change.views:
        yield from _imports(view)
    yield from _deleted_files(change)


def is_provided(name: str) -> bool:
    """Whether a language gives a name a meaning by itself."""
    return name in _GLOBALS or hasattr(builtins, name)


def _imports(view: FileView) -> Iterator[Hit]:
    """Imports that were removed while the file still uses their names."""
    if view.code not in ("python", *_ECMASCRIPT) or view.new_tree is None or view.old_tree is None:
        return
    if view.new_tree.root.has_error or not view.file.diff.hunks:
        return
    words = sorted({word for line in view.removed for word in re.findall(r"[A-Za-z_]\w*", line.text)})
    removed = {line.old for line in view.removed}
    for name in words:
        was = [
            place for place in occurrences(view.old_tree, name)
            if place.does == "binds" and place.line in removed and _is_import(place.node)
        ]  # fmt: skip
        if not was or is_provided(name) or is_bound(view.new_tree, name):
            continue
        if view.code != "python" and f"declare {name}" in (view.file.new_text or ""):
            continue
        left = [use.line for use in uses(view.new_tree, name)]
        if left:
            line = view.near(was[0].line)
            message = f"`{name}` is no longer imported, but line {left[0]} uses it; import it again or change that line"
            yield view.hit(IMPORT, (line, line), message, about=name)


def _is_import(node: Node) -> bool:
    parent = node.parent
    while parent is not None:
        if parent.type in ("import_statement", "import_from_statement"):
            return True
        if parent.type.endswith(("_definition", "_declaration", "block")):
            return False
        parent = parent.parent
    return False


def _deleted_files(change: ChangeView) -> Iterator[Hit]:
    """Files that were deleted while others import them."""
    gone = {
        view.path: view for view in change.views
        if view.file.diff.status == "deleted" and view.code in ("python", *_ECMASCRIPT) and not view.is_aside
    }  # fmt: skip
    stems = {re.sub(r"\W", "", path.rpartition("/")[2].partition(".")[0]): path for path in gone}
    stems = {stem: path for stem, path in stems.items() if len(stem) > 2 and stem not in ("index", "__init__")}
    mentioned = change.mentions(stems)
    for stem, path in sorted(stems.items()):
        places = []
        for user, names in sorted(mentioned.items()):
            text = change.text(user) if stem in names and user not in gone else None
            if text is not None and language_of(user) is not None:
                places += [f"{user}" for module in structure(text, language_of(user)).imports
                           if _means(user, module, path)]  # fmt: skip
        if places and not change.replaces(path):
            message = f"{', '.join(places[:_SHOWN])} still imports {path}; change that too, or keep the file"
            yield gone[path].hit(FILE, (1, 1), message, about=path)


def _means(user: str, module: str, path: str) -> bool:
    """Whether an import as written can mean nothing but the file at `path`."""
    if path.endswith(".py"):
        is_relative = module.startswith(".")
        deep = module.count(".") >= 2 or is_relative
        return user.endswith(".py") and deep and leads_to(user, module, path)
    return resolves(user, module, path)
