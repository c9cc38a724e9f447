"""The outline of a source text: its signatures indented as in the source, first lines of documentation, no bodies.

Does not know: budgets, files, languages; lines and scopes are the structure's, indentation and comment sign the text's.
"""

import re
from collections import Counter
from collections.abc import Sequence

from copilot.repo.nesting import FUNCTIONS, TITLES
from copilot.repo.tags import Definition, Structure

_DECORATOR = re.compile(r"[ \t]*(?:@[A-Za-z_]|#!?\[)")
_MODULE_DOC = re.compile(r"(?:\ufeff|#[^\n]*\n|\s)*[rRuU]?(\"\"\"|''')\s*([^\n]*)")
_COMMENT = re.compile(r"\n[ \t]*(/[/*]|--(?=[ \-\[\n]|\Z)|#(?!!)|<!--)")
"""At the start of a line; a pattern that begins with a character is found faster than one that begins with `^`."""
_MOST_TITLES = 40
"""Of keys, rules and the like, under one parent; the rest of them says little more."""

_LINE_CHARS = 200
_INDENT = "    "


def outline(text: str, structure: Structure) -> str:
    """Return a line per definition that is not local to a function, with its decorators above and its doc below.

    "" if nothing is defined, else it ends with a newline; a text shorter than that is its own outline.
    """
    if not structure.definitions:
        return ""
    lines = text.split("\n")
    sign = _comment_sign(text)
    out = [f"{sign} {_cut(doc)}"] if (doc := _module_doc(text)) else []
    around: list[Definition] = []
    indents: list[str] = []
    last_line = 0
    titles: Counter[str] = Counter()
    for definition in structure.definitions:
        while around and not _holds(around[-1], definition):
            around.pop()
            indents.pop()
        is_local = any(outer.kind in FUNCTIONS for outer in around)
        indent = _indent_of(lines, definition) if around else ""
        if around and definition.start_line == last_line:
            indent = indents[-1] + _INDENT
        if definition.kind in TITLES:
            titles[definition.parent] += 1
            if titles[definition.parent] == _MOST_TITLES + 1:
                out.append(f"{indent}…")
            if titles[definition.parent] > _MOST_TITLES or (around and definition.end_line == around[-1].start_line):
                continue
        last_line = definition.start_line
        around.append(definition)
        indents.append(indent)
        if not is_local:
            unit = "\t" if indent.endswith("\t") else _INDENT
            out += [indent + line for line in _entry(lines, definition, unit + sign)]
    joined = "".join(line + "\n" for line in out)
    return joined if len(joined) <= len(text) else text.rstrip() + "\n"


def _comment_sign(text: str) -> str:
    """What starts a comment in a language whose texts look like this one; `#` may start other things as well."""
    signs = Counter(_COMMENT.findall("\n" + text))
    if signs["--"] > max(signs["//"] + signs["/*"], signs["#"]):
        return "--"
    if signs["//"] or signs["/*"]:
        return "//"
    return "<!--" if signs["<!--"] and not signs["#"] else "#"


def _entry(lines: Sequence[str], definition: Definition, doc_sign: str) -> list[str]:
    entry = []
    if not definition.signature.startswith(("@", "#[")):
        for line in lines[definition.start_line - 1 : definition.end_line]:
            if not _DECORATOR.match(line):
                break
            entry.append(_cut(line.strip()))
    entry.append(definition.signature)
    if definition.doc:
        entry.append(f"{doc_sign} {definition.doc}")
    return entry


def _holds(outer: Definition, inner: Definition) -> bool:
    """Whether `inner` lies in `outer` by lines and by name; a Go method lies in its type by name only."""
    if inner.start_line > outer.end_line:
        return False
    return f"{inner.parent}.".startswith(f"{outer.qualified}.")


def _indent_of(lines: Sequence[str], definition: Definition) -> str:
    line = lines[definition.start_line - 1] if definition.start_line <= len(lines) else ""
    return line[: len(line) - len(line.lstrip(" \t"))][:_LINE_CHARS]


def _module_doc(text: str) -> str:
    """First line of a Python module's docstring, "" if there is none."""
    found = _MODULE_DOC.match(text)
    return found[2].replace(found[1], "").strip() if found else ""


def _cut(line: str) -> str:
    return line if len(line) <= _LINE_CHARS else f"{line[: _LINE_CHARS - 1].rstrip()}…"
