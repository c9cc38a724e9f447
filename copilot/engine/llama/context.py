"""LlamaEngine: one model, one context of it, batches, sequences and their state, the abort flag.

It knows no text and no files but the model's. Which calls abort the process, and what windowed caches refuse, is in
docs/engine.md; everything of that kind is checked here first.
"""

import ctypes
import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from copilot.engine.base import SCRATCH, Rows, Sampler
from copilot.engine.llama.library import c, forget_log, last_log, start
from copilot.engine.llama.params import EngineParams, context_params
from copilot.engine.llama.sampling import ChainSampler
from copilot.engine.memory import N_OUTPUTS_MAX
from copilot.engine.requests import Sampling, Tokens
from copilot.errors import BudgetError, EngineError, ModelFileError

PARTIAL_ONLY = 1
"""llama.cpp's LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY: the sliding-window part of a state."""
BLOB_HEADER_BYTES = 8
EMPTY_WINDOW = struct.pack("<II", 1, 0)
"""A sliding-window section of one stream without cells."""
ABORTED = 2
"""llama_decode's result when the abort callback said so; what was complete before stays."""
NO_ROOM = 1

Admit = Callable[[int], None]
"""Raises BudgetError where memory does not allow a context of so many tokens; asked while none is open."""


def _admit_all(n_ctx: int) -> None:
    """Leave it to the system."""


