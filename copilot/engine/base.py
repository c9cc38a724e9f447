"""The ports of the engine: a KV cache addressed by sequence, and a session that serves requests from it.

Nothing here knows llama.cpp, repositories or the wording of prompts; everything is token ids, positions and bytes.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from copilot.events import Done, Progress, Text, Usage

PREFIX = 0
"""The sequence that holds the repository prefix; requests never decode into it."""
REQUEST = 1
"""The sequence of the running request, a fork of the prefix."""
SCRATCH = 2
"""Used only inside one engine call, to move segments in and out."""
N_SEQUENCES = 3

Event = Progress | Text | Done
Tokens = Sequence[int]


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
class Sampling:
    """How the next token is chosen; temperature 0 is greedy and deterministic."""

    max_tokens: int = 1024
    temperature: float = 0.0
    top_k: int = 40
    top_p: float = 0.95
    seed: int = 0
    stop: tuple[str, ...] = ()
    """Texts that end the answer; they are not part of it."""
    hidden: tuple[int, int] | None = None
    """Token ids that open and close a span left out of the answer (a thought)."""
    begins_hidden: bool = False
    """The turn has already opened such a span."""


@dataclass(frozen=True, slots=True)
class Request:
    """`prefix` is shared and kept; `turn` is read for this request only. Both are token ids."""

    prefix: Tokens
    turn: Tokens
    sampling: Sampling = field(default_factory=Sampling)


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


class Sampler(Protocol):
    def sample(self) -> int:
        """The token after the last decoded one."""

    def close(self) -> None: ...


class Engine(Protocol):
    """One model's KV cache. Not thread-safe: one thread owns it; only `abort` may come from another.

    Positions count tokens from 0; `length(seq)` is the position of the next token.
    """

    n_ctx: int
    n_batch: int
    windowed: bool
    """Some layers see only a sliding window, so a cache cannot be rolled back at will."""

    def length(self, seq: int) -> int: ...

    def decode(self, seq: int, tokens: Tokens, *, logits: bool = False) -> int:
        """Append at most `n_batch` tokens; returns how many were read (fewer only after `abort`).

        With `logits`, those of the last token are ready for `logits()` and samplers.
        """

    def logits(self) -> NDArray[np.float32]:
        """A copy of the last requested row, shape (n_vocab,)."""

    def sampler(self, sampling: Sampling) -> Sampler: ...

    def rewind(self, seq: int, length: int) -> int:
        """Forget everything from position `length` on; returns what is left, 0 where it cannot be kept."""

    def fork(self, source: int, target: int) -> None:
        """Make `target` a second reader of `source`'s cells, without copying."""

    def drop(self, seq: int) -> None: ...

    def compact(self, seq: int) -> None:
        """Let go of cells outside the window, so that forks do not pin them; nothing on plain caches."""

    def export_cells(self, start: int, end: int) -> bytes:
        """The KV rows of PREFIX at [start, end), to be taken right after they were decoded."""

    def export_window(self) -> bytes:
        """What the sliding-window layers hold of PREFIX now; empty on plain caches."""

    def restore(self, cells: bytes | memoryview) -> bool:
        """Append exported rows to PREFIX; False (and PREFIX dropped) if they do not fit this engine."""

    def restore_window(self, window: bytes | memoryview) -> bool:
        """Set the window that belongs to PREFIX's end; False (and PREFIX dropped) if it does not fit."""

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

    def read(self, prefix: Tokens, cancel: Cancel) -> Iterator[Event]:
        """Make `prefix` resident: Progress while it is restored and read, then Done."""

    def generate(self, request: Request, cancel: Cancel) -> Iterator[Event]:
        """Read what is missing, then stream the answer: Progress, Text …, Done."""

    def close(self) -> None: ...


__all__ = [
    "N_SEQUENCES",
    "PREFIX",
    "REQUEST",
    "SCRATCH",
    "Cancel",
    "Engine",
    "Event",
    "ReadState",
    "Request",
    "Sampler",
    "Sampling",
    "Session",
    "Stored",
    "Tokens",
    "Usage",
]
