"""What a model and a context of some size take in memory, known before anything is loaded.

The terms and how they were checked against llama.cpp's own figures are in docs/engine.md.
"""

from dataclasses import dataclass
from typing import Protocol

import psutil

from copilot.engine.gguf import CacheType
from copilot.engine.memory_limits import address_space_limits, cgroup_limits
from copilot.engine.segments import SEGMENT_TOKENS
from copilot.errors import BudgetError

LARGE_BATCH = 2 * SEGMENT_TOKENS
"""Tokens per decode call and per micro-batch where memory allows it, a tenth faster than a segment at a time."""
N_OUTPUTS_MAX = 64
"""Rows of logits a context reserves; never fewer than its sequences."""
MIN_SEQUENCES, MAX_SEQUENCES = 4, 8
WINDOWS_BYTES = 256 << 20
"""What the windows of more than MIN_SEQUENCES sequences may take together."""
RESERVED_BYTES = 512 << 20
"""Left to the rest of the system."""
_RUNTIME_BYTES = 150 << 20
"""Python, llama.cpp, the vocabulary and the index while they work."""
_ACTIVATIONS = 12
"""Rows of the widest layer that a micro-batch's graph holds at once; measured, rounded up."""
_GIB = 1 << 30


class Shape(Protocol):
    """What the memory of a model follows from: a file's card, or the published geometry of one not fetched yet."""

    @property
    def name(self) -> str: ...
    @property
    def weight_bytes(self) -> int: ...
    @property
    def n_layer(self) -> int: ...
    @property
    def context_length(self) -> int: ...
    @property
    def embedding_length(self) -> int: ...
    @property
    def attention_width(self) -> int: ...
    @property
    def vocab_size(self) -> int: ...
    @property
    def sliding_window(self) -> int: ...
    @property
    def windowed(self) -> bool: ...
    def kv_bytes_per_token(self, cache_type: CacheType = "f16") -> int: ...
    def swa_bytes_per_token(self, cache_type: CacheType = "f16") -> int: ...


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """Bytes by purpose."""

    n_ctx: int
    weights: int
    kv: int
    """Full-attention layers, all `n_ctx` tokens."""
    window: int
    """Sliding-window layers."""
    compute: int

    @property
    def total(self) -> int:
        return self.weights + self.kv + self.window + self.compute + _RUNTIME_BYTES

    def __str__(self) -> str:
        return (
            f"{self.total / _GIB:.1f} GiB (weights {self.weights / _GIB:.1f}, "
            f"KV {(self.kv + self.window) / _GIB:.1f}, buffers {(self.compute + _RUNTIME_BYTES) / _GIB:.1f})"
        )


def plan_memory(card: Shape, n_ctx: int, cache_type: CacheType, n_batch: int = SEGMENT_TOKENS) -> MemoryPlan:
    """The memory of one context of `n_ctx` tokens on the CPU, weights included."""
    padded = -(-n_ctx // 256) * 256
    window_tokens = _window_tokens(card, padded, sequences_for(card, cache_type), n_batch)
    width = card.attention_width + card.embedding_length * 4
    masks = n_batch * (padded + window_tokens) * 2
    return MemoryPlan(
        n_ctx=padded,
        weights=card.weight_bytes,
        kv=padded * card.kv_bytes_per_token(cache_type),
        window=window_tokens * card.swa_bytes_per_token(cache_type),
        compute=N_OUTPUTS_MAX * card.vocab_size * 4 + n_batch * width * _ACTIVATIONS * 4 + masks,
    )


def sequences_for(card: Shape, cache_type: CacheType) -> int:
    """How many sequences a context has: each takes a window's memory where layers are windowed, else nothing."""
    per_token = card.swa_bytes_per_token(cache_type) if card.windowed else 0
    for n_seq in range(MAX_SEQUENCES, MIN_SEQUENCES, -1):
        if _window_tokens(card, card.context_length, n_seq, SEGMENT_TOKENS) * per_token < WINDOWS_BYTES:
            return n_seq
    return MIN_SEQUENCES


def _window_tokens(card: Shape, n_ctx: int, n_seq: int, n_batch: int) -> int:
    """Cells of a sliding-window layer, as llama.cpp reckons them."""
    return min(n_ctx, -(-(card.sliding_window * n_seq + n_batch) // 256) * 256) if card.windowed else 0


def batch_for(card: Shape, n_ctx: int, cache_type: CacheType, available: int) -> int:
    """Tokens per decode: the large number, if its buffers take no room from a context of `n_ctx` tokens."""
    plan = plan_memory(card, n_ctx, cache_type, LARGE_BATCH)
    return LARGE_BATCH if plan.total + RESERVED_BYTES <= available else SEGMENT_TOKENS


def available_bytes() -> int:
    """Memory this process may have in all without pushing others out: what is free, and what it holds already."""
    memory = psutil.Process().memory_info()
    own = memory.rss - getattr(memory, "shared", memory.rss)  # pages of files count as free anyway
    free = min([int(psutil.virtual_memory().available), *(limit - used for limit, used in cgroup_limits())])
    # Of an address space, what is reserved without being used is lost.
    space = (limit - (memory.vms - memory.rss) for limit in address_space_limits())
    return max(0, min([own + free, *space]))


def plannable_bytes() -> int:
    """What a model may plan with on this machine: a quarter, at least 1.5 GiB, is left to everything else.

    Unlike `available_bytes` it stays the same from run to run, so that the size of a prefix does.
    """
    return plannable_of(total_bytes())


def total_bytes() -> int:
    """The machine's memory, or the limit on this process that is smaller."""
    limits = [*(limit for limit, _ in cgroup_limits()), *address_space_limits()]
    return min([int(psutil.virtual_memory().total), *limits])


def plannable_of(total: int) -> int:
    """What may be planned with of `total` bytes of memory."""
    return max(0, total - max(total // 4, 3 << 29))


def largest_context(card: Shape, cache_type: CacheType, available: int) -> int:
    """Tokens of context that fit `available` bytes, at most the model's own; 0 if not even the weights fit."""
    low, high = 0, card.context_length // 256
    while low < high:
        middle = (low + high + 1) // 2
        fits = plan_memory(card, middle * 256, cache_type).total + RESERVED_BYTES <= available
        low, high = (middle, high) if fits else (low, middle - 1)
    return low * 256


def check_memory(card: Shape, n_ctx: int, cache_type: CacheType, available: int, n_batch: int = SEGMENT_TOKENS) -> None:
    """Raise BudgetError, with the arithmetic and a way out, where a context would not fit."""
    plan = plan_memory(card, n_ctx, cache_type, n_batch)
    if plan.total + RESERVED_BYTES <= available:
        return
    fitting = largest_context(card, cache_type, available)
    way_out = (
        f"a context of {fitting:,} tokens would fit: use --budget or set context_tokens"
        if fitting
        else "not even its weights fit: choose a smaller model with --model"
    )
    raise BudgetError(
        f"{card.name} with {plan.n_ctx:,} tokens needs {plan}, {available / _GIB:.1f} GiB are free; {way_out}"
    )
