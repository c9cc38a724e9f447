"""Writes tiny random-weight model files that llama.cpp runs through its real qwen2 and gemma4 code.

For tests: small own vocabularies, seeded weights, well under a second a file. The text such a model writes
is noise, but the same noise each time. Knows nothing of tokenising or decoding.
Keys and tensor names: llama.cpp src/models/qwen2.cpp and gemma4.cpp at the build named in pyproject.toml.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from copilot.engine.gguf_keys import BYTE, CONTROL, UNUSED, USER_DEFINED
from copilot.engine.vocabulary_draft import SPACE
from copilot.testing.gguf_writer import GgufWriter, Value
from copilot.testing.tiny_vocab import TinyVocab, gemma4_vocab, qwen2_vocab

Shape = Literal["qwen2", "gemma4-e2b", "gemma4-moe", "gemma4-dense"]

CHATML_TEMPLATE = (
    "{%- if messages[0].role == 'system' %}{%- set turns = messages %}{%- else %}"
    "{%- set turns = [{'role': 'system', 'content': 'You are Qwen, created by Alibaba Cloud. "
    "You are a helpful assistant.'}] + messages %}{%- endif %}"
    "{%- for turn in turns %}"
    "{{- '<|im_start|>' + turn.role + '\\n' + turn.content + '<|im_end|>\\n' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)
"""ChatML with Qwen2.5's default system turn (no tools)."""

GEMMA4_TEMPLATE = (
    "{{- bos_token }}"
    "{%- set ns = namespace(turns=messages, system='') %}"
    "{%- if messages[0].role in ['system', 'developer'] %}"
    "{%- set ns.system = messages[0].content | trim %}{%- set ns.turns = messages[1:] %}{%- endif %}"
    "{%- if ns.system or enable_thinking %}{{- '<|turn>system\\n' }}"
    "{%- if enable_thinking %}{{- '<|think|>\\n' }}{%- endif %}{{- ns.system + '<turn|>\\n' }}{%- endif %}"
    "{%- for turn in ns.turns %}"
    "{%- if turn.role == 'assistant' %}"
    "{{- '<|turn>model\\n' + (turn.content.split('<channel|>') | last | trim) }}"
    "{%- else %}{{- '<|turn>' + turn.role + '\\n' + (turn.content | trim) }}{%- endif %}"
    "{{- '<turn|>\\n' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|turn>model\\n' }}"
    "{%- if not enable_thinking %}{{- '<|channel>thought\\n<channel|>' }}{%- endif %}{%- endif %}"
)
"""Gemma 4 turns (no tools): an empty thought channel opens the answer unless thinking is enabled."""

N_EMBD = 128
N_FF = 256
PEAK = 0.5
"""Standard deviation of the output rows: logits spread by about 5.7, so greedy decoding meets no ties."""
SHARPNESS = 4.0
"""Spread of the qwen2 attention scores, so that answers depend on what stands far back; norms do this in gemma4."""


@dataclass(frozen=True, slots=True)
class _Gemma:
    """What differs between the Gemma 4 tiers, in the sizes of a toy."""

    pattern: tuple[bool, ...]
    """Per layer, True = sliding window."""
    shared: int = 0
    """Tail layers that reuse the KV of the last two layers owning one, which must be (window, full)."""
    n_kv: tuple[int, int] = (2, 1)
    """KV heads of (window, full) layers."""
    per_layer: int = 0
    """Width of the per-layer embeddings, 0 = none."""
    n_expert: int = 0
    k_is_v: bool = True
    """Full layers have no value projection."""


_GEMMAS = {
    "gemma4-e2b": _Gemma((True, True, False, True, True, False), 3, (1, 1), per_layer=8, k_is_v=False),
    "gemma4-moe": _Gemma((True, True, True, True, True, False), n_expert=4),
    "gemma4-dense": _Gemma((True, True, True, True, True, False)),
}
_HEAD_WINDOW, _HEAD_FULL, _N_HEAD, _FF_EXPERT = 64, 128, 2, 32


