"""What functions take and calls give, in every language that is compared."""

import pytest

from copilot.repo.calls import calls, fits, functions
from copilot.repo.languages import LANGUAGES
from copilot.repo.syntax import SyntaxTree
from copilot.repo.takes import Takes


def tree(code: str, text: str) -> SyntaxTree:
    language = next(each for each in LANGUAGES if each.name == code)
    found = SyntaxTree.of(text, language)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("code", "text", "least", "most"),
    [
        ("python", "def f(a, b=1): pass", 1, 2),
        ("python", "def f(a, *b, c): pass", 1, None),
        ("python", "class A:\n    def f(self, a: int = 1, /): pass", 0, 1),
        ("python", "class A:\n    @staticmethod\n    def f(a): pass", 1, 1),
        ("javascript", "function f(a, b = 1, ...c) {}", 1, None),
        ("javascript", "const f = (a, { b }) => 1;", 2, 2),
        ("typescript", "function f(this: X, a: number, b?: string) {}", 1, 2),
        ("go", "package p\nfunc f(a, b int, c ...string) {}", 2, None),
        ("go", "package p\nfunc f(int, string) {}", 2, 2),
        ("rust", "impl A { fn f(&self, a: u8, _: u8) {} }", 2, 2),
        ("java", "class A { void f(int a, String... b) {} }", 1, None),
        ("c", "static int *f(int a, const char *b) { return 0; }", 2, 2),
        ("c", "int f(void) { return 0; }", 0, 0),
        ("c", "int f(const char *a, ...) { return 0; }", 1, None),
        ("cpp", "int f(int a, int b = 2) { return 0; }", 1, 2),
        ("php", "<?php function f($a, $b = 1) {}", 1, None),
    ],
)
def test_a_function_takes_what_its_head_says(code: str, text: str, least: int, most: int | None) -> None:
    """Defaults, rest parameters and receivers are respected."""
    (function,) = functions(tree(code, text), ["f"])
    assert function.takes is not None
    assert (function.takes.least, function.takes.most) == (least, most)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("python", "@decorated\ndef f(a): pass"),
        ("javascript", "function f(a) { return arguments.length; }"),
        ("c", "int f() { return 0; }"),
        ("c", "int f(int a,\n#ifdef X\nint b\n#endif\n) { return 0; }"),
    ],
)
def test_what_cannot_be_told_is_not_guessed(code: str, text: str) -> None:
    """A decorator, `arguments`, an empty C head or a conditional one leave it open."""
    assert [function.takes for function in functions(tree(code, text), ["f"])] in ([None], [])


@pytest.mark.parametrize(
    ("code", "text", "positional", "receiver", "is_open"),
    [
        ("python", "f(1, *x)", 1, "", True),
        ("python", "a.b.f(1, k=2)", 1, "a.b", False),
        ("python", "f(i for i in x)", 1, "", False),
        ("javascript", "a?.f(1, ...b);", 1, "a", True),
        ("javascript", "new f(1);", 1, "", False),
        ("typescript", "f<number>(1, 2);", 2, "", False),
        ("go", "package p\nfunc g() { s.f(1, 2) }", 2, "s", False),
        ("go", "package p\nfunc g() { f(h()) }", 1, "", True),
        ("rust", "fn g() { a.f(1); }", 1, "a", False),
        ("rust", "fn g() { A::f::<u8>(1); }", 1, "A", False),
        ("java", "class A { void g() { this.f(1); } }", 1, "this", False),
        ("c", "void g(void) { p->f(1, 2); }", 2, "p", False),
        ("php", "<?php $o->f(1, 2);", 2, "$o", False),
    ],
)
def test_a_call_gives_what_stands_in_it(
    code: str, text: str, positional: int, receiver: str, is_open: bool
) -> None:  # fmt: skip
    """Arguments are counted, receivers named, spreads marked."""
    (call,) = calls(tree(code, text), ["f"])
    assert (call.positional, call.receiver, call.is_open) == (positional, receiver, is_open)


def test_a_name_that_is_not_called_is_no_call() -> None:
    """Definitions, mentions and members are not calls."""
    assert calls(tree("python", "def f(): pass\nx = f\ny.f\n'f()'\n# f()\n"), ["f"]) == []


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("f(1, 2)", True),
        ("f(1)", True),
        ("f()", False),
        ("f(1, 2, 3)", False),
        ("f(1, b=2)", True),
        ("f(1, a=2)", False),
        ("f(b=1, a=2)", True),
        ("f(b=1)", False),
        ("f(1, c=2)", False),
        ("f(**x)", True),
    ],
)
def test_keywords_and_positions_fit_together(call: str, expected: bool) -> None:
    """`def f(a, b=1)`: each way to call it, right and wrong."""
    takes = Takes(1, 2, ("a", "b"))
    (found,) = calls(tree("python", call), ["f"])
    assert fits(takes, found) is expected


def test_keyword_only_parameters_are_required_by_name() -> None:
    """`def f(a, *, b)` is not satisfied by position."""
    (function,) = functions(tree("python", "def f(a, *, b, c=1): pass"), ["f"])
    assert function.takes is not None
    given = calls(tree("python", "f(1, b=2)\nf(1, 2)\nf(1)\nf(1, b=2, c=3)\n"), ["f"])
    assert [fits(function.takes, call) for call in given] == [True, False, False, True]