class LlamaEngine:
    """One model and one context of it, in this process."""

    max_rows = N_OUTPUTS_MAX
    n_ctx: int
    windowed: bool
    can_shift: bool
    context: object = None
    vocabulary: object = None

    def __init__(self, path: Path, params: EngineParams, n_ctx: int, admit: Admit = _admit_all) -> None:
        self.n_seq, self.n_batch = params.n_seq, params.n_batch
        self._params, self._admit = params, admit
        self._batch: c.llama_batch | None = None
        self._model: object = None
        self._n_rows = self._n_decoded = 0
        self._abort = ctypes.create_string_buffer(2)
        # libc's strlen on a flag byte answers llama.cpp's "abort?" at every graph node without the GIL.
        libc = ctypes.CDLL("msvcrt" if os.name == "nt" else None)
        self._abort_callback = ctypes.cast(libc.strlen, c.ggml_abort_callback)
        start()
        admit(n_ctx)
        self._load(path)
        try:
            self._open(n_ctx)
        except BudgetError:
            self.close()
            raise

    def _load(self, path: Path) -> None:
        forget_log()
        model_params = c.llama_model_default_params()
        model_params.n_gpu_layers = self._params.n_gpu_layers
        self._model = c.llama_model_load_from_file(os.fsencode(path), model_params)
        if not self._model:
            raise ModelFileError(f"llama.cpp cannot load {path}: {last_log()}. Run `copilot models verify`.")
        self._window = int(c.llama_model_n_swa(self._model))
        self.windowed = self._window > 0
        self.vocabulary = c.llama_model_get_vocab(self._model)
        self._n_vocab = int(c.llama_vocab_n_tokens(self.vocabulary))

    def _open(self, n_ctx: int) -> None:
        p = context_params(self._params, n_ctx)
        p.abort_callback = self._abort_callback
        p.abort_callback_data = ctypes.cast(self._abort, ctypes.c_void_p)
        forget_log()
        self.context = c.llama_init_from_model(self._model, p)
        if not self.context:
            raise BudgetError(
                f"llama.cpp cannot open a context of {n_ctx} tokens: {last_log()}. Try a smaller --budget."
            )
        self.n_ctx = int(c.llama_n_ctx(self.context))
        self._memory = c.llama_get_memory(self.context)
        self.can_shift = not self.windowed and bool(c.llama_memory_can_shift(self._memory))
        batch = self._batch = c.llama_batch_init(self.n_batch, 0, 1)
        fields = batch.token, batch.pos, batch.logits, batch.n_seq_id
        self._token, self._pos, self._wants_logits, n_seq_id = (
            np.ctypeslib.as_array(field, (self.n_batch,)) for field in fields
        )
        n_seq_id[:] = 1

    def _close_context(self) -> None:
        self._n_rows = 0
        if self._batch is not None:
            c.llama_batch_free(self._batch)
            self._batch = None
        if self.context:
            c.llama_free(self.context)
            self.context = None

    def resize(self, n_ctx: int) -> None:
        """The model stays loaded; after a refusal the former size is open again, empty."""
        self._check_open()
        former = self.n_ctx
        self._close_context()
        try:
            self._admit(n_ctx)
            self._open(n_ctx)
        except BudgetError:
            self._open(former)
            raise

    def close(self) -> None:
        self._close_context()
        if self._model:
            c.llama_model_free(self._model)
            self._model = None

    # -- decoding -----------------------------------------------------------------------------------------------

    def length(self, seq: int) -> int:
        self._check(seq)
        return int(c.llama_memory_seq_pos_max(self._memory, seq)) + 1

    def decode(self, seq: int, tokens: Tokens, *, logits: Rows = "none") -> int:
        n, begin = len(tokens), self.length(seq)
        n_rows = {"none": 0, "last": 1, "all": n}[logits]
        if not 0 < n <= self.n_batch or n_rows > N_OUTPUTS_MAX:
            most = N_OUTPUTS_MAX if n_rows > 1 else self.n_batch
            raise ValueError(f"{n} tokens in one decode, 1 to {most} are possible")
        if begin + n > self.n_ctx:
            raise BudgetError(f"{begin + n} tokens do not fit the context of {self.n_ctx}; use a smaller --budget.")
        batch = self._batch
        assert batch is not None
        self._token[:n] = tokens
        if not 0 <= self._token[:n].min() <= self._token[:n].max() < self._n_vocab:
            raise ValueError(f"a token is outside the vocabulary of {self._n_vocab}")
        batch.n_tokens = n
        self._pos[:n] = np.arange(begin, begin + n)
        self._wants_logits[: n - n_rows] = 0
        self._wants_logits[n - n_rows : n] = 1
        for i in range(n):
            batch.seq_id[i][0] = seq
        self._n_rows = 0
        result = c.llama_decode(self.context, batch)
        if result == ABORTED:
            return self.length(seq) - begin
        if result == NO_ROOM:
            raise EngineError(f"no room in the KV cache for {n} tokens after {begin}. Use a smaller --budget.")
        if result:
            raise EngineError(f"llama.cpp failed to decode (code {result}): {last_log()}. Try again.")
        self._n_decoded, self._n_rows = n, n_rows
        return n

    def batch_row(self, row: int) -> int:
        """The place in the last batch of a row; ValueError where llama.cpp would abort for want of logits."""
        if not -self._n_rows <= row < self._n_rows:
            raise ValueError(f"row {row} of {self._n_rows} rows with logits")
        return self._n_decoded - (self._n_rows - row if row >= 0 else -row)

    def logits(self, row: int = -1) -> NDArray[np.float32]:
        return self._row(row).copy()

    def logprob(self, token: int, row: int = -1) -> float:
        logits = self._row(row)
        if not 0 <= token < self._n_vocab:
            raise ValueError(f"token {token} is outside the vocabulary of {self._n_vocab}")
        highest = logits.max()
        total = np.exp(logits - highest).sum(dtype=np.float64)
        return float(logits[token]) - float(highest) - float(np.log(total))

    def lead(self, row: int = -1) -> float:
        second, first = np.partition(self._row(row), -2)[-2:]
        return float(first) - float(second)

    def _row(self, row: int) -> NDArray[np.float32]:
        """A view that lasts until the next decode."""
        pointer = c.llama_get_logits_ith(self.context, self.batch_row(row))
        return np.ctypeslib.as_array(pointer, (self._n_vocab,))

    def sampler(self, sampling: Sampling) -> Sampler:
        self._check_open()
        return ChainSampler(self, sampling)

    def abort(self) -> None:
        self._abort[0] = b"1"

    def resume(self) -> None:
        self._abort[0] = b"\0"

    # -- sequences ----------------------------------------------------------------------------------------------

    def rewind(self, seq: int, length: int) -> int:
        held = self.length(seq)
        if length >= held:
            return held
        oldest = c.llama_memory_seq_pos_min(self._memory, seq)
        if length <= 0 or (self.windowed and oldest > max(0, length - self._window + 1)):
            self.drop(seq)
            return 0
        c.llama_memory_seq_rm(self._memory, seq, length, -1)
        return length

    def fork(self, source: int, target: int) -> None:
        self._check(source)
        if source != target:
            self.drop(target)
            c.llama_memory_seq_cp(self._memory, source, target, -1, -1)

    def share(self, source: int, target: int, start: int, end: int) -> None:
        self._check(source)
        self._check(target)
        if source != target and start < end:
            c.llama_memory_seq_cp(self._memory, source, target, start, end)

    def shift(self, seq: int, start: int, delta: int) -> None:
        self._check(seq)
        if not self.can_shift:  # llama.cpp would end the process
            raise ValueError("this cache cannot be shifted")
        if start + delta < 0:
            raise ValueError(f"position {start} moved by {delta}")
        if delta:
            c.llama_memory_seq_add(self._memory, seq, start, -1, delta)

    def drop(self, seq: int) -> None:
        self._check(seq)
        c.llama_memory_seq_rm(self._memory, seq, -1, -1)

    def compact(self, seq: int) -> None:
        if self.windowed and self.length(seq):
            window = self._state(seq, PARTIAL_ONLY)
            if not self._set_state(window, seq, PARTIAL_ONLY):
                raise EngineError("llama.cpp refused its own sliding-window state. Try again.")

    def export_cells(self, seq: int, start: int, end: int) -> bytes:
        self._check(seq)
        c.llama_memory_seq_cp(self._memory, seq, SCRATCH, start, end)
        try:
            cells = self._state(SCRATCH, 0)
            if self.windowed:
                window_bytes = c.llama_state_seq_get_size_ext(self.context, SCRATCH, PARTIAL_ONLY) - BLOB_HEADER_BYTES
                cells = cells[: len(cells) - window_bytes]
            return cells
        finally:
            self.drop(SCRATCH)

    def export_window(self, seq: int) -> bytes:
        self._check(seq)
        return self._state(seq, PARTIAL_ONLY) if self.windowed else b""

    def restore(self, seq: int, cells: bytes | memoryview) -> bool:
        self._check(seq)
        blob = bytes(cells) + EMPTY_WINDOW if self.windowed else cells
        if not self._set_state(blob, SCRATCH, 0):
            self.drop(SCRATCH)
            self.drop(seq)
            return False
        c.llama_memory_seq_cp(self._memory, SCRATCH, seq, -1, -1)
        self.drop(SCRATCH)
        return True

    def restore_window(self, seq: int, window: bytes | memoryview) -> bool:
        self._check(seq)
        if self._set_state(window, seq, PARTIAL_ONLY):
            return True
        self.drop(seq)
        return False

    def _state(self, seq: int, flags: int) -> bytes:
        size = c.llama_state_seq_get_size_ext(self.context, seq, flags)
        buffer = (ctypes.c_uint8 * size)()
        written = c.llama_state_seq_get_data_ext(self.context, buffer, size, seq, flags)
        if written != size:
            raise EngineError(f"llama.cpp gave {written} of {size} bytes of its state. Try again.")
        return bytes(buffer)

    def _set_state(self, blob: bytes | memoryview, seq: int, flags: int) -> bool:
        array = np.frombuffer(blob, np.uint8)
        pointer = array.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
        read = c.llama_state_seq_set_data_ext(self.context, pointer, array.size, seq, flags)
        return bool(read == array.size)

    def _check(self, seq: int) -> None:
        """Any sequence outside the context's range, and any call without a context, would end the process."""
        self._check_open()
        if not 0 <= seq < self.n_seq:
            raise ValueError(f"sequence {seq} of {self.n_seq}")

    def _check_open(self) -> None:
        if not self.context:
            raise ValueError("the engine is closed")
