"""Other packers, pinned and installed into the user's cache folder, and how each is run with its default settings.

Knows nothing of trees, or of how a run is measured.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.trees import cache_folder, cached, run, say

AIDER, GITINGEST, REPOMIX = "aider-chat==0.86.2", "gitingest==0.3.1", "repomix@1.13.1"


@dataclass(frozen=True, slots=True)
class Packer:
    """A program that makes one text of a tree."""

    name: str
    command: Callable[[Path, Path], Sequence[str]]
    """From the tree and the file to write."""
    environment: Mapping[str, str] = field(default_factory=dict)
    keeps: bool = False
    """Whether it keeps what it learnt for its next run."""


def ours(vocabulary: Path, budget_tokens: int) -> Packer:
    """This project's `copilot pack`; `vocabulary` is the GGUF file whose tokens are counted."""
    root = Path(__file__).parents[2]
    compiled = (sys.executable, "-m", "compileall", "-q", "copilot")
    run(compiled, root, "mend what does not compile")  # as an installer does for everybody else
    options = ("--budget", str(budget_tokens), "--tokenizer", str(vocabulary))
    return Packer(
        "copilot pack",
        lambda tree, output: (sys.executable, "-m", "copilot", "pack", str(tree), *options, "-o", str(output)),
        {"PYTHONPATH": str(root)},  # the checkout at hand, whatever is installed
        keeps=True,
    )


def aider() -> Packer:
    """aider's RepoMap with the settings of its command line; a map of at most 8,192 tokens."""
    python, driver = _python(AIDER), Path(__file__).with_name("aider_map.py")
    return Packer(
        f"aider {AIDER.rpartition('=')[2]}, RepoMap",
        lambda tree, output: (str(python), str(driver), str(tree), str(output)),
        keeps=True,
    )


def repomix(*options: str) -> Packer:
    """repomix, everything on that is on by default: token counts and its look for secrets."""
    program = cached(_folder(REPOMIX), _install_repomix) / "node_modules" / "repomix" / "bin" / "repomix.cjs"
    return Packer(
        " ".join((REPOMIX.replace("@", " "), *options)),
        lambda tree, output: ("node", str(program), str(tree), "--style", "markdown", *options, "-o", str(output)),
    )


def gitingest() -> Packer:
    """gitingest of a local folder. It is given aider's vocabularies, or it could not count tokens offline."""
    python = _python(GITINGEST)
    (vocabularies,) = _python(AIDER).parents[1].glob("lib/*/site-packages/litellm/litellm_core_utils/tokenizers")
    return Packer(
        GITINGEST.replace("==", " "),
        lambda tree, output: (str(python), "-m", "gitingest", str(tree), "-o", str(output)),
        {"TIKTOKEN_CACHE_DIR": str(vocabularies)},
    )


def _python(requirement: str) -> Path:
    """The interpreter of a virtual environment that has only this."""

    def install(folder: Path) -> None:
        say(f"installing {requirement}")
        hint = f"{requirement} needs the Python package index and Python 3.10 to 3.12"
        run((sys.executable, "-m", "venv", str(folder)), folder.parent, hint)
        run((str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", requirement), folder.parent, hint)

    return cached(_folder(requirement), install) / "bin" / "python"


def _install_repomix(folder: Path) -> None:
    say(f"installing {REPOMIX}")
    folder.mkdir()
    run(
        ("npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), REPOMIX),
        folder,
        "repomix needs npm, its registry, and Node 20 or later",
    )


def _folder(requirement: str) -> Path:
    return cache_folder() / "peers" / requirement.replace("==", "-").replace("@", "-")
