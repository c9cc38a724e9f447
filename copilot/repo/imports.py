"""Whether a file takes a name from another file, as its imports say.

Exact or nothing: an import that may lead elsewhere does not count. Does not know: package managers, search paths, what
the other file holds.
"""

import re
from pathlib import PurePosixPath

from copilot.repo.syntax import Node, SyntaxTree

_ECMASCRIPT = frozenset({"javascript", "typescript", "tsx"})
_INDEX = frozenset({"index", "__init__", "mod"})


def imports_name(tree: SyntaxTree, path: str, name: str, source: str) -> int | None:
    """The 1-based line where the file at `path` imports `name` from the file at `source`; None if it does not."""
    for node in tree.occurrences(name):
        statement = _statement(node)
        if statement is None:
            continue
        if tree.language.name == "python" and statement.type == "import_from_statement":
            module = statement.child_by_field_name("module_name")
            if module is None or _inside(node, module):
                continue
            if _is_alias(node) or not leads_to(path, tree.text(module), source):
                continue
            return int(node.start_point.row) + 1
        if tree.language.name in _ECMASCRIPT and statement.type == "import_statement":
            where = statement.child_by_field_name("source")
            specifier = node.parent
            if where is None or specifier is None or specifier.type != "import_specifier":
                continue
            if specifier.child_by_field_name("name") == node and resolves(path, tree.text(where).strip("\"'`"), source):
                return int(node.start_point.row) + 1
    return None


def leads_to(path: str, module: str, source: str) -> bool:
    """Whether a Python module name, as written in the file at `path`, is the file at `source`."""
    parts = PurePosixPath(source).with_suffix("").parts
    parts = parts[:-1] if parts[-1] == "__init__" else parts
    dots = len(module) - len(module.lstrip("."))
    names = tuple(part for part in module.lstrip(".").split(".") if part)
    if dots:
        folder = PurePosixPath(path).parent
        for _ in range(dots - 1):
            folder = folder.parent
        return (*folder.parts, *names) == parts
    if len(names) < 2 and len(parts) > 1 and PurePosixPath(path).parent != PurePosixPath(source).parent:
        return False  # a bare name may be any installed module
    return len(names) > 0 and parts[-len(names) :] == names


def resolves(path: str, written: str, source: str) -> bool:
    """Whether a relative import of JavaScript, as written in the file at `path`, is the file at `source`."""
    if not written.startswith("."):
        return False
    target = _normal(PurePosixPath(path).parent / written)
    bare = re.sub(r"\.(?:d\.ts|[cm]?[jt]sx?)$", "", target)
    own = re.sub(r"\.(?:d\.ts|[cm]?[jt]sx?)$", "", source)
    return bare == own or own == f"{bare}/index"


def _normal(path: PurePosixPath) -> str:
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            if not parts:
                return "?"
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def _statement(node: Node) -> Node | None:
    around = node.parent
    while around is not None and "statement" not in around.type:
        around = around.parent
    return around


def _inside(node: Node, outer: Node) -> bool:
    return outer.start_byte <= node.start_byte < outer.end_byte


def _is_alias(node: Node) -> bool:
    return node.parent is not None and node.parent.type == "aliased_import"


def is_same_package(path: str, source: str) -> bool:
    """Whether two files stand in one folder."""
    return PurePosixPath(path).parent == PurePosixPath(source).parent


def module_name(source: str) -> str:
    """What a module is called by those who import it whole: its stem, or its folder."""
    stem = PurePosixPath(source).stem.removesuffix(".d")
    return PurePosixPath(source).parent.name if stem in _INDEX else stem