def write_tiny_model(
    path: Path,
    shape: Shape = "qwen2",
    *,
    seed: int = 1,
    n_ctx_train: int = 32768,
    n_swa: int = 64,
    chat_template: str | None = None,
) -> Path:
    """Write a model file of this shape and return its path; equal arguments give equal bytes.

    `n_swa` (tokens) counts for the gemma4 shapes only; `chat_template` None = the family's own.
    """
    writer = GgufWriter()
    weights = _Weights(writer, seed)
    if shape == "qwen2":
        vocab = qwen2_vocab()
        _qwen2_keys(writer, n_ctx_train)
        _vocab_keys(writer, vocab, bos="<|endoftext|>", eos="<|im_end|>", pad="<|endoftext|>")
        writer.add("tokenizer.ggml.add_bos_token", False)
        writer.add("tokenizer.chat_template", chat_template or CHATML_TEMPLATE)
        _qwen2_tensors(weights, vocab)
    else:
        gemma = _GEMMAS[shape]
        vocab = gemma4_vocab()
        _gemma_keys(writer, gemma, shape, n_ctx_train, n_swa)
        _vocab_keys(writer, vocab, bos="<bos>", eos="<eos>", pad="<pad>")
        writer.add("tokenizer.ggml.scores", [float(-i) for i in range(len(vocab.tokens))])
        writer.add("tokenizer.ggml.unknown_token_id", vocab.id("<unk>"))
        writer.add("tokenizer.ggml.mask_token_id", vocab.id("<mask>"))
        writer.add("tokenizer.ggml.add_space_prefix", False)
        writer.add("tokenizer.ggml.add_bos_token", True)
        writer.add("tokenizer.chat_template", chat_template or GEMMA4_TEMPLATE)
        _gemma_tensors(weights, gemma, vocab)
    writer.write(path)
    return path


class _Weights:
    """Draws seeded tensors into a writer, in call order."""

    def __init__(self, writer: GgufWriter, seed: int) -> None:
        self._writer = writer
        self._rng = np.random.default_rng(seed)

    def put(self, name: str, array: NDArray[np.float64]) -> None:
        self._writer.tensor(name, array.astype(np.float32))

    def normal(self, name: str, *shape: int, scale: float) -> None:
        """A matrix of N(0, scale^2)."""
        self.put(name, self._rng.standard_normal(shape) * scale)

    def linear(self, name: str, n_out: int, n_in: int, gain: float = 1.0) -> None:
        """A projection that multiplies the spread of its input by `gain`."""
        self.normal(name, n_out, n_in, scale=gain * n_in**-0.5)

    def norm(self, name: str, n: int, gain: float = 1.0) -> None:
        self.put(name, gain * (1.0 + 0.1 * self._rng.standard_normal(n)))

    def output(self, name: str, vocab: TinyVocab, stop: str) -> None:
        """Rows of equal spread; control tokens other than `stop` are silent, lone bytes and long space faint."""
        rows = self._rng.standard_normal((len(vocab.tokens), N_EMBD)) * PEAK
        silent = [
            kind in (CONTROL, USER_DEFINED, UNUSED) and text != stop
            for text, kind in zip(vocab.tokens, vocab.types, strict=True)
        ]
        rows[silent] = 0.0
        faint = [
            kind == BYTE or (len(text) > 2 and not text.strip(f"\n\t {SPACE}"))
            for text, kind in zip(vocab.tokens, vocab.types, strict=True)
        ]
        rows[faint] *= 0.5
        self.put(name, rows)


def _vocab_keys(writer: GgufWriter, vocab: TinyVocab, *, bos: str, eos: str, pad: str) -> None:
    writer.add("tokenizer.ggml.model", vocab.model)
    if vocab.pre is not None:
        writer.add("tokenizer.ggml.pre", vocab.pre)
    writer.add("tokenizer.ggml.tokens", vocab.tokens)
    writer.add("tokenizer.ggml.token_type", vocab.types)
    writer.add("tokenizer.ggml.merges", vocab.merges)
    for key, text in (("bos", bos), ("eos", eos), ("padding", pad)):
        writer.add(f"tokenizer.ggml.{key}_token_id", vocab.id(text))


