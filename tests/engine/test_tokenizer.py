"""Token ids equal llama.cpp's own, and text is never anything but text."""

import ctypes
import os
import struct
import sysconfig
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from llama_cpp import llama_cpp as lib

from copilot.engine.gguf import read_card
from copilot.engine.gguf_header import read_header
from copilot.engine.gguf_keys import Keys
from copilot.engine.tokenizer import LONG_SPACE_CHARS, Tokenizer
from copilot.engine.vocabulary_draft import RANKED_BY_ID, build_vocabulary
from copilot.errors import ModelFileError
from copilot.testing import Shape, write_tiny_model

TinyModel = Callable[[Shape], Path]
FAMILIES: tuple[Shape, ...] = ("qwen2", "gemma4-e2b")
PRE_TOKENIZERS = ("gpt-2", "llama-bpe", "qwen35", "smollm", "default")
MIB = 1_000_000


class Reference:
    """llama.cpp's tokenizer, with only the vocabulary loaded."""

    def __init__(self, path: Path) -> None:
        params = lib.llama_model_default_params()
        params.vocab_only = True
        self._model = lib.llama_model_load_from_file(str(path).encode(), params)
        assert self._model
        self._vocab = lib.llama_model_get_vocab(self._model)
        self.n_vocab = lib.llama_vocab_n_tokens(self._vocab)

    def encode(self, text: str) -> list[int]:
        raw = text.encode()
        ids = (lib.llama_token * (len(raw) + 8))()
        n = lib.llama_tokenize(self._vocab, raw, len(raw), ids, len(ids), False, False)
        return list(ids[:n])

    def user_defined(self) -> list[str]:
        flag = lib.LLAMA_TOKEN_ATTR_USER_DEFINED
        ids = [i for i in range(self.n_vocab) if lib.llama_vocab_get_attr(self._vocab, i) & flag]
        return [lib.llama_vocab_get_text(self._vocab, i).decode() for i in ids]

    def eog(self) -> frozenset[int]:
        return frozenset(i for i in range(self.n_vocab) if lib.llama_vocab_is_eog(self._vocab, i))

    def piece(self, index: int) -> bytes:
        buffer = ctypes.create_string_buffer(4096)
        n = lib.llama_token_to_piece(self._vocab, index, buffer, 4096, 0, True)
        return buffer.raw[:n]

    def close(self) -> None:
        lib.llama_model_free(self._model)


class Both:
    """Our tokenizer and llama.cpp's for one file."""

    def __init__(self, path: Path, cache: Path) -> None:
        self.ours = Tokenizer.from_card(read_card(path, cache), cache)
        self.reference = Reference(path)
        self.user_defined = self.reference.user_defined()


@pytest.fixture(scope="module", autouse=True)
def quiet() -> None:
    """llama.cpp logs nothing."""
    callback = lib.llama_log_callback(lambda level, text, data: None)
    quiet.callback = callback  # type: ignore[attr-defined]
    lib.llama_log_set(callback, ctypes.c_void_p(0))


def opened(path: Path, cache: Path) -> Iterator[Both]:
    both = Both(path, cache)
    yield both
    both.reference.close()


