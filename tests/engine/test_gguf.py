"""A model's card says what the file says, and no file, however broken, does more than raise ModelFileError."""

import json
import os
import struct
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copilot.engine.gguf import CacheType, FimTokens, ModelCard, read_card
from copilot.engine.gguf_header import read_header
from copilot.errors import ModelFileError
from copilot.testing import Shape
from copilot.testing.gguf_writer import GgufWriter

TinyModel = Callable[[Shape], Path]


def small_model(path: Path, tokens: list[str], types: list[int], **extra: str | int) -> Path:
    """A valid file with one tensor and this vocabulary; `extra` keys have `__` for a dot."""
    writer = GgufWriter()
    for key, value in {
        "general.architecture": "qwen2",
        "qwen2.block_count": 2,
        "qwen2.context_length": 512,
        "qwen2.embedding_length": 64,
        "qwen2.attention.head_count": 2,
        "tokenizer.ggml.model": "gpt2",
    }.items():
        writer.add(key, value)
    for key, value in extra.items():
        writer.add(key.replace("__", "."), value)
    writer.add("tokenizer.ggml.tokens", tokens)
    writer.add("tokenizer.ggml.token_type", types)
    writer.tensor("token_embd.weight", np.ones((4, 64), dtype=np.float32))
    writer.write(path)
    return path


def with_bytes(path: Path, at: int, layout: str, value: int) -> Path:
    """Overwrite one number of a file."""
    raw = bytearray(path.read_bytes())
    struct.pack_into(layout, raw, at, value)
    path.write_bytes(raw)
    return path


def test_the_card_of_a_qwen_model_says_what_the_file_says(tiny_model: TinyModel) -> None:
    """Geometry, special tokens and sizes come from the header."""
    path = tiny_model("qwen2")
    card = read_card(path)
    assert (
        card.architecture,
        card.name,
        card.context_length,
        card.embedding_length,
        card.n_layer,
    ) == ("qwen2", "tiny qwen2", 32768, 128, 3)
    assert (card.n_head, card.n_head_kv, card.head_dim_k, card.head_dim_v) == ((2, 2, 2), (1, 1, 1), 64, 64)
    assert (card.sliding_window, card.windowed, card.swa_bytes_per_token()) == (0, False, 0)
    assert card.kv_bytes_per_token() == 3 * 2 * 64 * 2
    assert (card.tokenizer_model, card.tokenizer_pre, card.add_bos) == ("gpt2", "qwen2", False)
    assert card.chat_template is not None and "<|im_start|>" in card.chat_template
    assert card.eos == card.eot != card.bos
    assert path.stat().st_size == card.file_bytes
    assert 0 < card.file_bytes - card.weight_bytes < 64_000


def test_the_card_of_a_windowed_model_tells_full_layers_from_windowed_ones(tiny_model: TinyModel) -> None:
    """Layers of the shared tail own no KV and do not count."""
    card = read_card(tiny_model("gemma4-e2b"))
    assert (
        card.swa_layers,
        card.sliding_window,
        card.shared_kv_layers,
    ) == ((True, True, False, True, True, False), 64, 3)
    assert (card.kv_bytes_per_token(), card.swa_bytes_per_token()) == (1 * 2 * 128 * 2, 2 * 2 * 64 * 2)
    assert (card.add_bos, card.fim, card.tokenizer_model) == (True, None, "gemma4")


def test_heads_may_differ_by_layer(tiny_model: TinyModel) -> None:
    """Gemma's full layers have fewer KV heads."""
    assert read_card(tiny_model("gemma4-moe")).n_head_kv == (2, 2, 2, 2, 2, 1)


def geometry(card: ModelCard, n_layer: int, period: int, kv: tuple[int, int], heads: tuple[int, int, int]) -> ModelCard:
    """The card with a published geometry: KV heads (window, full), head sizes (window, full), shared layers."""
    windowed = tuple(period > 0 and layer % period < period - 1 for layer in range(n_layer))
    return replace(
        card,
        n_layer=n_layer,
        swa_layers=windowed,
        n_head_kv=tuple(kv[0] if window else kv[1] for window in windowed),
        head_dim_k=heads[1],
        head_dim_v=heads[1],
        head_dim_k_swa=heads[0],
        head_dim_v_swa=heads[0],
        shared_kv_layers=heads[2],
    )


@pytest.mark.parametrize(
    ("n_layer", "period", "kv", "heads", "full", "windowed"),
    [
        pytest.param(24, 0, (2, 2), (64, 64, 0), 12_288, 0, id="qwen2.5-0.5b"),
        pytest.param(28, 0, (2, 2), (128, 128, 0), 28_672, 0, id="qwen2.5-1.5b"),
        pytest.param(35, 5, (1, 1), (256, 512, 20), 6_144, 12_288, id="gemma-4-e2b"),
        pytest.param(42, 6, (2, 2), (256, 512, 18), 16_384, 40_960, id="gemma-4-e4b"),
        pytest.param(30, 6, (8, 2), (256, 512, 0), 20_480, 204_800, id="gemma-4-26b"),
        pytest.param(60, 6, (16, 4), (256, 512, 0), 81_920, 819_200, id="gemma-4-31b"),
    ],
)
def test_kv_bytes_match_the_published_geometries(
    n_layer: int,
    period: int,
    kv: tuple[int, int],
    heads: tuple[int, int, int],
    full: int,
    windowed: int,
    tiny_model: TinyModel,
) -> None:
    """What one token costs in f16, in full and in windowed layers."""
    card = geometry(read_card(tiny_model("qwen2")), n_layer, period, kv, heads)
    assert (full, windowed) == (card.kv_bytes_per_token(), card.swa_bytes_per_token())


