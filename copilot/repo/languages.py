"""The languages the repository reader understands: which files they are, their grammar and their query.

A language is one row of `LANGUAGES` and one `queries/<name>.scm`. Does not know: what a definition is, any content.
"""

import functools
import importlib
import re
from dataclasses import dataclass
from importlib import resources

from tree_sitter import Language as Grammar
from tree_sitter import Query

from copilot.repo import provided


@dataclass(frozen=True, slots=True)
class Language:
    """One programming language. Equal rows give the same structure for the same text."""

    name: str
    grammar: str
    """Python package that holds the compiled grammar; imported on first use."""
    extensions: tuple[str, ...]
    """File name endings with their dot, lower case."""
    queries: tuple[str, ...]
    """Names of the files in `queries/` that are joined into one query."""
    entry: str = "language"
    """Function of the package that returns the grammar."""
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
)  # fmt: skip

_BY_EXTENSION = {extension: language for language in LANGUAGES for extension in language.extensions}


def language_of(path: str) -> Language | None:
    """Return the language of a file by its name (`path` is POSIX), or None for text without structure."""
    name = path.rpartition("/")[2]
    dot = name.rfind(".")
    return _BY_EXTENSION.get(name[dot:].lower()) if dot > 0 else None


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
    folder = resources.files(__package__).joinpath("queries")
    source = "\n".join(folder.joinpath(f"{name}.scm").read_text("utf-8") for name in language.queries)
    return Query(grammar(language), source)
