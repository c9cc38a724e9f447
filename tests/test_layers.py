"""Imports point one way: the arrows of docs/architecture.md."""

import ast
from pathlib import Path

import pytest

import copilot

PACKAGE = Path(copilot.__file__).parent
BASE = {"errors", "events", "files", "lock"}
LAYERS: dict[str, set[str]] = {
    "errors": set(),
    "events": set(),
    "files": set(),
    "lock": set(),
    "repo": BASE,
    "engine": BASE,
    "host": BASE | {"engine"},
    "host/__main__": BASE | {"host", "app", "config", "engine"},
    "prompts": set(),
    "models": BASE,
    "config": BASE,
    "review": BASE | {"repo"},
    "tasks": BASE | {"repo", "review", "engine", "host", "prompts", "models", "config"},
    "app": BASE | {"repo", "review", "engine", "host", "models", "config", "tasks"},
    "cli": BASE | {"app", "tasks", "repo", "review", "engine", "host", "models"},
    "cli/offline": BASE | {"cli", "tasks", "testing"},
    "testing": BASE | {"engine"},
    "__init__": set(),
    "__main__": {"cli"},
}


def imported(path: Path) -> set[str]:
    """Parts of copilot that a module imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names.add(node.module or "")
        elif isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
    return {name.split(".")[1] for name in names if name.startswith("copilot.")} | (names & {"lsp"})


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_from_layers_below(path: Path) -> None:
    """Each part of the package uses itself and what stands below it, never what stands above."""
    name = path.relative_to(PACKAGE).with_suffix("").as_posix()
    part = name if name in LAYERS else name.split("/")[0]
    assert imported(path) <= LAYERS[part] | {part}


def test_only_one_package_imports_llama_cpp() -> None:
    """Everything else reaches llama.cpp through the Engine port."""
    users = [
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if "import llama_cpp" in (text := path.read_text()) or "from llama_cpp" in text
    ]
    assert users == ["engine/llama/library.py"]
