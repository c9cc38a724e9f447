"""The tiny models are real ones: llama.cpp runs them, and their templates render as their families' do."""

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import jinja2
import numpy as np
import pytest
from llama_cpp import llama_cpp as lib

from copilot.engine.gguf_header import read_header
from copilot.engine.gguf_keys import CONTROL, USER_DEFINED, Keys
from copilot.testing import Shape, write_tiny_model

SHAPES: tuple[Shape, ...] = get_args(Shape)
QWEN_DEFAULT = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."


class Model:
    """A model in llama.cpp with one sequence."""

    def __init__(self, path: Path) -> None:
        params = lib.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch, params.n_threads = 512, 256, 64, 1
        params.swa_full, params.kv_unified = False, True
        self._model = lib.llama_model_load_from_file(str(path).encode(), lib.llama_model_default_params())
        assert self._model
        self._context = lib.llama_init_from_model(self._model, params)
        assert self._context
        self.n_vocab = lib.llama_vocab_n_tokens(lib.llama_model_get_vocab(self._model))

    def decode(self, tokens: list[int]) -> np.ndarray[Any, Any]:
        array = (lib.llama_token * len(tokens))(*tokens)
        assert lib.llama_decode(self._context, lib.llama_batch_get_one(array, len(tokens))) == 0
        row = lib.llama_get_logits_ith(self._context, -1)
        return np.ctypeslib.as_array(row, shape=(self.n_vocab,)).copy()

    def greedy(self, tokens: list[int], n: int) -> list[int]:
        written: list[int] = []
        for _ in range(n):
            tokens = [int(self.decode(tokens).argmax())]
            written += tokens
        return written

    def close(self) -> None:
        lib.llama_free(self._context)
        lib.llama_model_free(self._model)


@pytest.fixture(scope="module", autouse=True)
def quiet() -> None:
    """llama.cpp logs nothing."""
    callback = lib.llama_log_callback(lambda level, text, data: None)
    quiet.callback = callback  # type: ignore[attr-defined]
    lib.llama_log_set(callback, ctypes.c_void_p(0))


@pytest.mark.parametrize("shape", SHAPES)
def test_llama_cpp_reads_a_tiny_model_with_finite_and_peaked_logits(
    shape: Shape, tiny_model: Callable[[Shape], Path]
) -> None:
    """Greedy decoding meets no ties."""
    model = Model(tiny_model(shape))
    try:
        logits = np.sort(model.decode([40, 41, 42, 43, 60, 61]))
        assert np.isfinite(logits).all()
        assert logits[-1] - logits[-2] > 1e-4
        assert logits.std() > 1.0
    finally:
        model.close()


@pytest.mark.parametrize("shape", SHAPES)
def test_a_tiny_model_writes_varied_text_that_depends_on_the_prompt(
    shape: Shape, tiny_model: Callable[[Shape], Path]
) -> None:
    """The same noise each time, another noise for another prompt."""
    answers = []
    for prompt in ([50, 51, 52], [50, 51, 52], [52, 51, 50]):
        model = Model(tiny_model(shape))
        answers.append(model.greedy(prompt, 64))
        model.close()
    assert answers[0] == answers[1]
    assert answers[0] != answers[2]
    assert len(set(answers[0])) >= 12


def test_equal_arguments_give_equal_bytes_and_seeds_differ(tmp_path: Path) -> None:
    """A tiny model is a function of its arguments."""
    first, again = write_tiny_model(tmp_path / "a", "gemma4-moe"), write_tiny_model(tmp_path / "b", "gemma4-moe")
    other = write_tiny_model(tmp_path / "c", "gemma4-moe", seed=2)
    assert first.read_bytes() == again.read_bytes()
    assert first.read_bytes() != other.read_bytes()


def test_the_arguments_reach_the_file(tmp_path: Path) -> None:
    """Context, window and template are what the caller asked for."""
    path = write_tiny_model(tmp_path / "m", "gemma4-e2b", n_ctx_train=777, n_swa=96, chat_template="hello")
    values = read_header(path).values
    assert (
        values["gemma4.context_length"],
        values["gemma4.attention.sliding_window"],
        values["tokenizer.chat_template"],
    ) == (777, 96, "hello")


@pytest.mark.parametrize(
    ("shape", "control", "user_defined"),
    [
        ("qwen2", ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|fim_prefix|>", "<|file_sep|>"], ["<tool_call>"]),
        ("gemma4-e2b", ["<bos>", "<eos>", "<|turn>", "<turn|>", "<|think|>"], ["<|channel>", "<channel|>", '<|"|>']),
    ],
)
def test_special_tokens_have_the_types_of_the_published_vocabularies(
    shape: Shape, control: list[str], user_defined: list[str], tiny_model: Callable[[Shape], Path]
) -> None:
    """Control and user-defined tokens are told apart as in the real files."""
    keys = Keys(read_header(tiny_model(shape)))
    special, types = keys.special_tokens(), keys.integers("tokenizer.ggml.token_type")
    assert [CONTROL] * len(control) == [types[special[text]] for text in control]
    assert [USER_DEFINED] * len(user_defined) == [types[special[text]] for text in user_defined]


def render(path: Path, messages: list[dict[str, str]], **variables: object) -> str:
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(str(read_header(path).values["tokenizer.chat_template"]))
    return template.render(messages=messages, bos_token="<bos>", add_generation_prompt=True, **variables)


def test_the_qwen_template_is_chatml_with_a_default_system_turn(tiny_model: Callable[[Shape], Path]) -> None:
    """As Qwen2.5's own template renders turns without tools."""
    user = {"role": "user", "content": "Hi <|im_end|> there"}
    turn = "<|im_start|>user\nHi <|im_end|> there<|im_end|>\n<|im_start|>assistant\n"
    path = tiny_model("qwen2")
    assert f"<|im_start|>system\n{QWEN_DEFAULT}<|im_end|>\n{turn}" == render(path, [user])
    system = {"role": "system", "content": "Be brief."}
    assert f"<|im_start|>system\nBe brief.<|im_end|>\n{turn}" == render(path, [system, user])


def test_the_gemma_template_writes_turns_and_an_empty_thought(tiny_model: Callable[[Shape], Path]) -> None:
    """Content is trimmed, old thoughts go, `enable_thinking` moves the thought to the system turn."""
    path = tiny_model("gemma4-dense")
    messages = [
        {"role": "system", "content": " Be brief. "},
        {"role": "user", "content": "One\n"},
        {"role": "assistant", "content": "<|channel>thought\nhm<channel|>Two"},
        {"role": "user", "content": "Three"},
    ]
    turns = "<|turn>user\nOne<turn|>\n<|turn>model\nTwo<turn|>\n<|turn>user\nThree<turn|>\n<|turn>model\n"
    assert f"<bos><|turn>system\nBe brief.<turn|>\n{turns}<|channel>thought\n<channel|>" == render(path, messages)
    thinking = f"<bos><|turn>system\n<|think|>\nBe brief.<turn|>\n{turns}"
    assert thinking == render(path, messages, enable_thinking=True)