@pytest.fixture(scope="module", params=FAMILIES)
def family(
    request: pytest.FixtureRequest, tiny_model: TinyModel, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Both]:
    """Each family's tiny vocabulary."""
    yield from opened(tiny_model(request.param), tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module", params=PRE_TOKENIZERS)
def pre_tokenizer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """The tiny byte-level vocabulary under other ways of cutting text."""
    folder = tmp_path_factory.mktemp("pre")
    yield from opened(renamed(write_tiny_model(folder / "m.gguf"), request.param), folder)


@pytest.fixture(scope="module", params=["qwen2", "gemma4"])
def published(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """The real vocabularies, where they are at hand."""
    if request.param == "qwen2":
        path: Path = request.getfixturevalue("default_model")
    else:
        shared = Path(os.environ.get("COPILOT_SHARED", Path(__file__).parents[3] / "shared"))
        path = shared / "data" / "ggml-vocab-gemma-4.gguf"
        if not path.is_file():
            pytest.skip("no published gemma4 vocabulary: set COPILOT_SHARED")
    yield from opened(path, tmp_path_factory.mktemp("published"))


def renamed(path: Path, pre: str) -> Path:
    """Give a file another `tokenizer.ggml.pre`; the spare bytes make up for the moved tensor data."""
    key = b"tokenizer.ggml.pre" + struct.pack("<I", 8)
    old, new = (key + struct.pack("<Q", len(name)) + name for name in (b"qwen2", pre.encode()))
    raw = path.read_bytes()
    assert raw.count(old) == 1
    path.write_bytes(raw.replace(old, new) + bytes(64))
    return path


def python_files(*packages: str) -> list[Path]:
    site = Path(sysconfig.get_paths()["purelib"])
    return sorted(path for package in packages for path in (site / package).rglob("*.py"))


fragments = st.sampled_from(
    [
        *(
            "def f(self, x: int) -> None:\n",
            "    return ",
            "\t\tif (a != b) {\n",
            "\r\n",
            "\n\n\n",
            "   \n  ",
            " ",
            "  ",
        ),
        *(
            "'s",
            "'LL",
            "don't",
            "it'S",
            "ſ",
            "’s",
            "123456",
            "1٣²",
            "é",
            "e\u0301",
            "中文",
            "🙂",
            "👩\u200d💻",
            "ñ",
            "\xa0",
        ),
        *(
            "\u2028",
            "\x85",
            "\x00",
            "\x1c",
            "▁",
            "a▁b",
            "<|im_end|>",
            "<|im_start|>",
            "<|turn>",
            "<0x0A>",
            "<0xFF>",
            "</s>",
        ),
        *("====", "->", "# ---", "> </", ">  </a>", "aaaaaaa", "ababab", "\\n", '"""', "x" * 70, " " * 40, "\t" * 40),
    ]
)
# Only characters that llama.cpp's Unicode tables and Rust's classify alike: letters new in Unicode 16 differ.
characters = st.characters(max_codepoint=0x10000, exclude_categories=["Cs", "Cn"]) | st.characters(max_codepoint=0x7F)
texts = st.lists(fragments | st.text(characters, max_size=12), max_size=12).map("".join)
check = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@check
@given(text=texts)
def test_ids_equal_llama_cpp_for_any_text(family: Both, text: str) -> None:
    """Both families, whatever the text; user-defined tokens are left out, see below."""
    assume(not any(token in text for token in family.user_defined))
    assert family.reference.encode(text) == family.ours.encode(text)


@check
@given(text=texts)
def test_ids_equal_llama_cpp_for_every_known_pre_tokenizer(pre_tokenizer: Both, text: str) -> None:
    """The one pattern given to tiktoken cuts like llama.cpp's code."""
    assume(not any(token in text for token in pre_tokenizer.user_defined))
    assert pre_tokenizer.reference.encode(text) == pre_tokenizer.ours.encode(text)


@check
@given(text=texts)
def test_ids_equal_llama_cpp_for_published_vocabularies(published: Both, text: str) -> None:
    """The same with 150,000 and 262,000 tokens.

    User-defined tokens are left out: llama.cpp takes them for control even in plain text, ours never does.
    """
    assume(not any(token in text for token in published.user_defined))
    assert published.reference.encode(text) == published.ours.encode(text)


@pytest.mark.parametrize("alphabet", ["a", "ab", " \t", " \n", "\r\n", "=-", "> /<", "0", "中", "\u0301e"])
def test_ids_equal_llama_cpp_for_repetitive_text(family: Both, alphabet: str) -> None:
    """Where merges overlap, ties decide."""
    for n in range(1, 80):
        text = "".join(alphabet[(i * i + n) % 7 % len(alphabet)] for i in range(n))
        assert family.reference.encode(text) == family.ours.encode(text)


def test_ids_equal_llama_cpp_for_source_files(family: Both) -> None:
    """Every file of some installed packages."""
    for path in python_files("click", "jinja2"):
        text = path.read_text(encoding="utf-8")
        assert family.reference.encode(text) == family.ours.encode(text), path


def test_default_models_vocabulary_merges_in_the_order_of_its_ids(default_model: Path) -> None:
    """What is known of it is what working it out gives."""
    keys = Keys(read_header(default_model))
    assert build_vocabulary(keys).name.rpartition("-")[2] in RANKED_BY_ID
    assert build_vocabulary(keys, frozenset()) == build_vocabulary(keys)


def test_published_vocabularies_agree_on_source_files_and_are_faster(published: Both) -> None:
    """The same ids at several times the speed (five and more when nothing else runs)."""
    ours_s = reference_s = 0.0
    for path in python_files("click", "jinja2", "rich", "numpy/lib"):
        text = path.read_text(encoding="utf-8")
        start = time.process_time()
        expected = published.reference.encode(text)
        middle = time.process_time()
        actual = published.ours.encode(text)
        ours_s, reference_s = ours_s + time.process_time() - middle, reference_s + middle - start
        assert expected == actual, path
    assert reference_s > 2.5 * ours_s


@pytest.mark.parametrize("n", [LONG_SPACE_CHARS - 1, LONG_SPACE_CHARS, 3 * LONG_SPACE_CHARS // 2 + 7])
@pytest.mark.parametrize("layout", ["{}", "{}x", "x{}", "y{}(", "1{}2", "\n{}\n", "={}\n{}", "a{}\n z", "\r\n{}'s"])
@pytest.mark.parametrize("space", [" ", " \t", "\xa0"])
def test_long_white_space_equals_llama_cpp(n: int, layout: str, space: str, family: Both) -> None:
    """Runs that are cut by hand get the ids that the pattern would give."""
    run = (space * n)[:n]
    text = layout.format(run, run)
    assert family.reference.encode(text) == family.ours.encode(text)


@pytest.mark.parametrize("layout", ["{}", "{}x", "x{}1", "y{}(", "{}$", "{}`", "a{}\nb", "\n{}\n"])
def test_long_white_space_equals_llama_cpp_for_every_known_pre_tokenizer(layout: str, pre_tokenizer: Both) -> None:
    """Also where digits or punctuation are cut out first."""
    text = layout.format(" " * (LONG_SPACE_CHARS + 3))
    assert pre_tokenizer.reference.encode(text) == pre_tokenizer.ours.encode(text)


@pytest.mark.parametrize("unit", ["a", " ", "\n", " \t", "\r\n", "=", "0", "é", "🙂", "中", "\x00", "ab", "▁", "x "])
def test_a_megabyte_of_repetition_is_quick_and_survives(unit: str, family: Both) -> None:
    """No stack overflow, nothing quadratic, no lost byte."""
    text = (unit * MIB)[: MIB // len(unit.encode())] + "x"
    start = time.process_time()
    ids = family.ours.encode(text)
    assert time.process_time() - start < 10
    assert text.replace("▁", " ") == family.ours.decode(ids).decode().replace("▁", " ")


@given(text=texts)
@check
def test_decoding_gives_the_bytes_back(family: Both, text: str) -> None:
    """Except that Gemma spells U+2581 and a space alike."""
    expected = text.replace("▁", " ") if family.ours.name.startswith("gemma4") else text
    assert expected.encode() == family.ours.decode(family.ours.encode(text))


def test_text_never_becomes_a_control_token(family: Both) -> None:
    """The literals of all special tokens, alone and in context, stay plain text."""
    special = {
        text: family.ours.control(text)
        for text in (family.ours.piece(i).decode(errors="replace") for i in range(family.ours.n_vocab))
        if family.ours.has_control(text)
    }
    assert len(special) >= 11
    for literal in special:
        for text in (literal, f"a {literal}\n{literal}"):
            ids = family.ours.encode(text)
            assert set(special.values()).isdisjoint(ids)
            assert text.encode() == family.ours.decode(ids)


def test_published_special_tokens_are_never_text(published: Both) -> None:
    """Also user-defined ones, which llama.cpp finds in any text."""
    for literal in ("<|im_end|>", "<|fim_middle|>", "<tool_call>", "<|turn>", "<|channel>", "<channel|>", '<|"|>'):
        ids = published.ours.encode(literal)
        assert len(ids) > 1
        assert literal.encode() == published.ours.decode(ids)


def test_control_tokens_are_found_by_name(family: Both) -> None:
    """Their piece is their text."""
    literal = "<|im_end|>" if family.ours.has_control("<|im_end|>") else "<turn|>"
    index = family.ours.control(literal)
    assert [literal.encode(), literal.encode()] == [family.ours.piece(index), family.reference.piece(index)]
    assert index in family.ours.eog


def test_an_unknown_control_token_is_an_error_that_names_it(family: Both) -> None:
    """Ordinary tokens are not control tokens either."""
    for literal in ("<|nonsense|>", "def", "e"):
        assert not family.ours.has_control(literal)
        with pytest.raises(ModelFileError, match="vocabulary has no token"):
            family.ours.control(literal)


def test_pieces_equal_llama_cpp(family: Both) -> None:
    """Every token's bytes."""
    expected = [family.reference.piece(index) for index in range(family.reference.n_vocab)]
    assert expected == [family.ours.piece(index) for index in range(family.ours.n_vocab)]


@pytest.mark.parametrize("offset", [-1, 0])
def test_a_token_outside_the_vocabulary_has_no_piece(offset: int, family: Both) -> None:
    """Also where internal pieces follow the tokens."""
    with pytest.raises(IndexError):
        family.ours.piece(-1 if offset else family.ours.n_vocab)


def test_end_tokens_equal_llama_cpp(family: Both) -> None:
    """The ids that end a generation."""
    assert family.reference.eog() == family.ours.eog


def test_published_end_tokens_equal_llama_cpp_but_for_html(published: Both) -> None:
    """llama.cpp also stops Qwen at an ordinary `</s>`, which HTML contains."""
    expected = published.reference.eog()
    html = frozenset(index for index in expected if published.reference.piece(index) == b"</s>")
    assert expected - html == published.ours.eog


@pytest.mark.parametrize("text", ["\ud800", "a\udcffb", "\udc80 \ud83d", "x" * 50 + "\udfff\n"])
def test_lone_surrogates_count_as_replacement_characters(text: str, family: Both) -> None:
    """Text read with surrogateescape must not crash."""
    replaced = "".join("\ufffd" if 0xD800 <= ord(char) < 0xE000 else char for char in text)
    assert family.ours.encode(replaced) == family.ours.encode(text)


def test_batches_and_counts_agree_with_single_texts(family: Both) -> None:
    """`count` is the length of `encode`."""
    batch = ["", "def f():\n", "中🙂", " " * 9]
    assert [family.ours.encode(text) for text in batch] == family.ours.encode_batch(batch)
    assert [len(family.ours.encode(text)) for text in batch] == family.ours.count(batch)
    assert family.ours.encode("") == []


def test_the_name_identifies_the_vocabulary(tiny_model: TinyModel, tmp_path: Path) -> None:
    """Other weights do not change it, another vocabulary does."""
    names = {shape: Tokenizer.from_card(read_card(tiny_model(shape))).name for shape in get_args(Shape)}
    other = Tokenizer.from_card(read_card(write_tiny_model(tmp_path / "m.gguf", seed=5)))
    assert names["qwen2"] == other.name
    assert names["gemma4-e2b"] == names["gemma4-moe"] != names["qwen2"]


@pytest.mark.parametrize("damage", ["empty", "truncated", "flipped", "foreign"])
def test_an_unreadable_vocabulary_cache_is_rebuilt(damage: str, tiny_model: TinyModel, tmp_path: Path) -> None:
    """The ids are the same with and without a cache."""
    card = read_card(tiny_model("gemma4-e2b"))
    text = "def read_config(path): return 'é🙂'\n"
    expected = Tokenizer.from_card(card).encode(text)
    assert expected == Tokenizer.from_card(card, tmp_path).encode(text)
    (entry,) = tmp_path.iterdir()
    raw = bytearray(entry.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    content = {"empty": b"", "truncated": bytes(raw[: len(raw) // 2]), "flipped": bytes(raw), "foreign": b"PK\x05\x06"}
    entry.write_bytes(content[damage])
    assert expected == Tokenizer.from_card(card, tmp_path).encode(text)
    assert expected == Tokenizer.from_card(card, tmp_path).encode(text)


def test_a_warm_start_does_not_read_the_model(tmp_path: Path) -> None:
    """The vocabulary comes from the cache alone."""
    path = write_tiny_model(tmp_path / "m.gguf")
    card = read_card(path)
    expected = Tokenizer.from_card(card, tmp_path / "cache").encode("def f(x):")
    path.unlink()
    assert expected == Tokenizer.from_card(card, tmp_path / "cache").encode("def f(x):")


def test_an_unknown_pre_tokenizer_is_named(tmp_path: Path) -> None:
    """Wrong ids would be worse than no answer."""
    card = read_card(renamed(write_tiny_model(tmp_path / "m.gguf"), "mystery"))
    with pytest.raises(ModelFileError, match="pre-tokenizer 'mystery' is not supported"):
        Tokenizer.from_card(card)


def test_an_unsupported_tokenizer_kind_is_named(tmp_path: Path) -> None:
    """SentencePiece and WordPiece vocabularies are refused."""
    path = write_tiny_model(tmp_path / "m.gguf")
    key = b"tokenizer.ggml.model" + struct.pack("<IQ", 8, 4)
    path.write_bytes(path.read_bytes().replace(key + b"gpt2", key + b"bert"))
    with pytest.raises(ModelFileError, match="tokenizer of the kind 'bert'"):
        Tokenizer.from_card(read_card(path))
