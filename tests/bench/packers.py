"""CPU time and memory of `copilot pack` beside other packers, as the Markdown table of docs/packing.md.

`python -m tests.bench.packers [--trees FOLDER] [--only NAME] [--times N]` runs each program over fresh git repositories
made of published source trees, one program at a time and without a network. Knows nothing of how good a pack is.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.measure import CommandFailedError, Cost, measure, offline
from tests.bench.peers import Packer, aider, gitingest, ours, repomix
from tests.bench.trees import Archive, check, download, say

BUDGET_TOKENS = 131_072
TREES = {
    Archive("sympy", "1.13.3"): ".py",
    Archive("django", "5.2"): ".py",
    Archive("effect", "4.1.0", "npm", "src"): ".ts",
    Archive("guava-libraries", "32.0.1-1", "debian"): ".java",
}
"""Each tree with the ending of its main language."""
FUNCTIONS = {
    ".py": "\n\ndef appended_by_the_benchmark(value):\n    return value + 1\n",
    ".ts": "\nexport function appendedByTheBenchmark(value: number): number {\n  return value + 1\n}\n",
    ".java": "\nclass AppendedByTheBenchmark {\n  static int next(int value) {\n    return value + 1;\n  }\n}\n",
}
"""What an edit appends."""
COLD, WARM, EDITED = "cold", "again", "one file edited"
QUIET = 0.5
"""Load average from which on others share the cores, which makes the same work take more CPU seconds."""


@dataclass(frozen=True, slots=True)
class Room:
    """A fresh copy of a tree and an empty home, for one packer alone."""

    tree: Path
    home: Path

    @property
    def output(self) -> Path:
        return self.home / "pack.md"

    def environment(self, packer: Packer) -> dict[str, str]:
        """Nothing of the user's but the path of programs; whoever looks for a network is sent nowhere."""
        nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
        return (
            {"PATH": os.environ["PATH"], "HOME": str(self.home), "LANG": "C.UTF-8"} | nowhere | dict(packer.environment)
        )

    def run(self, packer: Packer) -> Cost:
        self.output.unlink(missing_ok=True)
        command = (*offline(), *packer.command(self.tree, self.output))
        cost = measure(command, self.home, self.environment(packer))
        if not self.output.stat().st_size:
            raise CommandFailedError(f"{packer.name} wrote an empty file")
        say(f"{self.tree.name}: {packer.name}: {_cell(cost)}")
        return cost


@dataclass(frozen=True, slots=True)
class Column:
    """What was measured on one tree."""

    title: str
    costs: dict[tuple[str, str], Cost]
    """By packer and state; packers that keep nothing have the state `COLD` only."""


def furnish(archive: Archive, source: Path, scratch: Path) -> Room:
    """A room whose tree is a git repository of one commit, so that all packers see the same files."""
    room = Room(scratch / archive.folder, scratch / "home")
    room.home.mkdir()
    shutil.copytree(source, room.tree, symlinks=True)
    settings = ("user.name=bench", "user.email=bench@localhost", "core.autocrlf=false", "gc.auto=0")
    git = ("git", *(word for setting in settings for word in ("-c", setting)))
    for command in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "-m", archive.folder)):
        subprocess.run((*git, *command), cwd=room.tree, env=os.environ | {"HOME": str(room.home)}, check=True)
    return room