@pytest.mark.parametrize(("cache_type", "expected"), [("f32", 1536), ("f16", 768), ("q8_0", 408), ("q4_0", 216)])
def test_quantised_caches_count_whole_blocks(cache_type: CacheType, expected: int, tiny_model: TinyModel) -> None:
    """34 bytes per 32 elements for q8_0, 18 for q4_0."""
    assert expected == read_card(tiny_model("qwen2")).kv_bytes_per_token(cache_type)


@pytest.mark.parametrize(
    ("tokens", "types", "keys", "expected"),
    [
        (["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"], [3, 3, 3], {}, FimTokens(0, 1, 2)),
        (["<fim_prefix>", "<fim_middle>", "<fim_suffix>", "<filename>"], [4] * 4, {}, FimTokens(0, 2, 1, file=3)),
        (["▁<PRE>", "▁<MID>", "▁<SUF>"], [3, 3, 3], {}, FimTokens(0, 2, 1)),
        (["<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"], [4, 4, 4], {}, FimTokens(0, 1, 2)),
        (["a", "b", "c"], [3, 3, 3], {"fim_pre": 2, "fim_suf": 1, "fim_mid": 0}, FimTokens(2, 1, 0)),
        (["a", "b", "c"], [3, 3, 3], {"prefix": 0, "suffix": 1, "middle": 2}, FimTokens(0, 1, 2)),
        (["a", "b", "c"], [1, 3, 3], {"fim_pre": 0, "fim_suf": 1, "fim_mid": 2}, None),
        (["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"], [3, 3, 1], {}, None),
        (["<|fim_prefix|>", "<|fim_suffix|>"], [3, 3], {}, None),
    ],
)
def test_fim_tokens_are_found_by_key_or_text_and_must_be_control_tokens(
    tokens: list[str], types: list[int], keys: dict[str, int], expected: FimTokens | None, tmp_path: Path
) -> None:
    """Without all three there is no fill-in-the-middle."""
    extra = {f"tokenizer__ggml__{role}_token_id": index for role, index in keys.items()}
    assert expected == read_card(small_model(tmp_path / "m.gguf", tokens, types, **extra)).fim


def test_a_cached_card_is_the_same_card(tiny_model: TinyModel, tmp_path: Path) -> None:
    """Nothing gets lost on the way through JSON."""
    path = tiny_model("gemma4-moe")
    fresh, cached = read_card(path, tmp_path), read_card(path, tmp_path)
    assert read_card(path) == fresh == cached


