"""A model in several parts becomes one file that is the same model, or an error that names what is wrong."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from copilot.engine.gguf import read_card
from copilot.engine.gguf_header import read_header
from copilot.engine.gguf_join import join, part_paths, whole_name
from copilot.engine.llama import EngineParams, LlamaEngine
from copilot.errors import ModelFileError
from copilot.testing import Shape
from copilot.testing.gguf_splitter import split_model

Parts = tuple[Path, ...]


@pytest.fixture
def whole(tiny_model: Callable[[Shape], Path]) -> Path:
    return tiny_model("qwen2")


@pytest.fixture
def parts(whole: Path, tmp_path: Path) -> Parts:
    return split_model(whole, tmp_path, 3)


def tensors_of(path: Path) -> dict[str, tuple[object, ...]]:
    """Every tensor by name: type, shape and content."""
    header, raw = read_header(path), path.read_bytes()
    starts = {tensor.name: header.data_start + tensor.offset for tensor in header.tensors}
    return {
        tensor.name: (tensor.type, tensor.shape, raw[starts[tensor.name] : starts[tensor.name] + tensor.n_bytes])
        for tensor in header.tensors
    }


def test_joined_parts_are_the_model_that_was_split(whole: Path, parts: Parts, tmp_path: Path) -> None:
    """The same keys, the same tensors, the same card; and llama.cpp computes the same from it, bit for bit."""
    joined = tmp_path / "joined.gguf"
    join(parts, joined)
    assert list(read_header(joined).values) == list(read_header(whole).values)
    assert tensors_of(joined) == tensors_of(whole)
    told, card = read_card(joined), read_card(whole)
    assert replace(told, path=card.path, identity=card.identity, header_digest=card.header_digest) == card
    logits = []
    for path in (whole, joined):
        engine = LlamaEngine(path, EngineParams(n_threads=1), 256)
        engine.decode(1, [40, 41, 42, 43], logits="last")
        logits.append(engine.logits())
        engine.close()
    np.testing.assert_array_equal(*logits)


def test_all_parts_are_found_from_any(parts: Parts, whole: Path) -> None:
    """In order, and a whole file is its only part."""
    assert [part_paths(part) for part in parts] == [parts] * 3
    assert part_paths(whole) == (whole,)
    assert [whole_name(path) for path in (parts[1], whole)] == ["qwen2", "qwen2"]


def test_a_missing_part_is_named(parts: Parts) -> None:
    """The first that is not there."""
    parts[1].unlink()
    with pytest.raises(ModelFileError, match=r"qwen2-00002-of-00003\.gguf is missing"):
        part_paths(parts[0])


@pytest.mark.parametrize("name", ["m-00000-of-00002.gguf", "m-00003-of-00002.gguf", "m-00001-of-99999.gguf"])
def test_absurd_part_numbers_are_refused(name: str, tmp_path: Path) -> None:
    """No part 0, none beyond the last, and not a hundred thousand of them."""
    with pytest.raises(ModelFileError, match="no believable part number"):
        part_paths(tmp_path / name)


def test_parts_that_do_not_belong_together_are_refused(
    parts: Parts, whole: Path, tmp_path: Path, tiny_model: Callable[[Shape], Path]
) -> None:
    """In another order, of another split, or with a tensor too many."""
    with pytest.raises(ModelFileError, match="is not part 2 of 3"):
        join([parts[0], parts[2], parts[1]], tmp_path / "a.gguf")
    with pytest.raises(ModelFileError, match="is not part 1 of 3"):
        join([whole, *parts[1:]], tmp_path / "b.gguf")
    (tmp_path / "other").mkdir()
    foreign = split_model(tiny_model("gemma4-dense"), tmp_path / "other", 3)
    with pytest.raises(ModelFileError, match="do not hold each tensor once"):
        join([*parts[:2], foreign[2]], tmp_path / "c.gguf")


def test_a_part_that_was_cut_off_is_refused(parts: Parts, tmp_path: Path) -> None:
    """Each part's own header says how long it must be."""
    parts[2].write_bytes(parts[2].read_bytes()[:-4096])
    with pytest.raises(ModelFileError, match="is incomplete"):
        join(parts, tmp_path / "joined.gguf")
