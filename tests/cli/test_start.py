"""A command starts fast: it imports what it uses, and nothing of weight besides."""

import subprocess
import sys
from pathlib import Path

HEAVY = {"jinja2", "llama_cpp", "numpy", "rich", "tiktoken"}
PACK = f"""
import sys
from copilot.cli import main
code = main(["pack", sys.argv[1], "--budget", "2000", "--tokenizer", sys.argv[2], "-o", sys.argv[3]])
print(code, *sorted({HEAVY!r} & sys.modules.keys()))
"""


def imported(project: Path, tiny: Path, output: Path) -> str:
    """Exit code of a pack, and which of the heavy packages it imported."""
    done = subprocess.run(
        [sys.executable, "-c", PACK, project, tiny, output], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_a_warm_pack_into_a_file_imports_nothing_heavy(project: Path, tiny: Path, tmp_path: Path) -> None:
    """Numpy and the like take longer to import than the rest of the command takes to run."""
    first, second = tmp_path / "first.md", tmp_path / "second.md"
    assert imported(project, tiny, first).startswith("0")
    assert imported(project, tiny, second) == "0"
    assert first.read_bytes() == second.read_bytes() != b""
