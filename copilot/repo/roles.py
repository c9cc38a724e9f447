"""What a file is for, told from its path alone: source, test, manifest, vendored, data ...

Knows no content and no graph.
"""

import functools
import re
from enum import StrEnum

from copilot.repo.languages import language_of


class Role(StrEnum):
    """One role per file; the first that fits in the order of `role_of`."""

    README = "readme"
    MANIFEST = "project manifest"
    GUIDE = "contributor guide"
    ENTRY = "entry point"
    EXPORTS = "public exports"
    SOURCE = "source"
    DOCS = "documentation"
    CONFIG = "configuration"
    TEST = "test"
    EXAMPLE = "example"
    MIGRATION = "migration"
    VENDORED = "vendored"
    FIXTURE = "fixture"
    LOCALE = "translation"
    LEGAL = "licence or changelog"
    DATA = "data"


_MANIFESTS_TEXT = """pyproject.toml setup.py setup.cfg package.json cargo.toml go.mod pom.xml build.gradle
    build.gradle.kts cmakelists.txt makefile meson.build gemfile composer.json deno.json mix.exs package.swift"""
_MANIFESTS = frozenset(_MANIFESTS_TEXT.split())
_GUIDES = frozenset({"contributing", "architecture", "agents", "claude", "hacking", "development", "design"})
_LEGAL_TEXT = """license licence copying notice authors changelog changes history news contributors code_of_conduct
    security releases thanks maintainers codeowners acknowledgements"""
_LEGAL = frozenset(_LEGAL_TEXT.split())
_ENTRIES = frozenset({"main", "__main__", "cli", "app", "application", "server", "lib", "manage", "wsgi"})
_EXPORTS = frozenset({"__init__.py", "mod.rs", "index.ts", "index.js", "index.tsx"})
_TEST_FOLDERS = frozenset({"test", "tests", "testing", "__tests__", "spec", "specs", "e2e", "testsuite"})
_EXAMPLE_FOLDERS = frozenset({"example", "examples", "sample", "samples", "demo", "demos", "tutorial", "benchmarks"})
_FIXTURE_FOLDERS = frozenset({"fixtures", "fixture", "testdata", "test_data", "__snapshots__", "snapshots", "golden"})
_VENDOR_FOLDERS = frozenset({"vendor", "vendors", "_vendor", "third_party", "thirdparty", "node_modules", "external"})
_LOCALE_FOLDERS = frozenset({"locale", "locales", "i18n", "translations", "lang"})
_DOC_FOLDERS = frozenset({"doc", "docs", "documentation", "man"})
_DOC_ENDINGS = (".md", ".rst", ".adoc", ".txt", ".mdx", ".markdown")
_CONFIG_ENDINGS = (
    ".toml",
    ".yaml",
    ".yml",
    ".ini",
    ".cfg",
    ".conf",
    ".json",
    ".json5",
    ".properties",
    ".xml",
)
_DATA_ENDINGS = (
    ".csv",
    ".tsv",
    ".svg",
    ".po",
    ".pot",
    ".geojson",
    ".log",
    ".lock",
    ".ipynb",
    ".jsonl",
    ".dat",
)
_TEST_NAME = re.compile(r"^(test_.*|.*_tests?|.*[._-](test|spec)|conftest|.*[a-z](Test|Tests|Spec|IT))$")


@functools.lru_cache(maxsize=1 << 16)
def role_of(path: str) -> Role:
    """The role of a file; `path` is POSIX and relative to the root."""
    folders = [folder.lower() for folder in path.split("/")[:-1]]
    name = path.rpartition("/")[2]
    lower = name.lower()
    stem = name.rpartition(".")[0] or name
    by_folder = _role_of_folders(folders)
    if by_folder is not None:
        return by_folder
    if lower.startswith("readme"):
        return Role.README
    if (lower in _MANIFESTS and not _DOC_FOLDERS & set(folders)) or lower.endswith((".csproj", ".gemspec", ".cabal")):
        return Role.MANIFEST
    bare = lower.partition(".")[0].replace("-", "_")
    language = language_of(path)
    is_source = language is not None and language.is_code
    if not is_source and bare in _GUIDES:
        return Role.GUIDE
    if not is_source and bare in _LEGAL:
        return Role.LEGAL
    if is_source:
        return _role_of_source(lower, stem, folders)
    return _role_of_text(lower, folders)


def subject_stem(path: str) -> str:
    """`tests/test_walk.py` -> `walk`: the stem of the file a test is named after, "" if it is named after none."""
    stem = path.rpartition("/")[2].split(".")[0]
    for prefix in ("test_",):
        if stem.startswith(prefix):
            return stem.removeprefix(prefix)
    for suffix in ("_test", "_tests", "_spec", "Tests", "Test", "Spec"):
        if stem.endswith(suffix):
            return stem.removesuffix(suffix)
    return stem


def _role_of_folders(folders: list[str]) -> Role | None:
    for names, role in (
        (_VENDOR_FOLDERS, Role.VENDORED),
        (_FIXTURE_FOLDERS, Role.FIXTURE),
        (_LOCALE_FOLDERS, Role.LOCALE),
        ({"migrations"}, Role.MIGRATION),
    ):
        if any(folder in names for folder in folders):
            return role
    return None


def _role_of_source(lower: str, stem: str, folders: list[str]) -> Role:
    if _TEST_NAME.match(stem) or any(folder in _TEST_FOLDERS for folder in folders):
        return Role.TEST
    if any(folder in _EXAMPLE_FOLDERS for folder in folders):
        return Role.EXAMPLE
    if any(folder in _DOC_FOLDERS for folder in folders):
        return Role.DOCS
    if lower in _EXPORTS:
        return Role.EXPORTS
    is_entry = lower.partition(".")[0] in _ENTRIES or lower in ("index.js", "index.jsx", "index.mjs")
    return Role.ENTRY if is_entry else Role.SOURCE


def _role_of_text(lower: str, folders: list[str]) -> Role:
    if lower.endswith(_DATA_ENDINGS):
        return Role.DATA
    if any(folder in _TEST_FOLDERS for folder in folders):
        return Role.FIXTURE
    if any(folder in _EXAMPLE_FOLDERS for folder in folders):
        return Role.EXAMPLE
    if lower.endswith(_DOC_ENDINGS) or any(folder in _DOC_FOLDERS for folder in folders):
        return Role.DOCS
    if lower.endswith(_CONFIG_ENDINGS) or lower.startswith(".") or "." not in lower:
        return Role.CONFIG
    return Role.SOURCE
