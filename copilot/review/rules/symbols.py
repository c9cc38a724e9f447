"""Names that a change takes away while something still uses them.

Exact or silent: a name counts only if nothing visible defines it any more, no added line mentions it, and the use is
resolved by the language's own rules. Does not know: types, what is made at run time.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from copilot.repo.calls import scope_of
from copilot.repo.imports import imports_name, is_same_package
from copilot.repo.languages import language_of
from copilot.repo.occurrences import is_bound, occurrences, uses
from copilot.repo.roles import Role, role_of
from copilot.repo.syntax import SyntaxTree
from copilot.repo.tags import Definition, structure
from copilot.review.change import ChangeView
from copilot.review.finding import Severity
from copilot.review.rule import Hit, Rule
from copilot.review.rules.imports import is_provided
from copilot.review.view import FileView

REMOVED = Rule(
    "removed-symbol", "removed name is still used", Severity.HIGH, "bug",
    "A function, class, type, constant or macro was removed or renamed, nothing in the repository defines it any more,"
    " and a line that the change did not touch still uses it (Python, JavaScript, TypeScript, Go, C, Java, Rust).",
    0.9,
)  # fmt: skip
RULES = (REMOVED,)
_CODES = frozenset({"python", "javascript", "typescript", "tsx", "go", "c", "java", "rust"})
_ECMASCRIPT = frozenset({"javascript", "typescript", "tsx"})
_KINDS = frozenset(
    {"function", "method", "class", "interface", "struct", "enum", "trait", "type", "constant", "macro", "module"}
)
_PROSE = frozenset({Role.DOCS, Role.README, Role.LEGAL, Role.LOCALE, Role.GUIDE})
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class _Gone:
    view: FileView
    definition: Definition


def check_changes(change: ChangeView) -> Iterator[Hit]:
    """Names that went away although they are used."""
    elsewhere: dict[str, list[_Gone]] = {}
    for view in change.views:
        for gone in _gone(change, view):
            places = _used_here(gone)
            if places:
                yield _hit(gone, places)
            else:
                elsewhere.setdefault(gone.definition.name, []).append(gone)
    yield from _still_used(change, elsewhere)


def _gone(change: ChangeView, view: FileView) -> Iterator[_Gone]:
    if view.code not in _CODES or view.is_aside or view.is_generated or view.file.old_text is None or view.file.note:
        return
    if view.file.diff.status == "renamed" and not view.removed:
        return
    removed = {line.old for line in view.removed}
    own = {definition.qualified for definition in view.new_structure.definitions} if view.file.new_text else set()
    for definition in view.old_structure.definitions:
        name = definition.name
        if (
            definition.kind not in _KINDS
            or len(name) < 3
            or is_provided(name)
            or (name.startswith("__") and name.endswith("__"))
        ):
            continue
        if not any(line in removed for line in range(definition.start_line, definition.end_line + 1)):
            continue
        if re.fullmatch(r"\w+", name) and definition.qualified not in own and name not in change.added_words:
            yield _Gone(view, definition)


def _used_here(gone: _Gone) -> list[str]:
    """The uses that are left in the same file, where names of other files cannot be meant."""
    view, name, tree = gone.view, gone.definition.name, gone.view.new_tree
    is_own = view.code in ("python", *_ECMASCRIPT) or (view.code == "c" and _is_static(gone.definition))
    if tree is None or not is_own or tree.root.has_error:
        return []
    if gone.definition.parent:
        lines = list(_own_methods(gone, tree)) if gone.definition.kind == "method" and view.code != "c" else []
    elif view.code == "c":
        found = [] if _is_defined_in_c(tree, name) else uses(tree, name)
        lines = [use.line for use in found if _is_call_or_type(use.node.parent, gone.definition)]
    else:
        lines = [] if is_bound(tree, name) else [use.line for use in uses(tree, name)]
    return [f"{view.path}:{line}" for line in sorted(set(lines))]


def _still_used(change: ChangeView, gone: dict[str, list[_Gone]]) -> Iterator[Hit]:
    """The uses in other files, or where names are global, that are left of names that nothing defines any more."""
    gone = {name: each for name, each in gone.items() if name not in change.defined}
    if not gone:
        return
    found: dict[str, list[str]] = {}
    dropped: set[str] = set()
    mentioned = change.mentions(gone)
    for path, names in sorted(mentioned.items()):
        live = [name for name in names if name not in dropped]
        text = change.text(path) if live else None
        if text is None:
            continue
        language = language_of(path)
        if language is None or not language.is_code:
            if role_of(path) not in _PROSE:
                dropped |= set(live)
            continue
        tree = SyntaxTree.of(text, language)
        dropped |= _defined(tree, text, live) if tree is not None else set(live)
        for name in live if tree is not None else ():
            assert tree is not None
            lines = {line for each in gone[name] for line in _uses(each, path, tree)}
            found.setdefault(name, []).extend(f"{path}:{line}" for line in sorted(lines))
    for name in sorted(found.keys() - dropped):
        if found[name]:
            yield _hit(gone[name][0], found[name])


def _defined(tree: SyntaxTree, text: str, names: list[str]) -> set[str]:
    """Which of the names a text gives a meaning to that others see."""
    if tree.language.name in ("c", "cpp"):
        return {name for name in names if _is_defined_in_c(tree, name)}
    return {definition.name for definition in structure(text, tree.language).definitions} & set(names)


def _hit(gone: _Gone, places: list[str]) -> Hit:
    definition, view = gone.definition, gone.view
    line = 1 if view.file.new_text is None else view.near(definition.start_line)
    more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
    message = (
        f"{definition.kind} `{definition.qualified}` is gone, but {', '.join(places[:_SHOWN])}{more} still"
        f" {'use' if len(places) > 1 else 'uses'} it; change that too, or keep the name"
    )
    return view.hit(REMOVED, (line, line), message, about=definition.qualified)


def _uses(gone: _Gone, path: str, tree: SyntaxTree) -> Iterator[int]:
    """The lines of a file that use what went away, and can mean nothing else."""
    name, source, code = gone.definition.name, gone.view.path, gone.view.code
    here = path == source or path == gone.view.file.diff.old_path
    if gone.definition.parent and code != "c":
        if here and code == "java" and gone.definition.kind == "method":
            yield from _own_methods(gone, tree)
        return
    if code == "python" or code in _ECMASCRIPT:
        if not here and (line := imports_name(tree, path, name, source)) is not None:
            yield line
    elif code == "go":
        if is_same_package(path, source) and tree.language.name == "go" and not is_bound(tree, name):
            yield from (use.line for use in uses(tree, name))
    elif code == "c" and tree.language.name == "c":
        if not _is_defined_in_c(tree, name) and (here or not _is_static(gone.definition)):
            yield from (use.line for use in uses(tree, name) if _is_call_or_type(use.node.parent, gone.definition))
    elif code in ("rust", "java") and here and not is_bound(tree, name):
        yield from (use.line for use in uses(tree, name))


def _own_methods(gone: _Gone, tree: SyntaxTree) -> Iterator[int]:
    """Where a class that has no bases calls, on itself, a method it no longer has."""
    name, scope = gone.definition.name, gone.definition.parent.rpartition(".")[2]
    if any(occurrence.does == "binds" for occurrence in occurrences(tree, name)):
        return
    if not _is_alone(gone.view, scope) or b"__getattr__" in tree.source or f'"{name}"'.encode() in tree.source:
        return
    for occurrence in occurrences(tree, name):
        parent = occurrence.node.parent
        owner = None if parent is None else parent.child_by_field_name("object")
        is_own = owner is not None and tree.text(owner) in ("self", "this", "cls")
        outer = None if parent is None else parent if parent.type == "method_invocation" else parent.parent
        is_call = outer is not None and outer.type in ("call", "call_expression", "method_invocation")
        if is_own and is_call and scope_of(tree, occurrence.node) == scope:
            yield occurrence.line


def _is_alone(view: FileView, scope: str) -> bool:
    """Whether a class of the old version names no bases and no decorator that may add to it."""
    for definition in view.old_structure.definitions:
        if definition.name == scope and definition.kind == "class":
            bases = re.search(rf"\b{re.escape(scope)}\s*(?:\(([^)]*)\)|(?:<[^{{]*>)?\s*(?:extends|implements)\b(.*))",
                              definition.signature)  # fmt: skip
            decorated = view.old_lines[definition.start_line - 1].lstrip().startswith("@")
            return not decorated and (bases is None or (bases[1] or "").strip() == "object" or bases[0].endswith("()"))
    return False


def _is_defined_in_c(tree: SyntaxTree, name: str) -> bool:
    """Whether a text gives a name a meaning; a prototype only promises one."""
    for occurrence in occurrences(tree, name):
        parent = occurrence.node.parent
        if occurrence.does != "binds" or parent is None:
            continue
        while parent.type in ("function_declarator", "pointer_declarator") and parent.parent is not None:
            parent = parent.parent
        if parent.type != "declaration" or occurrence.node.parent == parent:
            return True
    return False


def _is_static(definition: Definition) -> bool:
    return definition.signature.startswith("static ") or definition.kind == "constant"


def _is_call_or_type(parent: object, definition: Definition) -> bool:
    if definition.kind in ("function", "macro"):
        return getattr(parent, "type", "") == "call_expression"
    return definition.kind in ("struct", "enum", "type")
