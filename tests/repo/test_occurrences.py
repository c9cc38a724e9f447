"""What a name does where it stands, and which file an import means."""

import pytest

from copilot.repo.imports import imports_name, leads_to, resolves
from copilot.repo.languages import LANGUAGES
from copilot.repo.occurrences import is_bound, occurrences, uses
from copilot.repo.syntax import SyntaxTree


def tree(code: str, text: str) -> SyntaxTree:
    found = SyntaxTree.of(text, next(each for each in LANGUAGES if each.name == code))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        ("python", "name = 1", ["binds"]),
        ("python", "a, name = b", ["binds"]),
        ("python", "for name in x: name", ["binds", "uses"]),
        ("python", "import name.x", ["binds"]),
        ("python", "from name import y", ["says"]),
        ("python", "from y import name as z", ["says"]),
        ("python", "from y import z as name", ["binds"]),
        ("python", "a.name(name=name)", ["member", "member", "uses"]),
        ("python", "def f(name=1): return [name for name in name]", ["binds", "uses", "binds", "uses"]),
        ("python", "with a as name: '''name'''  # name", ["binds"]),
        ("typescript", "import { name } from 'x';", ["binds"]),
        ("typescript", "const { a: name, name } = x;", ["binds", "binds"]),
        ("typescript", "x.name = { name, name: 1 };", ["member", "uses", "member"]),
        ("typescript", "function f(name: name) {}", ["binds", "uses"]),
        ("go", "package p\nfunc name() { x.name(name) }", ["binds", "member", "uses"]),
        ("go", "package p\nfunc f() { name := 1; name++ }", ["binds", "uses"]),
        ("c", "int name(void);\nint f(void) { return name() + p->name; }", ["binds", "uses", "member"]),
        ("c", "#define name(x) x\nstruct name { int name; };", ["binds", "binds", "member"]),
        ("rust", "fn name() { a.name(); name(); }", ["binds", "member", "uses"]),
        ("java", "class A { void name() { this.name(); name(); } }", ["binds", "member", "uses"]),
    ],
)
def test_a_name_does_what_the_syntax_around_it_says(code: str, text: str, expected: list[str]) -> None:
    """Binding, use and membership are told apart; strings and comments say nothing."""
    found = [each.does for each in occurrences(tree(code, text), "name") if each.does != "says" or expected == ["says"]]
    assert found == expected


def test_what_may_bind_unseen_counts_as_bound() -> None:
    """After `import *` any name may have a meaning."""
    assert is_bound(tree("python", "from x import *\nname"), "name")
    assert not is_bound(tree("python", "x = name"), "name")
    assert [use.line for use in uses(tree("python", "x = 1\nname()\n"), "name")] == [2]


@pytest.mark.parametrize(
    ("path", "module", "source", "expected"),
    [
        ("app/main.py", "app.core.engine", "app/core/engine.py", True),
        ("app/main.py", ".core.engine", "app/core/engine.py", True),
        ("app/core/x.py", "..main", "app/main.py", True),
        ("app/main.py", "app.core", "app/core/__init__.py", True),
        ("src/app/main.py", "app.core.engine", "src/app/core/engine.py", True),
        ("app/main.py", "engine", "app/core/engine.py", False),
        ("app/main.py", "other.engine", "app/core/engine.py", False),
        ("app/main.py", ".engine", "app/core/engine.py", False),
    ],
)
def test_a_python_module_is_one_file(path: str, module: str, source: str, expected: bool) -> None:
    """Relative and deep names are resolved; a bare one may be any installed module."""
    assert leads_to(path, module, source) is expected


@pytest.mark.parametrize(
    ("path", "written", "source", "expected"),
    [
        ("src/a.ts", "./b", "src/b.ts", True),
        ("src/a.ts", "./b.js", "src/b.ts", True),
        ("src/a.ts", "../lib/b", "lib/b/index.js", True),
        ("src/a.ts", "b", "src/b.ts", False),
        ("src/a.ts", "../../b", "b.ts", False),
    ],
)
def test_a_relative_import_is_one_file(path: str, written: str, source: str, expected: bool) -> None:
    """Endings and index files are found; packages are not guessed."""
    assert resolves(path, written, source) is expected


def test_an_imported_name_is_found_by_its_line() -> None:
    """The line of the import, or nothing where the module is another."""
    text = "import os\nfrom app.area import (\n    area,\n)\n"
    assert imports_name(tree("python", text), "use.py", "area", "app/area.py") == 3
    assert imports_name(tree("python", text), "use.py", "area", "app/other.py") is None