def _qwen2_keys(writer: GgufWriter, n_ctx_train: int) -> None:
    keys: dict[str, Value] = {
        "general.architecture": "qwen2",
        "general.type": "model",
        "general.name": "tiny qwen2",
        "general.file_type": 0,
        "general.quantization_version": 2,
        "qwen2.block_count": 3,
        "qwen2.context_length": n_ctx_train,
        "qwen2.embedding_length": N_EMBD,
        "qwen2.feed_forward_length": N_FF,
        "qwen2.attention.head_count": 2,
        "qwen2.attention.head_count_kv": 1,
        "qwen2.attention.layer_norm_rms_epsilon": 1e-6,
        "qwen2.rope.freq_base": 1_000_000.0,
    }
    for key, value in keys.items():
        writer.add(key, value)


def _qwen2_tensors(weights: _Weights, vocab: TinyVocab) -> None:
    kv = N_EMBD // 2
    weights.normal("token_embd.weight", len(vocab.tokens), N_EMBD, scale=1.0)
    weights.norm("output_norm.weight", N_EMBD)
    weights.output("output.weight", vocab, stop="<|im_end|>")
    for layer in range(3):
        block = f"blk.{layer}."
        weights.norm(block + "attn_norm.weight", N_EMBD)
        for name, n_out, gain in (("attn_q", N_EMBD, SHARPNESS), ("attn_k", kv, 1.0), ("attn_v", kv, 1.0)):
            weights.linear(f"{block}{name}.weight", n_out, N_EMBD, gain)
            weights.normal(f"{block}{name}.bias", n_out, scale=0.1)
        weights.linear(block + "attn_output.weight", N_EMBD, N_EMBD)
        _feed_forward(weights, block, N_FF)


def _feed_forward(weights: _Weights, block: str, n_ff: int) -> None:
    weights.norm(block + "ffn_norm.weight", N_EMBD)
    weights.linear(block + "ffn_gate.weight", n_ff, N_EMBD)
    weights.linear(block + "ffn_up.weight", n_ff, N_EMBD)
    weights.linear(block + "ffn_down.weight", N_EMBD, n_ff)


def _gemma_keys(writer: GgufWriter, gemma: _Gemma, shape: str, n_ctx_train: int, n_swa: int) -> None:
    window_kv, full_kv = gemma.n_kv
    keys: dict[str, Value] = {
        "general.architecture": "gemma4",
        "general.type": "model",
        "general.name": f"tiny {shape}",
        "general.file_type": 0,
        "general.quantization_version": 2,
        "gemma4.block_count": len(gemma.pattern),
        "gemma4.context_length": n_ctx_train,
        "gemma4.embedding_length": N_EMBD,
        "gemma4.feed_forward_length": N_FF,
        "gemma4.attention.head_count": _N_HEAD,
        "gemma4.attention.head_count_kv": [window_kv if window else full_kv for window in gemma.pattern],
        "gemma4.attention.key_length": _HEAD_FULL,
        "gemma4.attention.value_length": _HEAD_FULL,
        "gemma4.attention.key_length_swa": _HEAD_WINDOW,
        "gemma4.attention.value_length_swa": _HEAD_WINDOW,
        "gemma4.attention.layer_norm_rms_epsilon": 1e-6,
        "gemma4.attention.sliding_window": n_swa,
        "gemma4.attention.sliding_window_pattern": gemma.pattern,
        "gemma4.attention.shared_kv_layers": gemma.shared,
        "gemma4.embedding_length_per_layer_input": gemma.per_layer,
        "gemma4.rope.freq_base": 1_000_000.0,
        "gemma4.rope.freq_base_swa": 10_000.0,
        "gemma4.rope.dimension_count": _HEAD_FULL,
        "gemma4.rope.dimension_count_swa": _HEAD_WINDOW,
        "gemma4.final_logit_softcapping": 30.0,
    }
    if gemma.n_expert:
        keys["gemma4.expert_count"] = gemma.n_expert
        keys["gemma4.expert_used_count"] = gemma.n_expert // 2
        keys["gemma4.expert_feed_forward_length"] = _FF_EXPERT
    for key, value in keys.items():
        writer.add(key, value)


