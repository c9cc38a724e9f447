"""llama.cpp behind the Engine port: model, context, batches, samplers, abort flag.

The only module that imports llama_cpp, and only its C API. It knows no text and no files but the model's.
The rules it keeps (which calls abort the process, what windowed caches refuse) are in docs/engine.md.
"""

import ctypes
import os
import struct
from collections import deque
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

# libgomp reads this once, when it is loaded: spinning barriers collapse when another process is busy.
os.environ.setdefault("GOMP_SPINCOUNT", "0")

from llama_cpp import llama_cpp as c

from copilot.engine.base import N_SEQUENCES, PREFIX, SCRATCH, Sampler, Sampling, Tokens
from copilot.engine.memory import N_BATCH, N_OUTPUTS_MAX
from copilot.errors import BudgetError, EngineError, ModelFileError

PARTIAL_ONLY = 1
"""llama.cpp's LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY: the sliding-window part of a state."""
BLOB_HEADER_BYTES = 8
EMPTY_WINDOW = struct.pack("<II", 1, 0)
"""A sliding-window section of one stream without cells."""
KV_TYPES = {"f16": c.GGML_TYPE_F16, "q8_0": c.GGML_TYPE_Q8_0, "q4_0": c.GGML_TYPE_Q4_0}

LOG_WARN_AND_ERROR = (3, 4)
"""ggml_log_level values, which the binding does not name."""

_log: deque[str] = deque(maxlen=50)


@c.llama_log_callback  # type: ignore[untyped-decorator]
def _keep_log(level: int, text: bytes, _user: object) -> None:
    if level in LOG_WARN_AND_ERROR:
        _log.append(text.decode("utf-8", "replace").strip())


def _last_log() -> str:
    return next((line for line in reversed(_log) if line), "no reason given")


@dataclass(frozen=True, slots=True)
class EngineParams:
    """What shapes a context besides its size; all of it but the threads is part of the fingerprint."""

    kv_type: str = "f16"
    n_threads: int = 0
    """0 = one per physical core this process may use."""
    n_gpu_layers: int = 0


