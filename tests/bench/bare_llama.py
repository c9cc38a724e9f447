"""llama.cpp by itself, driven as llama-server drives one slot: the speed that no server around it can exceed.

Batches of 2,048 and micro-batches of 512 tokens, which are llama-server's defaults; slots are llama.cpp's own state
files. The library is the one the engine uses, so that nothing but the driving differs. Runs in this process.
"""

import ctypes
import os
import time
from collections.abc import Sequence
from pathlib import Path

from llama_cpp import llama_cpp as c

from copilot.engine.llama.library import start
from tests.bench.llama_server import Answer

N_BATCH, N_UBATCH = 2048, 512
SEQ = 0


class BareLlama:
    """A model, a context and a greedy sampler; `start` loads them."""

    def __init__(self, model: Path, threads: int, n_ctx: int, slots: Path) -> None:
        self._path, self._threads, self._n_ctx, self._slots = model, threads, n_ctx, slots
        self._held: list[int] = []
        self._context: object = None

    def start(self) -> float:
        """Seconds until tokens can be decoded."""
        began = time.perf_counter()
        start()
        self._model = c.llama_model_load_from_file(os.fsencode(self._path), c.llama_model_default_params())
        params = c.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch, params.n_seq_max = self._n_ctx, N_BATCH, N_UBATCH, 1
        params.n_threads = params.n_threads_batch = self._threads
        self._context = c.llama_init_from_model(self._model, params)
        assert self._context, "llama.cpp opens no context"
        self._greedy = c.llama_sampler_init_greedy()
        return time.perf_counter() - began

    def stop(self) -> None:
        if self._context:
            c.llama_sampler_free(self._greedy)
            c.llama_free(self._context)
            c.llama_model_free(self._model)
        self._context, self._held = None, []

    def complete(self, prompt: Sequence[int], n: int, *, keep: bool = False) -> Answer:
        """Greedy completion of token ids; `keep` lets it go on from what is held."""
        memory, began, cpu = c.llama_get_memory(self._context), time.perf_counter(), time.process_time()
        same = keep and list(prompt[:-1]) == self._held[: len(prompt) - 1]
        first = len(prompt) - 1 if same else 0
        c.llama_memory_seq_rm(memory, SEQ, first, -1)
        for at in range(first, len(prompt), N_BATCH):
            self._decode(prompt[at : at + N_BATCH])
        said = [self._sample()]
        prompt_ms, middle = 1000 * (time.perf_counter() - began), time.perf_counter()
        while len(said) < n:
            self._decode(said[-1:])
            said.append(self._sample())
        self._held = [*prompt, *said[:-1]]
        decode_ms = 1000 * (time.perf_counter() - middle)
        return Answer(repr(said), len(prompt) - first, prompt_ms, n, decode_ms, time.process_time() - cpu)

    def save(self, name: str) -> float:
        """Write a state file; milliseconds."""
        began, tokens = time.perf_counter(), (c.llama_token * len(self._held))(*self._held)
        path = os.fsencode(self._slots / name)
        assert c.llama_state_seq_save_file(self._context, path, SEQ, tokens, len(self._held))
        return 1000 * (time.perf_counter() - began)

    def restore(self, name: str) -> float:
        """Read it back; milliseconds."""
        began, tokens, count = time.perf_counter(), (c.llama_token * self._n_ctx)(), ctypes.c_size_t(0)
        path = os.fsencode(self._slots / name)
        assert c.llama_state_seq_load_file(self._context, path, SEQ, tokens, self._n_ctx, ctypes.byref(count))
        self._held = list(tokens[: count.value])
        return 1000 * (time.perf_counter() - began)

    def _decode(self, tokens: Sequence[int]) -> None:
        array = (c.llama_token * len(tokens))(*tokens)
        assert c.llama_decode(self._context, c.llama_batch_get_one(array, len(tokens))) == 0

    def _sample(self) -> int:
        return int(c.llama_sampler_sample(self._greedy, self._context, -1))