def test_a_warm_card_comes_from_the_cache_until_the_file_changes(tmp_path: Path) -> None:
    """Size, time and inode are the key; the model file is not opened again."""
    path = small_model(tmp_path / "m.gguf", ["a"], [1])
    cache = tmp_path / "cache"
    read_card(path, cache)
    (entry,) = cache.iterdir()
    entry.write_text(json.dumps(json.loads(entry.read_text()) | {"name": "from the cache"}))
    assert read_card(path, cache).name == "from the cache"
    os.utime(path, ns=(1, 1))
    assert read_card(path, cache).name == "m"


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"{}", b'{"version": 1}', b"\xff\xfe"])
def test_an_unreadable_card_cache_is_no_cache(damage: bytes, tmp_path: Path) -> None:
    """The card is read again and the entry replaced."""
    path = small_model(tmp_path / "m.gguf", ["a"], [1])
    cache = tmp_path / "cache"
    card = read_card(path, cache)
    (entry,) = cache.iterdir()
    good = entry.read_bytes()
    entry.write_bytes(damage)
    assert card == read_card(path, cache)
    assert good == entry.read_bytes()


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    """The cache folder may be a file, or on a full disk."""
    path = small_model(tmp_path / "m.gguf", ["a"], [1])
    (tmp_path / "cache").write_text("not a folder")
    assert read_card(path, tmp_path / "cache").architecture == "qwen2"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The message says which file cannot be read."""
    with pytest.raises(ModelFileError, match=r"cannot read the model file .*gone\.gguf"):
        read_card(tmp_path / "gone.gguf", tmp_path)


def test_another_format_is_not_a_gguf_file(tmp_path: Path) -> None:
    """Also when it is empty."""
    for content in (b"", b"GG", b"PK\x03\x04 and more"):
        (tmp_path / "m.gguf").write_bytes(content)
        with pytest.raises(ModelFileError, match="is not a GGUF file"):
            read_header(tmp_path / "m.gguf")


@pytest.mark.parametrize("version", [0, 1, 4, 3 << 24])
def test_an_unknown_version_is_named(version: int, tmp_path: Path) -> None:
    """Big-endian files have one, too."""
    path = with_bytes(small_model(tmp_path / "m.gguf", ["a"], [1]), 4, "<I", version)
    with pytest.raises(ModelFileError, match=f"GGUF version {version}"):
        read_header(path)


def test_missing_tensor_data_are_counted(tmp_path: Path) -> None:
    """An interrupted download is told from the size alone."""
    path = small_model(tmp_path / "m.gguf", ["a"], [1])
    raw = path.read_bytes()
    path.write_bytes(raw[:-40])
    with pytest.raises(ModelFileError, match=rf"is incomplete \({len(raw) - 40:,} of {len(raw):,} bytes\)"):
        read_header(path)


def test_a_duplicate_token_is_refused_before_llama_cpp_aborts(tmp_path: Path) -> None:
    """Early Gemma 4 QAT files have one; llama.cpp ends the process on it."""
    path = small_model(tmp_path / "m.gguf", ["a", "b", "a"], [1, 1, 1])
    with pytest.raises(ModelFileError, match=r"has the token 'a' 2 times: fetch a newer version"):
        read_card(path)


def test_one_shard_of_a_model_is_refused(tmp_path: Path) -> None:
    """Its weights and sizes would be those of a part."""
    path = small_model(tmp_path / "m.gguf", ["a"], [1], split__count=3)
    with pytest.raises(ModelFileError, match="one part of several"):
        read_card(path)


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    """The user learns why the file cannot be used."""
    writer = GgufWriter()
    writer.add("general.architecture", "qwen2")
    writer.add("tokenizer.ggml.tokens", ["a"])
    writer.write(tmp_path / "m.gguf")
    with pytest.raises(ModelFileError, match=r"lacks the key qwen2\.block_count"):
        read_card(tmp_path / "m.gguf")


@pytest.mark.parametrize(
    ("at", "layout", "what"),
    [(8, "<Q", "tensors"), (16, "<Q", "keys"), (24, "<Q", "bytes in a string")],
)
def test_absurd_counts_are_refused_without_memory(at: int, layout: str, what: str, tmp_path: Path) -> None:
    """A count is believed only up to a bound and never allocated for."""
    path = with_bytes(small_model(tmp_path / "m.gguf", ["a"], [1]), at, layout, (1 << 63) + 5)
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError, match=what):
            read_header(path)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("n", [1 << 20, 1 << 24, 1 << 40, (1 << 64) - 1])
@pytest.mark.parametrize("element", [0, 5, 8, 9, 12, 13])
def test_absurd_arrays_are_refused_without_memory(element: int, n: int, tmp_path: Path) -> None:
    """Also arrays of arrays, which nobody writes and which could nest without end."""
    key = b"a.b"
    head = b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", len(key)) + key
    (tmp_path / "m.gguf").write_bytes(head + struct.pack("<IIQ", 9, element, n) + b"\0" * 64)
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError):
            read_header(tmp_path / "m.gguf")
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("sample")
    return small_model(folder / "m.gguf", ["a", "<|fim_prefix|>", "bc"], [1, 3, 1], general__name="x").read_bytes()


@settings(max_examples=300, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_header_raises_nothing_but_model_file_error(
    data: st.DataObject, sample: bytes, tmp_path: Path
) -> None:
    """Truncations, flipped bits and huge numbers: one clear line, bounded time and memory."""
    raw = bytearray(sample)
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(raw) - 9))
        match data.draw(st.sampled_from(("flip", "huge", "byte"))):
            case "flip":
                raw[at] ^= 1 << data.draw(st.integers(0, 7))
            case "byte":
                raw[at] = data.draw(st.integers(0, 255))
            case "huge":
                struct.pack_into("<Q", raw, at, data.draw(st.integers(0, (1 << 64) - 1)))
    raw = raw[: data.draw(st.integers(0, len(raw)))] if data.draw(st.booleans()) else raw
    path = tmp_path / "m.gguf"
    path.write_bytes(raw)
    try:
        read_card(path)
    except ModelFileError as error:
        assert "\n" not in str(error)


@settings(max_examples=200, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tail=st.binary(max_size=400), head=st.sampled_from([b"GGUF\x03\0\0\0", b"GGUF\x02\0\0\0", b"GGUF", b""]))
def test_arbitrary_bytes_raise_nothing_but_model_file_error(head: bytes, tail: bytes, tmp_path: Path) -> None:
    """Whatever follows the magic."""
    path = tmp_path / "m.gguf"
    path.write_bytes(head + tail)
    with pytest.raises(ModelFileError):
        read_card(path)


@pytest.mark.model
def test_the_default_model_has_the_published_geometry(default_model: Path) -> None:
    """Qwen2.5-Coder-1.5B-Instruct, if that is the model under test."""
    card = read_card(default_model)
    if (card.architecture, card.n_layer) != ("qwen2", 28):
        pytest.skip("another model is under test")
    assert (card.kv_bytes_per_token(), card.vocab_size, card.eos) == (28_672, 151_936, 151_645)
    assert FimTokens(151_659, 151_661, 151_660, 151_662, 151_663, 151_664) == card.fim
