"""Functions that take other arguments now, while calls that were not changed still give the old ones.

A call counts if it fitted the old function, does not fit the new one, and can mean no other function. Does not know:
types, calls through variables, overriding in other files.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from copilot.repo.calls import LANGUAGES, Call, Function, calls, fits, functions
from copilot.repo.imports import imports_name, is_same_package, leads_to, module_name
from copilot.repo.languages import language_of
from copilot.repo.occurrences import occurrences
from copilot.repo.syntax import SyntaxTree
from copilot.repo.takes import Takes
from copilot.review.change import ChangeView
from copilot.review.finding import Severity
from copilot.review.rule import Hit, Rule
from copilot.review.view import FileView

CALLERS = Rule(
    "signature-callers", "callers do not fit the changed signature", Severity.HIGH, "bug",
    "The arguments a function takes were changed, and calls outside of the change fit only the old ones. Counts and"
    " names of arguments are compared; defaults, rest parameters, spread arguments and decorators are respected, and"
    " where a call may mean another function the rule is silent.",
    0.9,
)  # fmt: skip
RULES = (CALLERS,)
_ECMASCRIPT = frozenset({"javascript", "typescript", "tsx"})
_SELF = frozenset({"self", "this", "cls", "$this", "Self"})
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class _Changed:
    view: FileView
    function: Function
    """As it is now."""
    called: str
    """The name it is called by: that of the class for a constructor."""
    old: Takes
    new: Takes
    is_static: bool
    """Whether C makes it visible in its own file only."""


def check_changes(change: ChangeView) -> Iterator[Hit]:
    """Functions whose callers were forgotten."""
    changed = [each for view in change.views for each in _changed(view)]
    if not changed:
        return
    mentioned = change.mentions({each.called for each in changed})
    trees: dict[str, SyntaxTree] = {}
    for path in mentioned:
        text = change.text(path)
        tree = SyntaxTree.of(text, language_of(path)) if text else None
        if tree is not None:
            trees[path] = tree
    for each in changed:
        users = [path for path, names in sorted(mentioned.items()) if each.called in names and path in trees]
        if _is_unique(each, [(path, trees[path]) for path in users]):
            places = [place for path in users for place in _misfits(change, each, path, trees[path])]
            if places:
                yield _hit(each, places)


def _changed(view: FileView) -> Iterator[_Changed]:
    """The functions of a file that take other arguments than before."""
    if view.code not in LANGUAGES or view.is_generated or view.file.note or not view.added:
        return
    if view.old_tree is None or view.new_tree is None:
        return
    names = sorted(_with_other_signature(view))
    old, new = _singles(functions(view.old_tree, names)), _singles(functions(view.new_tree, names))
    for key in sorted(old.keys() & new.keys()):
        before, now = old[key].takes, new[key].takes
        if before is None or now is None or before == now:
            continue
        scope, name = key
        is_constructor = name in ("__init__", "constructor", "__construct") or name == scope
        if name.startswith("__") and not is_constructor:
            continue
        if view.code == "javascript" and _is_lenient(before, now):
            continue
        static = view.code in ("c", "cpp") and "static" in view.line(new[key].line - 1) + view.line(new[key].line)
        if view.code == "cpp" and not static:
            continue  # overloads may be anywhere
        yield _Changed(view, new[key], scope if is_constructor else name, before, now, static)


def _with_other_signature(view: FileView) -> set[str]:
    """Names of functions whose heads differ between the versions."""
    heads = [
        {(d.qualified, d.signature) for d in structure.definitions if d.kind in ("function", "method", "constant")}
        for structure in (view.old_structure, view.new_structure)
    ]
    touched = {name for name, _ in heads[0] ^ heads[1]}
    touched |= {name for side in heads for name, signature in side if signature.endswith("…")}
    return {name.rpartition(".")[2] for name in touched}


def _singles(found: list[Function]) -> dict[tuple[str, str], Function]:
    """By scope and name, without those that a text defines more than once, and without local ones."""
    by_key: dict[tuple[str, str], list[Function]] = {}
    for function in found:
        by_key.setdefault((function.scope, function.name), []).append(function)
    return {key: some[0] for key, some in by_key.items() if len(some) == 1 and not some[0].is_local}


def _is_lenient(old: Takes, new: Takes) -> bool:
    """Whether JavaScript would hardly mind: parameters added or dropped at the end are undefined or ignored."""
    return (new.most or 0) >= (old.most or 0) or new.most is None or old.most is None


def _is_unique(changed: _Changed, trees: list[tuple[str, SyntaxTree]]) -> bool:
    """Whether, where names are global, no other function or macro has this one."""
    is_alone = changed.view.code in ("c", "cpp", "php") or (
        changed.view.code in ("java", "go") and changed.function.scope
    )
    if not is_alone:
        return True
    if changed.is_static:
        trees = [(path, tree) for path, tree in trees if path == changed.view.path]
    others = 0
    for path, tree in trees:
        for place in occurrences(tree, changed.called):
            parent = place.node.parent
            if parent is not None and parent.type in ("preproc_function_def", "preproc_def"):
                return False
        is_own = path == changed.view.path
        names = [f for f in functions(tree, [changed.called]) if not is_own or f.line != changed.function.line]
        others += len(names)
    return others == 0


def _misfits(change: ChangeView, changed: _Changed, path: str, tree: SyntaxTree) -> Iterator[str]:
    """The calls in a file that fitted and do not fit any more."""
    if (changed.view.code in _ECMASCRIPT) != (tree.language.name in _ECMASCRIPT):
        return
    if changed.view.code not in _ECMASCRIPT and tree.language.name != changed.view.code:
        return
    view = change.view(path)
    for call in calls(tree, [changed.called]):
        if view is not None and any(line in view.added for line in range(call.line, call.end_line + 1)):
            continue
        if fits(changed.old, call) and not fits(changed.new, call) and _means(changed, call, path, tree):
            yield f"{path}:{call.line}"


def _means(changed: _Changed, call: Call, path: str, tree: SyntaxTree) -> bool:
    """Whether a call can mean nothing but the changed function."""
    is_here = path == changed.view.path
    scope, code = changed.function.scope, changed.view.code
    is_method = bool(scope) and changed.called == changed.function.name
    if is_method:
        if call.receiver in _SELF or (not call.receiver and code == "java"):
            return is_here and call.scope == scope and not _has_bases(changed, scope)
        return code == "go" and _is_private_method(changed, path)
    if call.receiver:
        return _means_module(changed, call, path, tree)
    if _is_rebound(changed, tree, is_here):
        return False
    if is_here or (code == "c" and not changed.is_static):
        return True
    if code == "go":
        return is_same_package(path, changed.view.path)
    if code in ("python", *_ECMASCRIPT):
        return imports_name(tree, path, changed.called, changed.view.path) is not None
    return code == "php" and not scope


def _means_module(changed: _Changed, call: Call, path: str, tree: SyntaxTree) -> bool:
    """Whether `module.function(...)` means the changed function."""
    source = changed.view.path
    if changed.view.code == "python":
        if call.receiver.rpartition(".")[2] != module_name(source):
            return False
        return any(leads_to(path, module, source) for module in _python_modules(tree, call.receiver))
    if changed.view.code == "go":
        folder = source.rpartition("/")[0]
        return bool(folder) and folder.rpartition("/")[2] == call.receiver and f'/{folder}"'.encode() in tree.source
    return False


def _python_modules(tree: SyntaxTree, receiver: str) -> Iterator[str]:
    """The modules that a name may be, by the imports of a text."""
    text = tree.source.decode("utf-8", "replace")
    last = re.escape(receiver.rpartition(".")[2])
    for match in re.finditer(rf"^[ \t]*from[ \t]+([\w.]+)[ \t]+import[ \t(]+[^#\n]*\b{last}\b", text, re.MULTILINE):
        separator = "" if match[1].endswith(".") else "."
        yield f"{match[1]}{separator}{receiver}"
    if re.search(rf"^[ \t]*import[ \t]+{re.escape(receiver)}\b", text, re.MULTILINE):
        yield receiver


def _is_private_method(changed: _Changed, path: str) -> bool:
    """Whether a Go method can be called from its own package only; whether it is the only one is checked by name."""
    name = changed.function.name
    return False if name[:1].isupper() or len(name) < 6 else is_same_package(path, changed.view.path) and bool(path)


def _is_rebound(changed: _Changed, tree: SyntaxTree, is_here: bool) -> bool:
    """Whether a file gives the name another meaning somewhere."""
    for place in occurrences(tree, changed.called):
        if place.does != "binds":
            continue
        parent = place.node.parent
        kind = parent.type if parent is not None else ""
        if is_here and place.line == changed.function.line:
            continue
        if kind in ("class_definition", "class_declaration") and is_here and changed.called == changed.function.scope:
            continue
        if kind in ("function_declarator", "dotted_name", "import_specifier", "method_declaration"):
            continue  # prototypes and imports
        return True
    return False


def _has_bases(changed: _Changed, scope: str) -> bool:
    if changed.view.code != "java":
        return False
    return any(
        definition.name == scope and " extends " in definition.signature
        for definition in changed.view.new_structure.definitions
    )


def _hit(changed: _Changed, places: list[str]) -> Hit:
    more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
    message = (
        f"`{changed.called}` takes {described(changed.new)} now, but {', '.join(places[:_SHOWN])}{more} still"
        f" {'call' if len(places) > 1 else 'calls'} it with what it took before ({described(changed.old)});"
        " change the calls, or give the new parameter a default"
    )
    function = changed.function
    return changed.view.hit(
        CALLERS, (function.line, function.signature_end), message, about=f"{function.scope}.{function.name}"
    )


def described(takes: Takes) -> str:
    """What a function takes, in words: "2 to 3 arguments"."""
    most = takes.most
    if most is None:
        words = f"{takes.least} or more arguments"
    elif most == takes.least:
        words = f"{most} argument{'' if most == 1 else 's'}"
    else:
        words = f"{takes.least} to {most} arguments"
    names = [name for name in takes.names if name]
    required = f", `{'`, `'.join(sorted(takes.required_names))}` by name" if takes.required_names else ""
    return words + (f": {', '.join(names)}" if names else "") + required
