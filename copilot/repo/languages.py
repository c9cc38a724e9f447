"""The languages the repository reader understands: which files they are, their grammar and their query.

A language is one row of `LANGUAGES` and one `queries/<name>.scm`, or a reader of its own where no grammar is worth its
size. Does not know: what a definition is, any content.
"""

import functools
import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tree_sitter import Language as Grammar
from tree_sitter import Query

from copilot.repo import provided

if TYPE_CHECKING:
    from copilot.repo.tags import Structure


@dataclass(frozen=True, slots=True)
class Language:
    """One programming language. Equal rows give the same structure for the same text."""

    name: str
    grammar: str
    """Python package that holds the compiled grammar; imported on first use. "" if there is a reader."""
    extensions: tuple[str, ...]
    """File name endings with their dot, lower case."""
    queries: tuple[str, ...]
    """Names of the files in `queries/` that are joined into one query."""
    entry: str = "language"
    """Function of the package that returns the grammar."""
    reader: str = ""
    """Module with a function `structure(text) -> Structure` that reads it instead of a grammar and a query."""
    is_code: bool = True
    """Whether its definitions are things that other texts use; else they are places: keys, headings, rules."""
    has_bare_strings: bool = False
    """Whether a string may stand without quotes, as in a shell."""
    depth: int = 0
    """How deep in the tree a pattern may start, 0 for anywhere: what is only data is not looked at."""
    file_names: frozenset[str] = frozenset()
    """Whole file names without an ending that tells."""
    noise: frozenset[str] = frozenset()
    """Names the language itself provides; uses of them say nothing about a repository."""
    cue: str = ""
    """Regular expression: a text in which it occurs is of this language even if `shares` claims its extension."""
    shares: str = ""
    """Name of the language whose extensions this one shares."""


LANGUAGES: tuple[Language, ...] = (
    Language("python", "tree_sitter_python", (".py", ".pyi", ".pyw"), ("python",), noise=provided.PYTHON),
    Language(
        "javascript", "tree_sitter_javascript", (".js", ".mjs", ".cjs", ".jsx"), ("ecmascript", "javascript", "jsx"),
        noise=provided.JAVASCRIPT,
    ),
    Language(
        "typescript", "tree_sitter_typescript", (".ts", ".mts", ".cts"), ("ecmascript", "typescript"),
        "language_typescript", noise=provided.JAVASCRIPT,
    ),
    Language(
        "tsx", "tree_sitter_typescript", (".tsx",), ("ecmascript", "typescript", "jsx"), "language_tsx",
        noise=provided.JAVASCRIPT,
    ),
    Language("go", "tree_sitter_go", (".go",), ("go",), noise=provided.GO),
    Language("rust", "tree_sitter_rust", (".rs",), ("rust",), noise=provided.RUST),
    Language("java", "tree_sitter_java", (".java",), ("java",), noise=provided.JAVA),
    Language("c", "tree_sitter_c", (".c", ".h"), ("c_family", "c"), noise=provided.C),
    Language(
        "cpp", "tree_sitter_cpp",
        (".cc", ".cpp", ".cxx", ".c++", ".hh", ".hpp", ".hxx", ".h++", ".ipp", ".tpp", ".inl", ".ino"),
        ("c_family", "cpp"), noise=provided.C,
        cue=r"^[ \t]*(?:class\s+\w+|namespace\b|template\s*<|using\s+\w|(?:public|private|protected)\s*:)|\bstd::",
        shares="c",
    ),
    Language("kotlin", "tree_sitter_kotlin", (".kt", ".kts"), ("kotlin",), noise=provided.KOTLIN),
    Language("csharp", "tree_sitter_c_sharp", (".cs",), ("csharp",), noise=provided.CSHARP),
    Language(
        "ruby", "tree_sitter_ruby", (".rb", ".rake", ".gemspec", ".ru"), ("ruby",), noise=provided.RUBY,
        file_names=frozenset({"Gemfile", "Podfile", "Rakefile", "Vagrantfile"}),
    ),
    Language("php", "tree_sitter_php", (".php", ".phtml"), ("php",), "language_php", noise=provided.PHP),
    Language("swift", "tree_sitter_swift", (".swift",), ("swift",), noise=provided.SWIFT),
    Language("scala", "tree_sitter_scala", (".scala", ".sc", ".sbt"), ("scala",), noise=provided.SCALA),
    Language(
        "bash", "tree_sitter_bash", (".sh", ".bash", ".ksh"), ("bash",), noise=provided.BASH, has_bare_strings=True,
    ),
    Language("lua", "tree_sitter_lua", (".lua",), ("lua",), noise=provided.LUA),
    Language("sql", "", (".sql", ".ddl"), (), reader="copilot.repo.statements", noise=provided.SQL),
    Language("html", "tree_sitter_html", (".html", ".htm", ".xhtml"), ("html",), is_code=False),
    Language("css", "tree_sitter_css", (".css",), ("css",), is_code=False),
    Language("json", "tree_sitter_json", (".json", ".jsonc", ".webmanifest"), ("json",), is_code=False, depth=4),
    Language("yaml", "tree_sitter_yaml", (".yaml", ".yml"), ("yaml",), is_code=False, depth=7),
    Language("toml", "tree_sitter_toml", (".toml",), ("toml",), is_code=False, depth=2),
    Language(
        "markdown", "", (".md", ".markdown", ".mdx"), (), reader="copilot.repo.headings", is_code=False,
    ),
)  # fmt: skip

_BY_EXTENSION = {extension: language for language in LANGUAGES for extension in language.extensions}
_FAMILIES = {"typescript": "javascript", "tsx": "javascript", "cpp": "c", "kotlin": "java", "scala": "java"}
"""Languages whose code uses one another's names, besides itself."""
_BY_NAME = {name: language for language in LANGUAGES for name in language.file_names}


def language_of(path: str) -> Language | None:
    """Return the language of a file by its name (`path` is POSIX), or None for text without structure."""
    name = path.rpartition("/")[2]
    if name in _BY_NAME:
        return _BY_NAME[name]
    dot = name.rfind(".")
    return _BY_EXTENSION.get(name[dot:].lower()) if dot > 0 else None


def family(path: str) -> str:
    """What a file's language can be used together with; "" for none."""
    language = language_of(path)
    return _FAMILIES.get(language.name, language.name) if language else ""


def has_bare_strings(path: str) -> bool:
    """Tell whether strings may stand without quotes in a file: in settings, prose and shells."""
    language = language_of(path)
    return language is None or not language.is_code or language.has_bare_strings


def refine(language: Language, text: str) -> Language:
    """Return the language `text` really is when several share an extension: a C header may be C++."""
    for other in LANGUAGES:
        if other.shares == language.name and re.search(other.cue, text, re.MULTILINE):
            return other
    return language


@functools.cache
def grammar(language: Language) -> Grammar:
    """Load the compiled grammar of a language; threads may share it."""
    package = importlib.import_module(language.grammar)
    return Grammar(getattr(package, language.entry)())


@functools.cache
def query(language: Language) -> Query:
    """Compile the query of a language from its files; threads may share it."""
    folder = Path(__file__).parent / "queries"
    source = "\n".join((folder / f"{name}.scm").read_text("utf-8") for name in language.queries)
    return Query(grammar(language), source)


def reader(language: Language) -> "Callable[[str], Structure]":
    """Return the function that reads a language without a grammar."""
    read: Callable[[str], Structure] = importlib.import_module(language.reader).structure
    return read
