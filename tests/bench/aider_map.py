"""aider's repository map of one git tree, made as its command line makes it. Run by an interpreter that has aider.

`python aider_map.py TREE OUTPUT`. Left out, in aider's favour: importing its chat client, and its terminal.
"""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from aider.repomap import RepoMap  # type: ignore[import-not-found]

MODEL_CONTEXT_TOKENS = 131_072
MAP_TOKENS = 4096
"""`Model.get_repo_map_tokens`: an eighth of the context, but at most this."""
TIMES_WITHOUT_FILES = 2
"""Default of `--map-multiplier-no-files`."""


def vocabularies() -> Path:
    """The folder with tiktoken's vocabularies that comes with litellm, which aider counts with."""
    spec = find_spec("litellm")
    if spec is None or spec.origin is None:
        sys.exit("this interpreter has no litellm; install aider-chat into it")
    return Path(spec.origin).parent / "litellm_core_utils" / "tokenizers"


class Model:
    """Counts tokens; all that the map wants of a model."""

    def __init__(self) -> None:
        os.environ["TIKTOKEN_CACHE_DIR"] = str(vocabularies())
        from tiktoken import get_encoding

        self._encoding = get_encoding("cl100k_base")

    def token_count(self, text: str) -> int:
        return len(self._encoding.encode(text, disallowed_special=()))


class Files:
    """Reads files and says what went wrong; all that the map wants of a terminal."""

    def read_text(self, path: str) -> str | None:
        try:
            return Path(path).read_text("utf-8")
        except (OSError, UnicodeError):
            return None

    def tool_output(self, message: str = "") -> None:
        sys.stderr.write(f"{message}\n")

    tool_warning = tool_error = tool_output


def main() -> None:
    tree, output = sys.argv[1:]
    listed = subprocess.run(("git", "ls-files", "-z"), cwd=tree, capture_output=True, check=True).stdout
    files = [os.path.join(tree, os.fsdecode(name)) for name in listed.split(b"\0") if name]  # noqa: PTH118
    repo_map = RepoMap(
        map_tokens=MAP_TOKENS,
        root=tree,
        main_model=Model(),
        io=Files(),
        max_context_window=MODEL_CONTEXT_TOKENS,
        map_mul_no_files=TIMES_WITHOUT_FILES,
    )
    text = repo_map.get_repo_map([], files)
    if not text:
        sys.exit("aider made no map")
    Path(output).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
