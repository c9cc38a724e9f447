"""A model file's card: what the engine, the memory plan and the prompts must know before weights are loaded.

Read from the GGUF header alone; knows neither llama.cpp nor how text becomes tokens.
Key names: ggml-org/ggml docs/gguf.md and llama.cpp src/llama-arch.cpp.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from copilot.errors import ModelFileError
from copilot.files import Identity, keep_file

if TYPE_CHECKING:
    from copilot.engine.gguf_keys import Keys

CARD_VERSION = 1

CacheType = Literal["f32", "f16", "q8_0", "q4_0"]
BYTES_PER_BLOCK: dict[CacheType, int] = {"f32": 128, "f16": 64, "q8_0": 34, "q4_0": 18}
"""Bytes of 32 KV elements by cache type."""

# Window layers per full one where llama.cpp's model code fixes it and files may leave it out.
_DEFAULT_PERIODS = {"gemma2": 2, "gemma3": 6, "gemma3n": 5, "cohere2": 4, "gpt-oss": 2}

# Texts that mark fill-in-the-middle, per role: Qwen and CodeGemma, StarCoder, Granite, DeepSeek, CodeLlama.
_FIM_TEXTS = {
    "prefix": ("<|fim_prefix|>", "<fim_prefix>", "<fim-prefix>", "<｜fim▁begin｜>", "<PRE>", "▁<PRE>"),
    "suffix": ("<|fim_suffix|>", "<fim_suffix>", "<fim-suffix>", "<｜fim▁hole｜>", "<SUF>", "▁<SUF>"),
    "middle": ("<|fim_middle|>", "<fim_middle>", "<fim-middle>", "<｜fim▁end｜>", "<MID>", "▁<MID>"),
    "pad": ("<|fim_pad|>", "<fim_pad>", "<fim-pad>"),
    "repository": ("<|repo_name|>", "<|fim_repo|>", "<repo_name>", "<reponame>", "<fim-repo>"),
    "file": ("<|file_sep|>", "<|file_separator|>", "<file_sep>", "<filename>"),
}
_FIM_KEYS = {
    "prefix": ("fim_pre", "prefix"),
    "suffix": ("fim_suf", "suffix"),
    "middle": ("fim_mid", "middle"),
    "pad": ("fim_pad",),
    "repository": ("fim_rep",),
    "file": ("fim_sep",),
}
_EOT_TEXTS = ("<|im_end|>", "<|eot_id|>", "<|end|>", "<end_of_turn>", "<turn|>", "<EOT>", "<|endoftext|>")


@dataclass(frozen=True, slots=True)
class FimTokens:
    """Ids of the fill-in-the-middle tokens; each is one control token of the vocabulary."""

    prefix: int
    suffix: int
    middle: int
    pad: int | None = None
    repository: int | None = None
    file: int | None = None


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One model file. Sizes in bytes; tuples have one entry per layer."""

    path: Path
    identity: Identity
    header_digest: str
    """SHA-256 of the header (hex): keys, vocabulary and tensor table, not the weights."""
    name: str
    architecture: str
    context_length: int
    embedding_length: int
    n_layer: int
    n_head: tuple[int, ...]
    n_head_kv: tuple[int, ...]
    head_dim_k: int
    head_dim_v: int
    head_dim_k_swa: int
    head_dim_v_swa: int
    sliding_window: int
    """Tokens a windowed layer sees, 0 = no layer is windowed."""
    swa_layers: tuple[bool, ...]
    shared_kv_layers: int
    """Layers at the end that keep no KV of their own."""
    vocab_size: int
    tokenizer_model: str
    tokenizer_pre: str
    """Empty where the file names none."""
    bos: int | None
    eos: int | None
    eot: int | None
    add_bos: bool
    chat_template: str | None
    fim: FimTokens | None
    weight_bytes: int

    @property
    def file_bytes(self) -> int:
        return self.identity.size

    @property
    def windowed(self) -> bool:
        return any(self.swa_layers)

    @property
    def attention_width(self) -> int:
        """Elements of a row of all heads, in the widest layer."""
        return max(self.n_head) * max(self.head_dim_k, self.head_dim_k_swa)

    def kv_bytes_per_token(self, cache_type: CacheType = "f16") -> int:
        """KV bytes that one token takes in the full-attention layers, for the whole context."""
        return self._kv_bytes(cache_type, windowed=False)

    def swa_bytes_per_token(self, cache_type: CacheType = "f16") -> int:
        """KV bytes that one token takes in the windowed layers, for the tokens inside the window."""
        return self._kv_bytes(cache_type, windowed=True)

    def _kv_bytes(self, cache_type: CacheType, *, windowed: bool) -> int:
        k, v = (self.head_dim_k_swa, self.head_dim_v_swa) if windowed else (self.head_dim_k, self.head_dim_v)
        owning = range(self.n_layer - self.shared_kv_layers)
        heads = sum(self.n_head_kv[layer] for layer in owning if self.swa_layers[layer] is windowed)
        return heads * (k + v) * BYTES_PER_BLOCK[cache_type] // 32

    @classmethod
    def from_keys(cls, keys: "Keys") -> "ModelCard":
        """Raises ModelFileError where a needed key is missing or makes no sense."""
        header = keys.header
        arch = keys.text("general.architecture")
        if keys.integer("split.count", 1) > 1:
            raise keys.error("is one part of several: join them with `llama-gguf-split --merge`")
        n_layer, n_embd = keys.size(f"{arch}.block_count"), keys.size(f"{arch}.embedding_length")
        heads = keys.per_layer(f"{arch}.attention.head_count", n_layer, None)
        head_dim = n_embd // max(heads[0], 1)
        k = keys.integer(f"{arch}.attention.key_length", head_dim)
        v = keys.integer(f"{arch}.attention.value_length", head_dim)
        swa_layers = _swa_layers(keys, arch, n_layer)
        special = keys.special_tokens()
        model = keys.text("tokenizer.ggml.model")
        return cls(
            path=header.path,
            identity=header.identity,
            header_digest=header.digest,
            name=keys.text("general.name", header.path.stem),
            architecture=arch,
            context_length=keys.size(f"{arch}.context_length"),
            embedding_length=n_embd,
            n_layer=n_layer,
            n_head=heads,
            n_head_kv=keys.per_layer(f"{arch}.attention.head_count_kv", n_layer, heads),
            head_dim_k=k,
            head_dim_v=v,
            head_dim_k_swa=keys.integer(f"{arch}.attention.key_length_swa", k),
            head_dim_v_swa=keys.integer(f"{arch}.attention.value_length_swa", v),
            sliding_window=keys.integer(f"{arch}.attention.sliding_window", 0) if any(swa_layers) else 0,
            swa_layers=swa_layers,
            shared_kv_layers=min(keys.integer(f"{arch}.attention.shared_kv_layers", 0), n_layer),
            vocab_size=len(keys.strings("tokenizer.ggml.tokens")),
            tokenizer_model=model,
            tokenizer_pre=keys.text("tokenizer.ggml.pre", ""),
            bos=keys.token("bos"),
            eos=keys.token("eos"),
            eot=keys.token("eot", _first(special, _EOT_TEXTS)),
            # llama.cpp sets it for Gemma 4 whatever the file says.
            add_bos=model == "gemma4" or keys.flag("tokenizer.ggml.add_bos_token", model == "llama"),
            chat_template=keys.text("tokenizer.chat_template", "") or None,
            fim=_fim_tokens(keys, special),
            weight_bytes=sum(tensor.n_bytes for tensor in header.tensors),
        )


