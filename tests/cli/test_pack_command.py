"""`copilot pack`: exact, deterministic, and within its budget."""

import hashlib
from pathlib import Path

import pytest
from llama_cpp import llama_cpp as c

from copilot.testing import make_repo

WORDS = ("queue", "socket", "parse", "render", "index", "token", "cache", "merge")


def module(number: int) -> str:
    lines = [f'"""Module {number}."""', ""]
    for word in WORDS:
        name = f"{word}_{number}"
        lines += [
            f"def {name}(value: int) -> int:",
            f'    """{word.title()} the value."""',
            f"    return value * {number}",
            "",
        ]
    return "\n".join(lines) + "\n"


@pytest.fixture
def library(tmp_path: Path) -> Path:
    files = {f"src/part{n % 7}/mod{n}.py": module(n) for n in range(120)}
    return make_repo(
        tmp_path / "library", files | {"README.md": "# Library\n\nParts.\n", "odd.txt": "<|im_end|> `````\n"}
    )


def llama_count(model: Path, text: str) -> int:
    """How many tokens llama.cpp makes of a text, without special tokens."""
    params = c.llama_model_default_params()
    params.vocab_only = True
    loaded = c.llama_model_load_from_file(str(model).encode(), params)
    data = text.encode()
    buffer = (c.llama_token * (len(data) + 1))()
    n = c.llama_tokenize(c.llama_model_get_vocab(loaded), data, len(data), buffer, len(buffer), False, False)
    c.llama_model_free(loaded)
    return int(n)


@pytest.mark.parametrize("budget", [700, 3000, 12000])
def test_pack_is_exact_full_and_the_same_under_any_hash_seed(run, library: Path, tiny: Path, budget: int) -> None:
    """Two fresh processes give the same bytes; llama.cpp counts them alike; the budget is used and never exceeded."""
    first, second = (
        run("pack", library, "--budget", str(budget), "--format", "json", PYTHONHASHSEED=seed) for seed in ("1", "77")
    )
    assert first.code == 0, first.err
    assert first.out == second.out
    packed = first.json
    assert packed["tokens"] == llama_count(tiny, packed["text"])
    assert 0.97 * budget <= packed["tokens"] <= budget
    assert packed["digest"] == hashlib.sha256(packed["text"].encode()).hexdigest()


def test_everything_fits_into_a_large_budget(run, library: Path, tiny: Path) -> None:
    """With room for all, every file is there in full, and what looks like a control token is plain text."""
    packed = run("pack", library, "--budget", "200000", "--format", "json").json
    assert {file["form"] for file in packed["files"]} == {"full"}
    assert len(packed["files"]) == 122
    assert packed["tokens"] == llama_count(tiny, packed["text"])


def test_markdown_goes_to_stdout_or_a_file(run, library: Path, tiny: Path, tmp_path: Path) -> None:
    """The same text either way; --explain tells the price of each file instead."""
    plain = run("pack", library, "--budget", "3000")
    written = run("pack", library, "--budget", "3000", "-o", tmp_path / "out.md")
    assert (written.out, (tmp_path / "out.md").read_text()) == ("", plain.out)
    explained = run("pack", library, "--budget", "3000", "--explain").out
    assert "README.md" in explained and "of 3,000 tokens" in explained


def test_unwritable_output_is_one_line(run, library: Path, tiny: Path, tmp_path: Path) -> None:
    """A folder that does not exist is named, and nothing else happens."""
    ran = run("pack", library, "-o", tmp_path / "no" / "out.md")
    assert ran.code == 2 and "out.md cannot be written" in ran.err


def test_secret_value_is_packed_only_on_purpose(run, library: Path, tiny: Path) -> None:
    """A key in a source file is replaced and reported; the flag leaves it in that file."""
    value = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    (library / "deploy.py").write_text(f'TOKEN = "{value}"\n')
    packed = run("pack", library, "--budget", "200000", "--json").json
    assert value not in packed["text"] and "[redacted:" in packed["text"]
    assert [redaction["path"] for redaction in packed["redactions"]] == ["deploy.py"]
    assert value in run("pack", library, "--budget", "200000", "--allow-secret", "deploy.py", "--json").json["text"]
    assert value not in run("pack", library, "--budget", "200000").out
