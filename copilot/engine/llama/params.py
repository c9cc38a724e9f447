"""What shapes a context: the choices, llama.cpp's structure made from them, and the fingerprint of what it computes.

Knows no tokens and no files.
"""

import os
from dataclasses import dataclass
from hashlib import blake2b

from copilot.engine.llama.library import build_id, c
from copilot.engine.machine import usable_cores
from copilot.engine.memory import MIN_SEQUENCES, N_OUTPUTS_MAX
from copilot.engine.segments import SEGMENT_TOKENS

KV_TYPES = {"f16": c.GGML_TYPE_F16, "q8_0": c.GGML_TYPE_Q8_0, "q4_0": c.GGML_TYPE_Q4_0}


@dataclass(frozen=True, slots=True)
class EngineParams:
    """What shapes a context besides its size."""

    kv_type: str = "f16"
    n_threads: int = 0
    """0 = one per physical core this process may use."""
    n_gpu_layers: int = 0
    n_seq: int = MIN_SEQUENCES
    """Sequences, the scratch one included; `memory.sequences_for` says how many a model affords."""
    n_batch: int = SEGMENT_TOKENS
    """Tokens per decode and per micro-batch, at most; `memory.batch_for` says how many a machine affords."""

    def __post_init__(self) -> None:
        # llama.cpp aborts the process where a context has more sequences than rows of logits.
        if not 2 <= self.n_seq <= N_OUTPUTS_MAX:
            raise ValueError(f"{self.n_seq} sequences, 2 to {N_OUTPUTS_MAX} are possible")


def context_params(params: EngineParams, n_ctx: int) -> c.llama_context_params:
    """llama.cpp's structure, without the abort callback; see docs/engine.md for why each is as it is."""
    p = c.llama_context_default_params()
    p.n_ctx = -(-n_ctx // 256) * 256  # what llama.cpp rounds to
    p.n_batch = p.n_ubatch = params.n_batch
    p.n_seq_max = params.n_seq
    p.n_outputs_max = N_OUTPUTS_MAX
    p.n_threads = p.n_threads_batch = params.n_threads or usable_cores()
    p.flash_attn_type = c.LLAMA_FLASH_ATTN_TYPE_ENABLED
    p.type_k = p.type_v = KV_TYPES[params.kv_type]
    p.swa_full = False
    p.kv_unified = True
    p.no_perf = True
    return p


def fingerprint(model_digest: str, params: EngineParams) -> bytes:
    """32 bytes; see docs/engine.md for why each part is in it. Threads and sequences change no rows."""
    parts = (
        model_digest,
        build_id(),
        params.kv_type,
        f"n_ubatch={params.n_batch}",
        "flash_attn=1 kv_unified=1 swa_full=0",
        f"gpu={params.n_gpu_layers}",
        os.environ.get("LLAMA_ATTN_ROT_DISABLE", ""),
    )
    return blake2b("\0".join(parts).encode(), digest_size=32).digest()