def _gemma_tensors(weights: _Weights, gemma: _Gemma, vocab: TinyVocab) -> None:
    n_layer, n_vocab = len(gemma.pattern), len(vocab.tokens)
    weights.normal("token_embd.weight", n_vocab, N_EMBD, scale=N_EMBD**-0.5)  # the graph scales by sqrt(n_embd)
    weights.norm("output_norm.weight", N_EMBD)
    weights.output("output.weight", vocab, stop="<turn|>")
    # "Proportional" rope of the full layers: a quarter of the dimensions turn, the others stand still.
    turning = _HEAD_FULL // 8
    weights.put("rope_freqs.weight", np.array([1.0] * turning + [1e30] * (_HEAD_FULL // 2 - turning)))
    if gemma.per_layer:
        width = gemma.per_layer * n_layer
        weights.normal("per_layer_token_embd.weight", n_vocab, width, scale=gemma.per_layer**-0.5)
        weights.linear("per_layer_model_proj.weight", width, N_EMBD)
        weights.norm("per_layer_proj_norm.weight", gemma.per_layer)
    for layer in range(n_layer):
        _gemma_block(weights, gemma, layer)


def _gemma_block(weights: _Weights, gemma: _Gemma, layer: int) -> None:
    block, window = f"blk.{layer}.", gemma.pattern[layer]
    head, n_kv = (_HEAD_WINDOW, gemma.n_kv[0]) if window else (_HEAD_FULL, gemma.n_kv[1])
    weights.norm(block + "attn_norm.weight", N_EMBD)
    weights.linear(block + "attn_q.weight", head * _N_HEAD, N_EMBD)
    weights.norm(block + "attn_q_norm.weight", head, gain=0.35)  # q.k is not divided by sqrt(head): keep it moderate
    if layer < len(gemma.pattern) - gemma.shared:
        weights.linear(block + "attn_k.weight", head * n_kv, N_EMBD)
        weights.norm(block + "attn_k_norm.weight", head, gain=0.35)
        if window or not gemma.k_is_v:
            weights.linear(block + "attn_v.weight", head * n_kv, N_EMBD)
    weights.linear(block + "attn_output.weight", N_EMBD, head * _N_HEAD)
    weights.norm(block + "post_attention_norm.weight", N_EMBD)
    weights.put(block + "layer_output_scale.weight", np.ones(1))
    _feed_forward(weights, block, N_FF)
    weights.norm(block + "post_ffw_norm.weight", N_EMBD)
    if gemma.n_expert:
        _experts(weights, block, gemma.n_expert)
    if gemma.per_layer:
        weights.linear(block + "inp_gate.weight", gemma.per_layer, N_EMBD)
        weights.linear(block + "proj.weight", N_EMBD, gemma.per_layer)
        weights.norm(block + "post_norm.weight", N_EMBD)


def _experts(weights: _Weights, block: str, n_expert: int) -> None:
    weights.linear(block + "ffn_gate_inp.weight", n_expert, N_EMBD)
    weights.norm(block + "ffn_gate_inp.scale", N_EMBD)
    for name in ("pre_ffw_norm_2", "post_ffw_norm_1", "post_ffw_norm_2"):
        weights.norm(f"{block}{name}.weight", N_EMBD)
    weights.normal(block + "ffn_gate_up_exps.weight", n_expert, 2 * _FF_EXPERT, N_EMBD, scale=N_EMBD**-0.5)
    weights.normal(block + "ffn_down_exps.weight", n_expert, N_EMBD, _FF_EXPERT, scale=_FF_EXPERT**-0.5)
    weights.norm(block + "ffn_down_exps.scale", n_expert)
