"""Importing looks into the file first, joins parts, and takes models of other programs by their names there."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from copilot.engine.gguf import read_card
from copilot.errors import ModelFileError, ModelMissingError, UsageError
from copilot.models import Store, shipped_catalogue
from copilot.models.elsewhere import MODEL_LAYER
from copilot.models.import_ import Placement
from copilot.tasks.import_model import import_model, origin_of
from copilot.testing import Shape
from copilot.testing.gguf_splitter import split_model
from copilot.testing.gguf_writer import GgufWriter

CATALOGUE = shipped_catalogue()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "models")


@pytest.fixture
def model(tiny_model: Callable[[Shape], Path]) -> Path:
    return tiny_model("qwen2")


def nowhere() -> tuple[Path, ...]:
    return ()


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda raw: b"GGUF only the right magic", "GGUF version"),
        (lambda raw: raw[:-100], "is incomplete"),
        (lambda raw: raw[:200], "ends inside its header"),
    ],
)
def test_a_damaged_file_is_refused_before_it_is_copied(
    store: Store, model: Path, tmp_path: Path, damage: Callable[[bytes], bytes], says: str
) -> None:
    """The header says how long a file must be, so half a download is noticed at once."""
    file = tmp_path / "mine.gguf"
    file.write_bytes(damage(model.read_bytes()))
    with pytest.raises(ModelFileError, match=says):
        import_model(origin_of(str(file), nowhere), replace(store, free_bytes=lambda _: 0), CATALOGUE, Placement())
    assert store.names() == () and not list(store.staging.glob("import-*"))


def test_a_gemma_with_doubled_tokens_is_recognised_with_advice(store: Store, tmp_path: Path) -> None:
    """What aborts llama.cpp is seen in the header, and the file's name says which model to pull instead."""
    writer = GgufWriter()
    for key, value in {"general.architecture": "gemma4", "tokenizer.ggml.model": "gemma4"}.items():
        writer.add(key, value)
    writer.add("tokenizer.ggml.tokens", ["<pad>", "<eos>", "twice", "twice"])
    file = tmp_path / CATALOGUE.require("gemma-4-e2b").file
    writer.write(file)
    with pytest.raises(ModelFileError, match=r"has the token 'twice' 2 times.*`copilot models pull gemma-4-e2b`"):
        import_model(origin_of(str(file), nowhere), store, CATALOGUE, Placement())


def test_a_model_in_parts_is_installed_as_one_file(store: Store, model: Path, tmp_path: Path) -> None:
    """Named by any part or by their folder; linking is impossible and says so."""
    folder = tmp_path / "stick"
    folder.mkdir()
    parts = split_model(model, folder, 2)
    for named in (parts[1], folder):
        installed = import_model(origin_of(str(named), nowhere), store, CATALOGUE, Placement())
        assert (installed.name, installed.usable) == ("qwen2", True)
    assert read_card(store.path("qwen2")).weight_bytes == read_card(model).weight_bytes
    with pytest.raises(UsageError, match="cannot be linked"):
        import_model(origin_of(str(parts[0]), nowhere), store, CATALOGUE, Placement(name="x", mode="symlink"))


def test_a_model_in_parts_with_an_odd_name_is_named_like_it(store: Store, model: Path, tmp_path: Path) -> None:
    """Signs that are no part of a name become dashes, as for a model in one file."""
    parts = split_model(model, tmp_path, 2)
    odd = [part.rename(part.with_name(part.name.replace("qwen2", "_My model (v2)"))) for part in parts]
    installed = import_model(origin_of(str(odd[0]), nowhere), store, CATALOGUE, Placement())
    assert (installed.name, installed.usable) == ("My-model-v2", True)


def test_a_folder_must_hold_exactly_one_model(model: Path, tmp_path: Path) -> None:
    """None and several are told apart, with the names to choose from."""
    with pytest.raises(ModelMissingError, match="there is no GGUF file in"):
        origin_of(str(tmp_path), nowhere)
    for name in ("a.gguf", "b.gguf"):
        (tmp_path / name).write_bytes(model.read_bytes())
    with pytest.raises(UsageError, match=r"holds 2 models; name one of them: .*a\.gguf, .*b\.gguf"):
        origin_of(str(tmp_path), nowhere)


def test_a_model_of_ollama_is_linked_and_held_to_its_digest(store: Store, model: Path, tmp_path: Path) -> None:
    """The blob stays where it is; one that is not what its name says is never installed."""
    folder = tmp_path / "ollama"
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    manifest = folder / "manifests" / "registry.ollama.ai" / "library" / "tiny" / "1b"
    manifest.parent.mkdir(parents=True)
    manifest.write_text(json.dumps({"layers": [{"mediaType": MODEL_LAYER, "digest": f"sha256:{digest}"}]}))
    blob = folder / "blobs" / f"sha256-{digest}"
    blob.parent.mkdir()
    blob.write_bytes(model.read_bytes())
    origin = origin_of("ollama:tiny:1b", lambda: (folder,))
    installed = import_model(origin, store, CATALOGUE, Placement(mode="symlink"))
    assert (installed.name, installed.path.resolve()) == ("tiny-1b", blob)
    blob.write_bytes(model.read_bytes() + b"\0")
    with pytest.raises(ModelFileError, match="does not have the digest that it is kept under"):
        import_model(origin, store, CATALOGUE, Placement(name="again"))
    assert store.names() == ("tiny-1b",)