def default_threads() -> int:
    """Physical cores, as far as this process may use them."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(allowed, psutil.cpu_count(logical=False) or allowed))


def build_id() -> str:
    """Names the llama.cpp build, as far as it matters for stored KV rows."""
    from importlib.metadata import version

    return f"llama-cpp-python {version('llama-cpp-python')}"


def system_info() -> str:
    """The instruction sets llama.cpp was built with, in its own words."""
    return str(c.llama_print_system_info().decode("utf-8", "replace"))


def fingerprint(model_digest: str, params: EngineParams) -> bytes:
    """32 bytes; see docs/engine.md for why each part is in it."""
    parts = (
        model_digest,
        build_id(),
        params.kv_type,
        f"n_ubatch={N_BATCH}",
        "flash_attn=1 kv_unified=1 swa_full=0",
        f"gpu={params.n_gpu_layers}",
        os.environ.get("LLAMA_ATTN_ROT_DISABLE", ""),
    )
    return blake2b("\0".join(parts).encode(), digest_size=32).digest()


class LlamaEngine:
    """One model and one context of it, in this process."""

    n_batch = N_BATCH
    n_ctx: int
    windowed: bool
    _window: int
    _n_vocab: int
    _memory: object

    def __init__(self, path: Path, params: EngineParams, n_ctx: int) -> None:
        self._model = self._context = None
        self._batch: c.llama_batch | None = None
        c.llama_log_set(_keep_log, ctypes.c_void_p())
        c.llama_backend_init()
        self._load(path, params)
        self._open(params, n_ctx)

    def _load(self, path: Path, params: EngineParams) -> None:
        _log.clear()
        model_params = c.llama_model_default_params()
        model_params.n_gpu_layers = params.n_gpu_layers
        self._model = c.llama_model_load_from_file(os.fsencode(path), model_params)
        if not self._model:
            raise ModelFileError(f"llama.cpp cannot load {path}: {_last_log()}. Run `copilot models verify`.")
        self.windowed = c.llama_model_n_swa(self._model) > 0
        self._window = int(c.llama_model_n_swa(self._model))
        self._n_vocab = c.llama_vocab_n_tokens(c.llama_model_get_vocab(self._model))

    def _open(self, params: EngineParams, n_ctx: int) -> None:
        threads = params.n_threads or default_threads()
        kv = KV_TYPES[params.kv_type]
        self._abort = ctypes.create_string_buffer(2)
        # libc's strlen on a flag byte answers llama.cpp's "abort?" at every graph node without the GIL.
        libc = ctypes.CDLL("msvcrt" if os.name == "nt" else None)
        self._abort_callback = ctypes.cast(libc.strlen, c.ggml_abort_callback)
        p = c.llama_context_default_params()
        p.n_ctx = -(-n_ctx // 256) * 256  # what llama.cpp rounds to
        p.n_batch = p.n_ubatch = N_BATCH
        p.n_seq_max = N_SEQUENCES
        p.n_outputs_max = N_OUTPUTS_MAX
        p.n_threads = p.n_threads_batch = threads
        p.flash_attn_type = c.LLAMA_FLASH_ATTN_TYPE_ENABLED
        p.type_k = p.type_v = kv
        p.swa_full = False
        p.kv_unified = True
        p.no_perf = True
        p.abort_callback = self._abort_callback
        p.abort_callback_data = ctypes.cast(self._abort, ctypes.c_void_p)
        _log.clear()
        self._context = c.llama_init_from_model(self._model, p)
        if not self._context:
            reason = _last_log()
            self.close()
            raise BudgetError(f"llama.cpp cannot open a context of {n_ctx} tokens: {reason}. Try a smaller --budget.")
        self.n_ctx = int(c.llama_n_ctx(self._context))
        self._memory = c.llama_get_memory(self._context)
        self._batch = c.llama_batch_init(N_BATCH, 0, 1)
        self._batch_arrays(self._batch)

    def _batch_arrays(self, batch: c.llama_batch) -> None:
        shape = (N_BATCH,)
        self._token = np.ctypeslib.as_array(batch.token, shape)
        self._pos = np.ctypeslib.as_array(batch.pos, shape)
        self._wants_logits = np.ctypeslib.as_array(batch.logits, shape)
        np.ctypeslib.as_array(batch.n_seq_id, shape)[:] = 1

    def length(self, seq: int) -> int:
        return int(c.llama_memory_seq_pos_max(self._memory, seq)) + 1

    def decode(self, seq: int, tokens: Tokens, *, logits: bool = False) -> int:
        n, start = len(tokens), self.length(seq)
        if n > N_BATCH:
            raise ValueError(f"{n} tokens in one decode, at most {N_BATCH} fit")
        if start + n > self.n_ctx:
            raise BudgetError(f"{start + n} tokens do not fit the context of {self.n_ctx}; use a smaller --budget.")
        batch = self._batch
        assert batch is not None, "engine is closed"
        batch.n_tokens = n
        self._token[:n] = tokens
        self._pos[:n] = np.arange(start, start + n)
        self._wants_logits[:n] = 0
        self._wants_logits[n - 1] = logits
        for i in range(n):
            batch.seq_id[i][0] = seq
        result = c.llama_decode(self._context, batch)
        self._row = n - 1
        if result == 2 or result < -1:
            if result != 2:
                raise EngineError(f"llama.cpp failed to decode (code {result}): {_last_log()}. Try again.")
            return self.length(seq) - start
        if result:
            raise EngineError(
                f"no room in the KV cache for {n} tokens at {start} (code {result}). Use a smaller --budget."
            )
        return n

    def logits(self) -> NDArray[np.float32]:
        row = c.llama_get_logits_ith(self._context, self._row)
        return np.ctypeslib.as_array(row, (self._n_vocab,)).copy()

    def sampler(self, sampling: Sampling) -> Sampler:
        return _ChainSampler(self._context, sampling)

    def rewind(self, seq: int, length: int) -> int:
        held = self.length(seq)
        if length >= held:
            return held
        oldest = c.llama_memory_seq_pos_min(self._memory, seq)
        if length == 0 or (self.windowed and oldest > max(0, length - self._window + 1)):
            self.drop(seq)
            return 0
        c.llama_memory_seq_rm(self._memory, seq, length, -1)
        return length

    def fork(self, source: int, target: int) -> None:
        self.drop(target)
        c.llama_memory_seq_cp(self._memory, source, target, -1, -1)

    def drop(self, seq: int) -> None:
        c.llama_memory_seq_rm(self._memory, seq, -1, -1)

    def compact(self, seq: int) -> None:
        if self.windowed and self.length(seq):
            window = self._state(seq, PARTIAL_ONLY)
            if not self._set_state(window, seq, PARTIAL_ONLY):
                raise EngineError("llama.cpp refused its own sliding-window state. Try again.")

    def export_cells(self, start: int, end: int) -> bytes:
        c.llama_memory_seq_cp(self._memory, PREFIX, SCRATCH, start, end)
        try:
            cells = self._state(SCRATCH, 0)
            if self.windowed:
                window_bytes = c.llama_state_seq_get_size_ext(self._context, SCRATCH, PARTIAL_ONLY) - BLOB_HEADER_BYTES
                cells = cells[: len(cells) - window_bytes]
            return cells
        finally:
            self.drop(SCRATCH)

    def export_window(self) -> bytes:
        return self._state(PREFIX, PARTIAL_ONLY) if self.windowed else b""

    def restore(self, cells: bytes | memoryview) -> bool:
        blob = bytes(cells) + EMPTY_WINDOW if self.windowed else cells
        if not self._set_state(blob, SCRATCH, 0):
            self.drop(SCRATCH)
            self.drop(PREFIX)
            return False
        c.llama_memory_seq_cp(self._memory, SCRATCH, PREFIX, -1, -1)
        self.drop(SCRATCH)
        return True

    def restore_window(self, window: bytes | memoryview) -> bool:
        if self._set_state(window, PREFIX, PARTIAL_ONLY):
            return True
        self.drop(PREFIX)
        return False

    def _state(self, seq: int, flags: int) -> bytes:
        size = c.llama_state_seq_get_size_ext(self._context, seq, flags)
        buffer = (ctypes.c_uint8 * size)()
        written = c.llama_state_seq_get_data_ext(self._context, buffer, size, seq, flags)
        if written != size:
            raise EngineError(f"llama.cpp gave {written} of {size} bytes of its state. Try again.")
        return bytes(buffer)

    def _set_state(self, blob: bytes | memoryview, seq: int, flags: int) -> bool:
        array = np.frombuffer(blob, np.uint8)
        pointer = array.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
        read = c.llama_state_seq_set_data_ext(self._context, pointer, array.size, seq, flags)
        return bool(read == array.size)

    def abort(self) -> None:
        self._abort[0] = b"1"

    def resume(self) -> None:
        self._abort[0] = b"\0"

    def close(self) -> None:
        if self._batch is not None:
            c.llama_batch_free(self._batch)
            self._batch = None
        if self._context:
            c.llama_free(self._context)
            self._context = None
        if self._model:
            c.llama_model_free(self._model)
            self._model = None


class _ChainSampler:
    """A llama.cpp sampler chain over the last decoded row."""

    def __init__(self, context: object, sampling: Sampling) -> None:
        self._context = context
        self._chain = c.llama_sampler_chain_init(c.llama_sampler_chain_default_params())
        for stage in self._stages(sampling):
            c.llama_sampler_chain_add(self._chain, stage)

    @staticmethod
    def _stages(sampling: Sampling) -> list[object]:
        if sampling.temperature <= 0:
            return [c.llama_sampler_init_greedy()]
        return [
            c.llama_sampler_init_top_k(sampling.top_k),
            c.llama_sampler_init_top_p(sampling.top_p, 1),
            c.llama_sampler_init_temp(sampling.temperature),
            c.llama_sampler_init_dist(sampling.seed),
        ]

    def sample(self) -> int:
        return int(c.llama_sampler_sample(self._chain, self._context, -1))

    def close(self) -> None:
        c.llama_sampler_free(self._chain)