def _swa_layers(keys: "Keys", arch: str, n_layer: int) -> tuple[bool, ...]:
    """Which layers see only a window: the file's own list, its period, or the architecture's."""
    key = f"{arch}.attention.sliding_window_pattern"
    if not keys.integer(f"{arch}.attention.sliding_window", 0):
        return (False,) * n_layer
    if keys.has_array(key):
        return tuple(bool(windowed) for windowed in keys.per_layer(key, n_layer, None))
    if arch not in _DEFAULT_PERIODS:
        return (False,) * n_layer
    period = keys.integer(key, _DEFAULT_PERIODS[arch])
    return tuple(period > 0 and layer % period < period - 1 for layer in range(n_layer))


def _fim_tokens(keys: "Keys", special: Mapping[str, int]) -> FimTokens | None:
    """The ids that the file names, else those of known texts; None unless prefix, suffix and middle exist."""
    control = frozenset(special.values())
    found: dict[str, int | None] = {}
    for role, texts in _FIM_TEXTS.items():
        named = (keys.token(key) for key in _FIM_KEYS[role])
        found[role] = next((index for index in named if index in control), _first(special, texts))
    prefix, suffix, middle = found["prefix"], found["suffix"], found["middle"]
    if prefix is None or suffix is None or middle is None:
        return None
    return FimTokens(prefix, suffix, middle, found["pad"], found["repository"], found["file"])


def _first(special: Mapping[str, int], texts: Iterable[str]) -> int | None:
    return next((special[text] for text in texts if text in special), None)


def read_card(path: Path, cache_dir: Path | None = None) -> ModelCard:
    """Return the card of a model file, from `cache_dir` while size, time and inode are unchanged.

    ModelFileError where the file is not a complete, supported model.
    """
    path = path.absolute()
    try:
        identity = Identity.from_stat(path.stat())
    except OSError as error:
        raise ModelFileError(f"cannot read the model file {path}: {error.strerror or error}") from error
    if cache_dir is None:
        return _read_fresh(path)
    key = sha256(json.dumps([str(path), asdict(identity), CARD_VERSION]).encode()).hexdigest()[:32]
    cached = cache_dir / f"card-{key}.json"
    try:
        return _card_from_json(json.loads(cached.read_bytes()), path, identity)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        card = _read_fresh(path)
        _store(cached, card)
        return card


def _read_fresh(path: Path) -> ModelCard:
    # Numpy comes with these two; a card from the cache does not need it.
    from copilot.engine.gguf_header import read_header
    from copilot.engine.gguf_keys import Keys

    keys = Keys(read_header(path))
    tokens = keys.strings("tokenizer.ggml.tokens")
    # llama.cpp aborts the whole process on such a file, so it must not get that far.
    if len(set(tokens)) < len(tokens):
        text, times = Counter(tokens).most_common(1)[0]
        if text:
            raise keys.error(
                f"has the token {text.decode(errors='replace')!r} {times} times: fetch a newer version of the file"
            )
    return ModelCard.from_keys(keys)


def _card_from_json(fields: dict[str, Any], path: Path, identity: Identity) -> ModelCard:
    if fields.pop("version") != CARD_VERSION:
        raise ValueError("another card version")
    for key in ("n_head", "n_head_kv", "swa_layers"):
        fields[key] = tuple(fields[key])
    fields["fim"] = fields["fim"] and FimTokens(**fields["fim"])
    fields |= {"path": path, "identity": identity}
    return ModelCard(**fields)


def _store(target: Path, card: ModelCard) -> None:
    fields = asdict(card) | {"version": CARD_VERSION}
    del fields["path"], fields["identity"]
    keep_file(target, json.dumps(fields).encode())
