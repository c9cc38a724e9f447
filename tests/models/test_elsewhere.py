"""Models of Ollama and LM Studio are found where those programs keep them, and a folder's files where they lie."""

import hashlib
import json
from pathlib import Path

import pytest

from copilot.errors import ModelMissingError, UsageError
from copilot.models.elsewhere import MODEL_LAYER, find, found_in, is_ollama, usual_folders

CONTENT = b"GGUF of another program"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def manifest(folder: Path, place: str, digest: str = DIGEST) -> None:
    """One model as Ollama writes it: a manifest whose model layer names the blob."""
    path = folder / "manifests" / place
    path.parent.mkdir(parents=True, exist_ok=True)
    layers = [
        {"mediaType": "application/vnd.ollama.image.template", "digest": f"sha256:{'1' * 64}", "size": 3},
        {"mediaType": MODEL_LAYER, "digest": f"sha256:{digest}", "size": len(CONTENT)},
    ]
    path.write_text(json.dumps({"schemaVersion": 2, "config": {}, "layers": layers}))


@pytest.fixture
def ollama(tmp_path: Path) -> Path:
    folder = tmp_path / ".ollama" / "models"
    (folder / "blobs").mkdir(parents=True)
    (folder / "blobs" / f"sha256-{DIGEST}").write_bytes(CONTENT)
    manifest(folder, "registry.ollama.ai/library/qwen2.5-coder/1.5b")
    manifest(folder, "registry.ollama.ai/library/gemma4/latest")
    manifest(folder, "registry.ollama.ai/somebody/own/q8")
    manifest(folder, "hf.co/maker/model-GGUF/Q4_K_M")
    return folder


def test_ollamas_models_have_the_names_that_ollama_shows(ollama: Path) -> None:
    """Official ones by model and tag, others by their owner or host too; each leads to its blob."""
    found = found_in(ollama)
    assert [(each.name, each.suggested) for each in found] == [
        ("ollama:gemma4:latest", "gemma4"),
        ("ollama:hf.co/maker/model-GGUF:Q4_K_M", "model-GGUF-Q4_K_M"),
        ("ollama:qwen2.5-coder:1.5b", "qwen2.5-coder-1.5b"),
        ("ollama:somebody/own:q8", "own-q8"),
    ]
    assert {each.path for each in found} == {ollama / "blobs" / f"sha256-{DIGEST}"}
    assert {(each.sha256, each.bytes) for each in found} == {(DIGEST, len(CONTENT))}


def test_what_is_no_manifest_or_has_no_blob_is_passed_over(ollama: Path, tmp_path: Path) -> None:
    """Damaged, foreign, escaping or huge manifests lead nowhere, and raise nothing."""
    before = found_in(ollama)
    library = ollama / "manifests" / "registry.ollama.ai" / "library"
    manifest(ollama, "registry.ollama.ai/library/gone/latest", "2" * 64)
    manifest(ollama, "registry.ollama.ai/library/out/latest", "../../../etc/passwd")
    (library / "bad").mkdir()
    (library / "bad" / "json").write_text("{")
    (library / "bad" / "list").write_text("[1]")
    (library / "bad" / "deep").write_text("[" * 5000)
    (library / "bad" / "large").write_bytes(b" " * (2 << 20))
    (library / "bad" / "link").symlink_to(library / "gemma4" / "latest")
    (ollama / "manifests" / "stray").write_text("{}")
    assert found_in(ollama) == before


def test_lm_studios_folders_are_publisher_repository_file(tmp_path: Path) -> None:
    """Projections of images are no models, and of several parts only the first counts."""
    folder = tmp_path / ".lmstudio" / "models"
    for name in ("maker/One-GGUF/One-Q4.gguf", "maker/One-GGUF/mmproj-One.gguf", "maker/One-GGUF/notes.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(CONTENT)
    for number in (1, 2):
        (folder / "maker" / "One-GGUF" / f"Big-0000{number}-of-00002.gguf").write_bytes(CONTENT)
    assert [(each.name, each.suggested) for each in found_in(folder)] == [
        ("lmstudio:maker/One-GGUF/Big-00001-of-00002.gguf", "Big"),
        ("lmstudio:maker/One-GGUF/One-Q4.gguf", "One-Q4"),
    ]


def test_any_other_folder_gives_its_files(tmp_path: Path) -> None:
    """A USB stick, a few levels deep, hidden folders left out."""
    for name in ("a.gguf", "models/b.GGUF", ".Trash/c.gguf", "1/2/3/4/5/d.gguf"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(CONTENT)
    assert [each.path.name for each in found_in(tmp_path)] == ["a.gguf", "b.GGUF"]
    assert not is_ollama(tmp_path)


def test_a_model_is_found_by_its_name_in_the_usual_folders(ollama: Path, tmp_path: Path) -> None:
    """Below the home, or where OLLAMA_MODELS says; an unknown name lists what there is."""
    folders = usual_folders(tmp_path, {})
    assert ollama in folders
    assert find("ollama:gemma4", folders).name == "ollama:gemma4:latest"
    assert usual_folders(tmp_path / "nobody", {"OLLAMA_MODELS": str(ollama)})[0] == ollama
    with pytest.raises(ModelMissingError, match=r"ollama:gemma4:latest.*see `copilot models find`"):
        find("ollama:llama", folders)


def test_a_folder_that_is_none_is_not_called_empty(tmp_path: Path) -> None:
    """A misspelt path is told from a folder without models; a file's is what `import` takes."""
    (tmp_path / "model.gguf").write_bytes(CONTENT)
    for name in ("nowhere", "model.gguf"):
        with pytest.raises(UsageError, match=f"there is no folder at .*{name}; "):
            found_in(tmp_path / name)
