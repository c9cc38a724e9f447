"""The sizes of a published model that its memory follows from, known before its file is there.

Does not know how memory is reckoned; `copilot.engine.memory` takes this in place of a file's own header.
"""

from dataclasses import dataclass

_BYTES_PER_BLOCK = {"f32": 128, "f16": 64, "q8_0": 34, "q4_0": 18}
"""Bytes of 32 KV elements by cache type, as ggml stores them."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """One model's shape, as its published configuration gives it. Layers are regular: the last of a period is full."""

    layers: int
    embedding: int
    heads: int
    kv_heads: int
    """Per full-attention layer."""
    head_dim: int
    vocabulary: int
    parameters: int
    active_parameters: int
    """Those that one token passes through: fewer than all in mixtures of experts and with per-layer embeddings."""
    shared_kv_layers: int = 0
    """Layers at the end that keep no KV of their own."""
    period: int = 1
    """Every so many layers one sees the whole context; 1 = all do."""
    window: int = 0
    """Tokens that the other layers see."""
    kv_heads_windowed: int = 0
    head_dim_windowed: int = 0


@dataclass(frozen=True, slots=True)
class PublishedShape:
    """A geometry together with the file's size: what memory is planned from."""

    name: str
    weight_bytes: int
    context_length: int
    geometry: Geometry

    @property
    def n_layer(self) -> int:
        return self.geometry.layers

    @property
    def vocab_size(self) -> int:
        return self.geometry.vocabulary

    @property
    def embedding_length(self) -> int:
        return self.geometry.embedding

    @property
    def attention_width(self) -> int:
        """Elements of a row of all heads, in the widest layer."""
        return self.geometry.heads * max(self.geometry.head_dim, self.geometry.head_dim_windowed)

    @property
    def sliding_window(self) -> int:
        return self.geometry.window

    @property
    def windowed(self) -> bool:
        return self.geometry.window > 0

    def kv_bytes_per_token(self, cache_type: str = "f16") -> int:
        """KV bytes of one token in the layers that see everything."""
        geometry = self.geometry
        return self._bytes(self._owning(full=True) * geometry.kv_heads * 2 * geometry.head_dim, cache_type)

    def swa_bytes_per_token(self, cache_type: str = "f16") -> int:
        """KV bytes of one token in the layers that see a window."""
        geometry = self.geometry
        heads = self._owning(full=False) * geometry.kv_heads_windowed
        return self._bytes(heads * 2 * geometry.head_dim_windowed, cache_type)

    def _owning(self, *, full: bool) -> int:
        """How many layers of a kind keep KV."""
        period = self.geometry.period
        own = range(self.geometry.layers - self.geometry.shared_kv_layers)
        return sum((layer % period == period - 1) is full for layer in own)

    @staticmethod
    def _bytes(elements: int, cache_type: str) -> int:
        return elements * _BYTES_PER_BLOCK[cache_type] // 32
