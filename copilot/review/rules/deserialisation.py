"""Data that is turned into objects in ways that can run code.

Does not know: who can write the data; files that a program keeps for itself are judged alike.
"""

from collections.abc import Iterator

from copilot.review.called import Called
from copilot.review.finding import Severity
from copilot.review.flow import Origin, described, flow
from copilot.review.rule import Hit, Rule
from copilot.review.view import FileView, is_silenced

UNSAFE = Rule(
    "unsafe-deserialisation", "data turned into objects that can run code", Severity.HIGH, "security",
    "`pickle`, `marshal`, `shelve`, `dill` or PHP's `unserialize` on a parameter or on input, `yaml.load` without a"
    " safe loader, `yaml.unsafe_load`, Ruby's `Marshal.load`, .NET's `BinaryFormatter`; not in a file that did before.",
    0.75,
)  # fmt: skip
EXTRACT = Rule(
    "unsafe-extract", "archive unpacked without a filter", Severity.MEDIUM, "security",
    "`extractall` of a tar archive without `filter=`: its members may be written anywhere.",
    0.8,
)  # fmt: skip
RULES = (UNSAFE, EXTRACT)
_LOADERS = {
    "python": {
        "pickle.load", "pickle.loads", "cPickle.load", "cPickle.loads", "dill.load", "dill.loads", "marshal.loads",
        "marshal.load", "jsonpickle.decode", "cloudpickle.loads", "pickle.Unpickler",
    },
    "php": {"unserialize"},
    "ruby": {"Marshal.load", "YAML.unsafe_load"},
}  # fmt: skip
_SAFE_LOADERS = ("SafeLoader", "CSafeLoader", "BaseLoader")


def check(view: FileView) -> Iterator[Hit]:
    """Unsafe loaders among the added lines."""
    if view.is_aside or view.new_tree is None:
        return
    for call in view.touched:
        if is_silenced(view.line(call.line)):
            continue
        if call.callee in _LOADERS.get(view.code, ()):
            yield from _loaded(view, call)
        elif view.code == "python" and call.callee in ("yaml.load", "yaml.unsafe_load", "yaml.load_all"):
            yield from _yaml(view, call)
        elif view.code == "python" and call.name == "extractall" and "tarfile" in (view.file.new_text or ""):
            if "filter" not in call.keywords and "zip" not in call.callee.lower():
                message = 'a member named ../../x leaves the folder; pass filter="data"'
                yield view.hit(EXTRACT, (call.line, call.end_line), message)
        elif view.code == "csharp" and call.name == "Deserialize" and "BinaryFormatter" in (view.file.new_text or ""):
            yield view.hit(UNSAFE, (call.line, call.end_line), "BinaryFormatter runs what the data says; use JSON")


def _loaded(view: FileView, call: Called) -> Iterator[Hit]:
    assert view.new_tree is not None
    module = call.callee.partition(".")[0]
    if f"{module}.{call.name}" in (view.file.old_text or "") or not call.arguments:
        return
    if view.code == "php" and len(call.arguments) > 1:
        return  # allowed classes were thought of
    value = flow(view.new_tree, call.arguments[0])
    if value.origin >= Origin.PARAMETER or (view.code == "ruby" and value.origin > Origin.CONSTANT):
        message = f"`{call.callee}` runs what {described(value)} says; use JSON, or check a signature first"
        yield view.hit(UNSAFE, (call.line, call.end_line), message)


def _yaml(view: FileView, call: Called) -> Iterator[Hit]:
    assert view.new_tree is not None
    loader = call.keywords.get("Loader") or (call.arguments[1] if len(call.arguments) > 1 else None)
    name = view.new_tree.text(loader) if loader is not None else ""
    if name and (name.endswith(_SAFE_LOADERS) or not name.endswith(("Loader",)) or "." not in name):
        return
    mend = None
    if loader is None and call.callee == "yaml.load" and call.line == call.end_line:
        line = view.line(call.line).replace("yaml.load(", "yaml.safe_load(", 1)
        mend = view.suggestion(call.line, call.line, [line])
    message = f"`{call.callee}` builds any object the data names; use yaml.safe_load"
    yield view.hit(UNSAFE, (call.line, call.end_line), message, mend)
