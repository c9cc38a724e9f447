"""The ports of the engine: a KV cache addressed by sequence, and a session that serves requests from it.

Nothing here knows llama.cpp, repositories or the wording of prompts; everything is token ids, positions and bytes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Lock
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from copilot.engine.requests import InfillRequest, Priority, Request, Sampling, ScoreRequest, Tokens
from copilot.events import Done, Progress, Text, Usage

SCRATCH = 0
"""The sequence used only inside one engine call, to move segments in and out; all others hold tokens."""

Event = Progress | Text | Done
Rows = Literal["none", "last", "all"]
"""Of which tokens of a batch the logits are wanted."""


class Cancel:
    """A request's stop signal: set from any thread, seen by the engine within one graph node."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._listeners: list[Callable[[], None]] = []
        self._set = False

    def set(self) -> None:
        with self._lock:
            self._set = True
            listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener()

    def is_set(self) -> bool:
        return self._set

    def when_set(self, listener: Callable[[], None]) -> None:
        """Call `listener` once, as soon as the signal is set (at once if it already is)."""
        with self._lock:
            if not self._set:
                self._listeners.append(listener)
                return
        listener()

    def forget(self, listener: Callable[[], None]) -> None:
        with self._lock:
            if listener in self._listeners:
                self._listeners.remove(listener)


@dataclass(frozen=True, slots=True)
class ReadState:
    """Where a prefix stands: tokens in memory, tokens restorable from disk, and its length."""

    resident: int
    stored: int
    total: int

    @property
    def missing(self) -> int:
        """Tokens that would have to be read."""
        return self.total - max(self.resident, self.stored)


@dataclass(frozen=True, slots=True)
class Stored:
    """What a prefix occupies on disk."""

    segments: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class SessionStatus:
    """What a session holds and works on, for whoever wants to know."""

    held: tuple[int, ...] = ()
    """Tokens of each sequence that holds any."""
    running: int = 0
    """Requests that have begun and not ended."""
    queued: int = 0
    """Requests that have not begun."""
    tokens_per_s: float | None = None
    """Speed of reading, measured since the start; None before."""
    last_used_s: tuple[float, ...] = ()
    """Seconds since each of `held` was last used; empty where that is not known."""
    steps: int = 0
    """Calls of the engine so far. A figure that stands still while requests run tells of a hang."""


class Sampler(Protocol):
    def sample(self, row: int = -1) -> int:
        """The token after the last decode's `row`-th token with logits; remembers it where the grammar needs it."""

    def accept(self, token: int) -> None:
        """Go on from a token that was chosen elsewhere; EngineError where the grammar has no such text."""

    def close(self) -> None: ...


class Engine(Protocol):
    """One model's KV cache. Not thread-safe: one thread owns it; only `abort` may come from another.

    Positions count tokens from 0; `length(seq)` is the position of the next token. Rows count the tokens of the last
    decode whose logits were wanted, from the first, or negative from the last.
    """

    n_ctx: int
    """Tokens that all sequences may hold together; what they share counts once."""
    n_seq: int
    """Sequences 1 … n_seq - 1 hold tokens."""
    n_batch: int
    max_rows: int
    """The most tokens of one decode that may want logits."""
    windowed: bool
    """Some layers see only a sliding window, so a cache cannot be rolled back at will."""
    can_shift: bool
    """Whether cells can be moved to other positions."""

    def length(self, seq: int) -> int: ...

    def decode(self, seq: int, tokens: Tokens, *, logits: Rows = "none") -> int:
        """Append at most `n_batch` tokens; returns how many were read (fewer only after `abort`)."""

    def logits(self, row: int = -1) -> NDArray[np.float32]:
        """A copy of a row, shape (n_vocab,)."""

    def logprob(self, token: int, row: int = -1) -> float:
        """Natural logarithm of the probability of `token` after that row, at temperature 1."""

    def lead(self, row: int = -1) -> float:
        """By how much the likeliest token's logit exceeds the next one's: a tie is 0."""

    def sampler(self, sampling: Sampling) -> Sampler: ...

    def rewind(self, seq: int, length: int) -> int:
        """Forget everything from position `length` on; returns what is left, 0 where it cannot be kept."""

    def fork(self, source: int, target: int) -> None:
        """Make `target` a second reader of `source`'s cells, without copying."""

    def share(self, source: int, target: int, start: int, end: int) -> None:
        """Make `target` a second reader of `source`'s cells at [start, end), beside those it reads already."""

    def shift(self, seq: int, start: int, delta: int) -> None:
        """Move the cells from position `start` on by `delta`, in all sequences that read them. Needs `can_shift`."""

    def drop(self, seq: int) -> None: ...

    def compact(self, seq: int) -> None:
        """Let go of cells outside the window, so that forks do not pin them; nothing on plain caches."""

    def export_cells(self, seq: int, start: int, end: int) -> bytes:
        """The KV rows of `seq` at [start, end), to be taken right after they were decoded."""

    def export_window(self, seq: int) -> bytes:
        """What the sliding-window layers hold of `seq` now; empty on plain caches."""

    def restore(self, seq: int, cells: bytes | memoryview) -> bool:
        """Append exported rows to `seq`; False (and `seq` dropped) if they do not fit this engine."""

    def restore_window(self, seq: int, window: bytes | memoryview) -> bool:
        """Set the window that belongs to `seq`'s end; False (and `seq` dropped) if it does not fit."""

    def resize(self, n_ctx: int) -> None:
        """Have a context of `n_ctx` tokens; what was held is dropped. BudgetError where memory does not allow it."""

    def abort(self) -> None:
        """Stop the running decode within one graph node; callable from any thread."""

    def resume(self) -> None:
        """Allow decoding again after `abort`."""

    def close(self) -> None: ...


class Session(Protocol):
    """Reads prefixes once and answers from them: the seam between use cases and whoever runs the model."""

    @property
    def n_ctx(self) -> int:
        """The most tokens that prefix, turn and answer may have together."""

    def state(self, prefix: Tokens) -> ReadState: ...

    def stored(self, prefix: Tokens) -> Stored: ...

    def read(self, prefix: Tokens, cancel: Cancel, priority: Priority = Priority.WARM) -> Iterator[Event]:
        """Make `prefix` resident: Progress while it is restored and read, then Done."""

    def generate(self, request: Request, cancel: Cancel) -> Iterator[Event]:
        """Read what is missing, then stream the answer: Progress, Text …, Done."""

    def infill(self, request: InfillRequest, cancel: Cancel) -> Iterator[Event]:
        """Read what is missing, then stream what stands in between: Progress, Text …, Done."""

    def score(self, request: ScoreRequest, cancel: Cancel) -> tuple[tuple[float, ...], ...]:
        """Per continuation, the natural logarithms of its tokens' probabilities; empty when cancelled."""

    def status(self) -> SessionStatus:
        """Answers at once, from any thread, whatever the engine does."""

    def close(self) -> None: ...


__all__ = [
    "SCRATCH",
    "Cancel",
    "Engine",
    "Event",
    "InfillRequest",
    "Priority",
    "ReadState",
    "Request",
    "Rows",
    "Sampler",
    "Sampling",
    "ScoreRequest",
    "Session",
    "SessionStatus",
    "Stored",
    "Tokens",
    "Usage",
]