def tracked(tree: Path) -> list[Path]:
    """The regular files that git tracks."""
    listed = subprocess.run(("git", "ls-files", "-z"), cwd=tree, capture_output=True, check=True).stdout
    paths = [tree / os.fsdecode(name) for name in listed.split(b"\0") if name]
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def middle_file(room: Room, packer: Packer, ending: str) -> str:
    """The path, below the tree, of the file of median rank among those with this ending. Runs our packer."""
    command = (*packer.command(room.tree, room.output), "--format", "json")
    subprocess.run(command, env=room.environment(packer), check=True)
    files = json.loads(room.output.read_text("utf-8"))["files"]
    ranked = sorted((file["rank"], file["path"]) for file in files if file["path"].endswith(ending))
    path: str = ranked[len(ranked) // 2][1]
    return path


def measure_tree(archive: Archive, source: Path, packers: Sequence[Packer]) -> Column:
    """All packers on one tree. The first is ours, whose ranks choose the file that is edited."""
    costs: dict[tuple[str, str], Cost] = {}
    edited, title = "", ""
    for packer in packers:
        with tempfile.TemporaryDirectory() as scratch:
            room = furnish(archive, source, Path(scratch).resolve())
            title = title or _title(archive, tracked(room.tree))
            costs[packer.name, COLD] = room.run(packer)
            edited = edited or middle_file(room, packer, TREES[archive])
            if packer.keeps:
                costs[packer.name, WARM] = room.run(packer)
                with (room.tree / edited).open("a", encoding="utf-8") as file:
                    file.write(FUNCTIONS[TREES[archive]])
                costs[packer.name, EDITED] = room.run(packer)
    return Column(title, costs)


def best(columns: Sequence[Column]) -> Column:
    """Of several measurements of one tree the least CPU time of each run, and the most memory."""
    costs = {
        run: Cost(
            min(column.costs[run].cpu_s for column in columns),
            max(column.costs[run].peak_bytes for column in columns),
        )
        for run in columns[0].costs
    }
    return Column(columns[0].title, costs)


def _title(archive: Archive, files: Sequence[Path]) -> str:
    size = sum(path.stat().st_size for path in files)
    return f"{archive.name} {archive.version}: {len(files):,} files, {size / 1e6:.0f} MB"


def table(columns: Sequence[Column]) -> Iterator[str]:
    """A line per run with CPU seconds and memory on each tree, then how ours compares with aider's map."""
    yield f"| | {' | '.join(column.title for column in columns)} |"
    yield "|---|" + "---|" * len(columns)
    runs = list(columns[0].costs)
    for run in runs:
        yield f"| {', '.join(run)} | {' | '.join(_cell(column.costs[run]) for column in columns)} |"
    (mine, _), *others = runs
    other = next(name for name, _ in others if name.startswith("aider"))
    for state, against in ((COLD, COLD), (WARM, WARM), (EDITED, WARM), (EDITED, EDITED)):
        ratios = (column.costs[mine, state].cpu_s / column.costs[other, against].cpu_s for column in columns)
        yield f"| CPU: ours, {state} / aider's, {against} | {' | '.join(f'{ratio:.2f}' for ratio in ratios)} |"


def _cell(cost: Cost) -> str:
    return f"{cost.cpu_s:.2f} s, {cost.peak_bytes / 1e6:.0f} MB"


def default_vocabulary() -> Path:
    """The GGUF file of the default model."""
    command = (sys.executable, "-m", "copilot", "models", "path")
    asked = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if asked.returncode:
        sys.exit("name a GGUF file whose vocabulary is to be used with --tokenizer FILE")
    return Path(asked.stdout.strip())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.packers", description="Measure what packers cost.")
    parser.add_argument("--trees", type=Path, metavar="FOLDER", help="where sympy-1.13.3 and the others are unpacked")
    parser.add_argument("--only", choices=[archive.name for archive in TREES], help="one tree; default: all")
    parser.add_argument("--times", type=int, default=1, metavar="N", help="measure N times, keep the least CPU time")
    parser.add_argument("--tokenizer", type=Path, metavar="FILE", help="a GGUF file; default: the default model's")
    asked = parser.parse_args()
    archives = [archive for archive in TREES if asked.only in (None, archive.name)]
    folder = asked.trees or download(archives)
    check(folder, archives)
    vocabulary = (asked.tokenizer or default_vocabulary()).resolve()
    packers = (ours(vocabulary, BUDGET_TOKENS), aider(), repomix(), repomix("--compress"), gitingest())
    if os.getloadavg()[0] > QUIET:
        say("other programs are at work on this machine; compare ratios, not seconds")
    if not offline():
        say("users may not make network namespaces here; programs are only asked not to use the network")
    try:
        columns = [
            best([measure_tree(archive, folder / archive.folder, packers) for _ in range(asked.times)])
            for archive in archives
        ]
    except CommandFailedError as exc:
        sys.exit(str(exc))
    for line in table(columns):
        sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
