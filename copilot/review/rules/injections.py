"""SQL, paths and HTML that are put together from values.

Does not know: schemas, templates, what a framework escapes by itself.
"""

import re
from collections.abc import Iterator

from copilot.review.called import Called
from copilot.review.finding import Severity
from copilot.review.flow import Origin, described, flow
from copilot.review.rule import Hit, Rule
from copilot.review.view import FileView, is_silenced

SQL = Rule(
    "sql-injection", "SQL built from a value", Severity.HIGH, "security",
    "A statement given to `execute`, `query`, `raw` and the like is put together from a parameter, from input or from a"
    " variable in the place of a value. Names of tables and columns, placeholders, constants, numbers and quoted names"
    " are fine.",
    0.8,
)  # fmt: skip
PATH = Rule(
    "path-from-input", "path taken from a request", Severity.HIGH, "security",
    "A file is opened, sent or removed at a path that comes straight from a request, without `basename`,"
    " `secure_filename` or `safe_join`.",
    0.85,
)  # fmt: skip
HTML = Rule(
    "html-injection", "HTML built from a value", Severity.MEDIUM, "security",
    "Text that is put together from a value is marked as safe HTML (`mark_safe`, `Markup`), or input is echoed as it is"
    " (`echo $_GET[…]`).",
    0.75,
)  # fmt: skip
RULES = (SQL, PATH, HTML)
_RUN = frozenset(
    {
        "execute", "executemany", "executescript", "raw", "query", "Query", "QueryRow", "Exec", "QueryContext",
        "ExecContext", "QueryRowContext", "executeQuery", "executeUpdate", "prepareStatement", "mysqli_query", "exec",
        "pg_query", "createQuery", "createNativeQuery", "queryForObject", "find_by_sql", "fetch_all", "fetchrow",
        "text", "RawSQL", "extra",
    }
)  # fmt: skip
_STATEMENT = re.compile(
    r"^\W*(?:[fFrRbBuU]{1,2}\W+)?(?:select\b.+\bfrom\b|insert\s+(?:or\s+\w+\s+)?into\b|update\b.+\bset\b|delete\s+from\b|replace\s+into\b)",
    re.IGNORECASE | re.DOTALL,
)
_VALUE_PLACE = re.compile(
    r"""(?:=|<|>|\blike\b|\bvalues\s*\(|\bin\s*\(|\blimit\b|,)\s*["'%]*"""
    r"""(?:\{\w*\}|%s|%\(\w+\)s|\N{OBJECT REPLACEMENT CHARACTER})""",
    re.IGNORECASE,
)
_OPEN = frozenset(
    {
        "open", "send_file", "sendFile", "readFile", "readFileSync", "createReadStream", "unlink", "unlinkSync",
        "remove", "rmtree", "file_get_contents", "fopen", "readfile", "include", "require", "ReadFile", "ServeFile",
        "Open", "FileInputStream", "FileReader", "FileResponse", "writeFile", "writeFileSync",
    }
)  # fmt: skip
_JOINS = frozenset({"os.path.join", "path.join", "path.resolve", "filepath.Join", "posixpath.join"})
_MARKS = frozenset({"mark_safe", "Markup", "SafeString", "django.utils.safestring.mark_safe", "markupsafe.Markup"})


def check(view: FileView) -> Iterator[Hit]:
    """Statements, paths and HTML among the added lines."""
    if view.is_aside or view.new_tree is None:
        return
    for call in view.touched:
        if not call.arguments or is_silenced(view.line(call.line)):
            continue
        if call.name in _RUN:
            yield from _statement(view, call)
        if call.name in _OPEN:
            yield from _path(view, call)
        if view.code == "python" and call.callee in _MARKS:
            value = flow(view.new_tree, call.arguments[0])
            if value.is_built and value.origin >= Origin.PARAMETER:
                message = f"{described(value)} ends up in the page unescaped; use format_html, or escape it"
                yield view.hit(HTML, (call.line, call.end_line), message)
    yield from _echoed(view)


def _statement(view: FileView, call: Called) -> Iterator[Hit]:
    assert view.new_tree is not None
    for argument in call.arguments[:2]:
        value = flow(view.new_tree, argument)
        if not value.is_built or not _STATEMENT.search(value.literal):
            continue
        if value.origin is Origin.INPUT or (value.origin >= Origin.UNKNOWN and _VALUE_PLACE.search(value.literal)):
            message = (
                f"the statement is put together from {described(value)}: whoever controls it can change what the"
                " statement does; pass it as a parameter"
            )
            yield view.hit(SQL, (call.line, call.end_line), message)
            return


def _path(view: FileView, call: Called) -> Iterator[Hit]:
    assert view.new_tree is not None
    value = flow(view.new_tree, call.arguments[0])
    text = view.new_tree.text(call.arguments[0])
    if value.origin is Origin.INPUT and not re.match(
        r"(?:sys\.argv|process\.argv|os\.Args|input\()", value.trail.strip("`")
    ):
        message = f"the path comes from {value.trail}: `../` leads anywhere; take the base name, or check where it ends"
        yield view.hit(PATH, (call.line, call.end_line), message)
    elif any(join in text for join in _JOINS) and value.origin is Origin.INPUT:
        yield view.hit(PATH, (call.line, call.end_line), "a joined path that starts with / leads anywhere; check it")


def _echoed(view: FileView) -> Iterator[Hit]:
    if view.code != "php" or view.new_tree is None:
        return
    for node in view.added_nodes:
        number = node.start_point.row + 1
        if node.type in ("echo_statement", "print_intrinsic") and not view.is_moved(number):
            values = [flow(view.new_tree, child) for child in node.named_children]
            if any(value.origin is Origin.INPUT for value in values):
                message = "input is printed as it came, scripts included; wrap it in htmlspecialchars()"
                yield view.hit(HTML, (number, number), message)
