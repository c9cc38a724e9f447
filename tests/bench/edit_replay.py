"""How many tokens of a prefix are read again per commit, as the Markdown table of docs/packing.md.

`python -m tests.bench.edit_replay` replays real commits on real trees: after each, the product builds the prefix of the
repository and its session reads what it does not hold, over an engine that only counts. Beside our way run others on
the same packs. Needs a model file for its vocabulary; loads no weights and knows nothing of answers.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from copilot.app import App
from copilot.config import Settings
from copilot.engine.base import Cancel, Rows, Sampler, Session
from copilot.engine.requests import Sampling, Tokens
from copilot.engine.segments import SEGMENT_TOKENS, SegmentStore
from copilot.engine.session import EngineSession, EngineSource
from copilot.events import Done
from copilot.repo.pack import FULL_TITLE, OUTLINE_TITLE, TREE_TITLE, Pack
from copilot.tasks.model import ChatModel
from copilot.tasks.prefix import Prefix, Prefixes
from copilot.tasks.repository import Repository
from tests.bench.histories import SERIES, checked_out, commits, debian_series, synthetic
from tests.bench.trees import Archive, download, say

BUDGET_TOKENS = 32_768
WARM_UP = 1 / 3
"""Share of a history that only tells which files change; the commits after it are replayed."""
SYNTHETIC_TREE = Archive("flask", "3.0.3")
HEADER = (
    "| history | commits | way | median | mean | at most, in 90 % | commits that read | their median | re-packs |",
    "|---|---|---|---|---|---|---|---|---|",
)


class CountingEngine:
    """The KV cache of a model without a window, as far as its lengths go."""

    n_batch = SEGMENT_TOKENS
    n_seq = 8
    max_rows = 1
    windowed = False

    def __init__(self, n_ctx: int) -> None:
        self.n_ctx = n_ctx
        self._lengths: dict[int, int] = {}

    def length(self, seq: int) -> int:
        return self._lengths.get(seq, 0)

    def decode(self, seq: int, tokens: Tokens, *, logits: Rows = "none") -> int:
        self._lengths[seq] = self.length(seq) + len(tokens)
        return len(tokens)

    def rewind(self, seq: int, length: int) -> int:
        self._lengths[seq] = min(self.length(seq), length)
        return self._lengths[seq]

    def drop(self, seq: int) -> None:
        self._lengths[seq] = 0

    def export_cells(self, seq: int, start: int, end: int) -> bytes:
        return (end - start).to_bytes(4, "little")

    def restore(self, seq: int, cells: bytes | memoryview) -> bool:
        self._lengths[seq] = self.length(seq) + int.from_bytes(cells, "little")
        return True

    def fork(self, source: int, target: int) -> None:
        self._lengths[target] = self.length(source)

    def logits(self, row: int = -1) -> NDArray[np.float32]:
        raise NotImplementedError("it reads only")

    def logprob(self, token: int, row: int = -1) -> float:
        raise NotImplementedError("it reads only")

    def resize(self, n_ctx: int) -> None:
        self.n_ctx = n_ctx
        self._lengths.clear()

    def sampler(self, sampling: Sampling) -> Sampler:
        raise NotImplementedError("it reads only")

    def compact(self, seq: int) -> None:
        """Nothing to let go of."""

    def export_window(self, seq: int) -> bytes:
        return b""

    def restore_window(self, seq: int, window: bytes | memoryview) -> bool:
        return True

    def abort(self) -> None:
        """Nothing takes long."""

    def resume(self) -> None:
        """Nothing was stopped."""

    def close(self) -> None:
        self._lengths.clear()


class Repacked(Prefixes):
    """A new pack whenever anything changed; nothing rides behind it."""

    def full(self, budget_tokens: int, session: Session) -> Prefix:
        pack = self.pack(budget_tokens)
        return Prefix("full", self._tokens(pack.text), {})


class Alphabetical(Prefixes):
    """Our way, but for the order within the parts of the pack."""

    def pack(self, budget_tokens: int) -> Pack:
        return alphabetical(super().pack(budget_tokens))


class RepackedAlphabetical(Repacked, Alphabetical):
    """A new pack in alphabetical order whenever anything changed."""


WAYS: Mapping[str, type[Prefixes]] = {
    "ours: by volatility, overlay": Prefixes,
    "by volatility, no overlay": Repacked,
    "alphabetical, overlay": Alphabetical,
    "alphabetical, no overlay": RepackedAlphabetical,
}


def alphabetical(pack: Pack) -> Pack:
    """The same sections, those between two titles by path."""
    parts: list[list[str]] = [[]]
    for section in pack.sections:
        if section in (FULL_TITLE, OUTLINE_TITLE, TREE_TITLE):
            parts.append([])
        parts[-1].append(section)
    return replace(pack, sections=tuple(section for part in parts for section in (part[0], *sorted(part[1:]))))


@dataclass(frozen=True, slots=True)
class Step:
    """What one commit cost."""

    read_again: int
    """Tokens the engine reads, whole segments and the overlay included."""
    overlay: int
    """Tokens of the overlay, read again or not."""
    repacked: bool


class Replay:
    """One way of working on one history: its own session, cache and remembered pack."""

    def __init__(self, way: type[Prefixes], model: ChatModel, folder: Path) -> None:
        self._way = way
        self._model = model
        self._folder = folder
        store = SegmentStore(folder / "kv", b"counting".ljust(32), 1 << 40)
        self._session = EngineSession(EngineSource(CountingEngine, False, 2 * BUDGET_TOKENS), model.tokenizer, store)

    def step(self, repository: Repository, budget_tokens: int) -> Step:
        """Read the prefix of the repository as it is now."""
        prefix = self._way(repository, self._model, self._folder).full(budget_tokens, self._session)
        *_, done = self._session.read(prefix.tokens, Cancel())
        assert isinstance(done, Done), "reading ends with Done"
        prefix.keep()
        return Step(done.usage.evaluated_tokens, prefix.overlay_tokens, not prefix.changed)


def replay(repository: Path, last: int | None, app: App, budget_tokens: int) -> dict[str, list[Step]]:
    """The steps of each way over the commits after the warm-up."""
    ids = commits(repository, last)
    ids = ids[int(len(ids) * WARM_UP) :]
    model = app.chat_model()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch).resolve()
        ways = {name: Replay(way, model, folder / str(number)) for number, (name, way) in enumerate(WAYS.items())}
        steps: dict[str, list[Step]] = {name: [] for name in WAYS}
        inner = App(replace(app.settings, cache_dir=folder / "cache"))
        for number, _ in enumerate(checked_out(repository, ids, folder / repository.name)):
            with inner.repository(folder / repository.name) as opened:
                for name, way in ways.items():
                    steps[name].append(way.step(opened, budget_tokens))
            if number % 20 == 0:
                say(f"{repository.name}: {number} of {len(ids)} commits")
    return {name: taken[1:] for name, taken in steps.items()}  # the first reads everything, whatever the way


def rows(label: str, steps: Mapping[str, Sequence[Step]], budget_tokens: int) -> Iterator[str]:
    """Lines of the table, in the order of `HEADER`."""
    for name, taken in steps.items():
        read = [step.read_again for step in taken]
        reading = [tokens for tokens in read if tokens]
        ninety = statistics.quantiles(read, n=10, method="inclusive")[-1]
        all_of_them = _shares((statistics.median(read), statistics.fmean(read), ninety), budget_tokens)
        [of_those] = _shares((statistics.median(reading or [0]),), budget_tokens)
        repacks = sum(step.repacked and step.read_again > 0 for step in taken)
        columns = (label, str(len(taken)), name, *all_of_them, str(len(reading)), of_those, str(repacks))
        yield f"| {' | '.join(columns)} |"


def _shares(tokens: Iterable[float], budget_tokens: int) -> list[str]:
    return [f"{value / budget_tokens:.1%}" for value in tokens]


def histories(arguments: argparse.Namespace) -> Iterator[tuple[str, Path]]:
    """Label and repository of everything to replay."""
    if arguments.history:
        yield from ((path.resolve().name, path.resolve()) for path in arguments.history)
        return
    yield from ((package, debian_series(package)) for package in SERIES)
    tree = download([SYNTHETIC_TREE]) / SYNTHETIC_TREE.folder
    yield f"{SYNTHETIC_TREE.name}, edits drawn at random", synthetic(tree)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.edit_replay", description="Count the tokens read again per commit."
    )
    parser.add_argument("--history", type=Path, action="append", metavar="REPO", help="a git repository to replay")
    parser.add_argument("--last", type=int, metavar="N", help="replay the last N commits only")
    parser.add_argument("--budget", type=int, default=BUDGET_TOKENS, metavar="N", help="tokens of the prefix")
    parser.add_argument("--model", metavar="MODEL", help="whose vocabulary counts")
    arguments = parser.parse_args()
    app = App(Settings(model=arguments.model))
    for line in HEADER:
        sys.stdout.write(f"{line}\n")
    for label, repository in histories(arguments):
        steps = replay(repository, arguments.last, app, arguments.budget)
        for line in rows(label, steps, arguments.budget):
            sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
