"""Each thing that can be wrong is found and has a cure; the machine that is examined is a value."""

import sqlite3
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from copilot.app import App
from copilot.config import Settings
from copilot.engine.machine import Accelerator, Machine
from copilot.engine.memory import RESERVED_BYTES, plan_memory
from copilot.errors import HostError
from copilot.host.address import Address
from copilot.host.roster import Found
from copilot.models import Store, shipped_catalogue
from copilot.tasks.calibration import Calibration
from copilot.tasks.doctor import Check
from copilot.tasks.doctor.disk import LOW_DISK_BYTES, cache_health, folder, model_files
from copilot.tasks.doctor.model import completion, memory, speed, template
from copilot.tasks.doctor.surroundings import editors, git, host, judged, llama
from copilot.tasks.doctor.tier import tier
from copilot.tasks.model import ChatModel
from copilot.tasks.speed import SpeedLog
from copilot.testing import Shape

GIB = 1 << 30
LAPTOP = Machine(8 * GIB, 6 * GIB, 4, frozenset({"avx", "avx2", "fma"}))
BUILT = frozenset({"AVX", "AVX2", "FMA"})
CATALOGUE = shipped_catalogue()


@pytest.mark.parametrize(
    ("machine", "built", "status", "says"),
    [
        (LAPTOP, BUILT, "ok", "4 cores, avx avx2 fma"),
        (replace(LAPTOP, features=frozenset({"avx"})), BUILT, "problem", "built for AVX2 FMA too"),
        (LAPTOP, frozenset({"AVX"}), "warning", "built without AVX2 FMA"),
        (replace(LAPTOP, features=frozenset({"avx"})), frozenset({"AVX"}), "warning", "4 cores, avx"),
        (replace(LAPTOP, features=frozenset()), BUILT, "ok", "instruction sets not told"),
        (replace(LAPTOP, features=frozenset({"asimd", "asimddp"})), frozenset({"NEON"}), "ok", "asimddp"),
        (replace(LAPTOP, accelerators=(Accelerator("A card", 8 * GIB),)), BUILT, "warning", "A card, 8 GiB"),
    ],
)
def test_processor_and_build_must_agree(machine: Machine, built: frozenset[str], status: str, says: str) -> None:
    """A build for another processor would be killed; one that leaves instruction sets unused is slow."""
    check = judged(machine, built)
    assert (check.status, says in check.found) == (status, True), check
    assert bool(check.cure) == (status != "ok")


def test_git_that_is_missing_or_broken_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without git it works, and worse; a git that does not run is the same."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (git().status, git().found) == ("warning", "not found")
    (tmp_path / "git").write_text("no program")
    (tmp_path / "git").chmod(0o700)
    assert "does not run" in git().found


def test_a_llama_cpp_that_is_missing_is_named_with_what_builds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pip fetches or builds it; where no compiler is on the PATH, that comes first."""
    monkeypatch.setitem(sys.modules, "copilot.engine.llama", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    missing = llama()
    assert missing.status == "problem" and "after installing a C++ compiler" in missing.cure
    (tmp_path / "c++").write_text("#!/bin/sh\n")
    (tmp_path / "c++").chmod(0o700)
    assert "pip install" in llama().cure and "compiler" not in llama().cure
    assert "--no-binary llama-cpp-python llama-cpp-python" in llama().cure and sys.executable in llama().cure


def test_an_engine_that_cannot_be_reached_is_named(tmp_path: Path) -> None:
    """A folder of sockets that is not the user's own, and a process that does not answer."""

    def not_ours() -> Sequence[Found]:
        raise HostError("/run/x is not yours alone; remove it")

    assert (host(not_ours).status, host(not_ours).cure) == ("problem", "/run/x is not yours alone; remove it")
    silent = host(lambda: [Found(Address(tmp_path, "k", "unix"), 4321, None)])
    assert silent.status == "warning" and "process 4321" in silent.found and "copilot host stop" in silent.cure
    assert host(list).status == host(None).status == "ok"


def test_editors_are_looked_for_and_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By their programs on the PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "none found" in editors().found
    (tmp_path / "nvim").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "nvim").chmod(0o700)
    assert (editors().status, editors().found) == ("ok", "Neovim")


@pytest.fixture
def model(tiny_model: Callable[[Shape], Path], tmp_path: Path) -> ChatModel:
    settings = Settings(model=str(tiny_model("qwen2")), cache_dir=tmp_path / "cache", models_dir=tmp_path / "models")
    return App(settings).chat_model()


def test_a_template_that_differs_is_named(model: ChatModel) -> None:
    """Answers may be worse then, and a newer file is the cure."""
    assert template(model).status == "ok"
    other = template(replace(model, template_agrees=False))
    assert other.status == "warning" and "fetch a newer version" in other.cure


def test_who_completes_is_told(model: ChatModel, tmp_path: Path) -> None:
    """The chat model if it can; a better one is named if it cannot; one that is set and missing is a problem."""
    store = Store(tmp_path / "models")
    assert "fill-in-the-middle tokens" in completion(model, store, CATALOGUE, None).found
    asked = completion(replace(model, card=replace(model.card, fim=None)), store, CATALOGUE, None)
    assert "it is asked instead" in asked.found and "copilot models pull" in asked.cure
    missing = completion(model, store, CATALOGUE, "qwen2.5-coder-0.5b")
    assert missing.status == "problem" and "copilot models pull qwen2.5-coder-0.5b" in missing.cure


def test_memory_that_is_taken_by_others_is_named(model: ChatModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """The context that would fit now is the cure, or a smaller model where none does."""
    needed = plan_memory(model.card, model.n_ctx, "f16").total + RESERVED_BYTES

    def told(free: int) -> Check:
        monkeypatch.setattr("copilot.tasks.doctor.model.available_bytes", lambda: free)
        return memory(model, Settings())

    assert told(needed).status == "ok"
    for free, cure in ((needed - 1, "set context_tokens to "), (64 << 20, "choose a smaller model")):
        tight = told(free)
        assert tight.status == "problem" and cure in tight.cure, tight


def test_speed_is_what_was_measured(model: ChatModel, tmp_path: Path) -> None:
    """Before any question the way to measure it is named."""
    log = SpeedLog(tmp_path / "speed.json", "k")
    assert "copilot doctor --measure" in speed(model, log, None).cure
    known = Calibration("a model", 4, 1e9, 1e9, 100.0, 10.0)
    assert "a model" in speed(model, log, known).found and not speed(model, log, known).cure


def test_a_folder_must_be_one_that_can_be_written(tmp_path: Path) -> None:
    """A file in its place is a problem; a folder still to be made is none."""
    (tmp_path / "file").write_text("")
    assert folder("cache", tmp_path / "file" / "cache").status == "problem"
    fine = folder("cache", tmp_path / "a" / "b")
    assert fine.status in ("ok", "warning") and "GiB free" in fine.found
    assert LOW_DISK_BYTES > 0


def test_the_cache_must_be_readable_private_and_within_its_quota(tmp_path: Path) -> None:
    """A damaged index, an open folder and too much KV each have their own cure."""
    assert cache_health(tmp_path / "none", GIB).found == "nothing is kept yet"
    cache = tmp_path / "cache"
    (cache / "index").mkdir(parents=True)
    (cache / "index").chmod(0o700)
    cache.chmod(0o755)
    database = sqlite3.connect(cache / "index" / "index.sqlite3")
    database.execute("create table t (x)")
    database.commit()
    database.close()
    assert cache_health(cache, GIB).status == "ok"
    (cache / "index").chmod(0o755)
    assert cache_health(cache, GIB).cure == f"chmod 700 {cache}"
    cache.chmod(0o700)
    (cache / "index" / "index.sqlite3").write_bytes(b"damaged" * 1000)
    check = cache_health(cache, GIB)
    assert (check.status, "index/index.sqlite3 cannot be read" in check.found) == ("warning", True)
    (cache / "index" / "index.sqlite3").unlink()
    (cache / "kv").mkdir()
    with (cache / "kv" / "large.kv").open("wb") as file:
        file.truncate(3 * GIB)  # a hole: it takes no disk
    assert "set cache_quota_gib higher" in cache_health(cache, GIB).cure


def test_model_files_that_must_not_be_used_are_named(tmp_path: Path) -> None:
    """A wrong digest on record, and a download that was not finished."""
    store = Store(tmp_path)
    assert [check.found for check in model_files(store, CATALOGUE)] == ["none installed"]
    store.path("gemma-4-e2b").write_bytes(b"GGUF not it")
    store.remember("gemma-4-e2b", "0" * 64)
    store.staging.mkdir()
    (store.staging / "gemma-4-12b.partial").write_bytes(b"GGUF")
    wrong, unfinished = model_files(store, CATALOGUE)
    assert (wrong.status, "`copilot models pull gemma-4-e2b`" in wrong.cure) == ("problem", True)
    assert (unfinished.status, "`copilot models pull gemma-4-12b` goes on" in unfinished.cure) == ("warning", True)


def test_an_early_release_of_gemma_is_recognised(tmp_path: Path) -> None:
    """Its digest is known, and the newer file has the same name."""
    store = Store(tmp_path)
    [old] = CATALOGUE.require("gemma-4-e2b").superseded
    store.folder.mkdir(exist_ok=True)
    store.path("mine").write_bytes(b"GGUF")
    store.remember("mine", old)
    [check] = model_files(store, CATALOGUE)
    assert "is an old release that llama.cpp cannot load" in check.cure


def test_the_tier_follows_machine_measurement_and_settings() -> None:
    """The sum is shown; a wished model changes it; what is better is named; free memory is told."""
    check = tier(LAPTOP, CATALOGUE, None, Settings())
    assert check.status == "ok" and "gemma-4-e2b with" in check.found and "(estimated)" in check.found
    assert "gemma-4-e4b would be better" in check.cure
    wished = tier(LAPTOP, CATALOGUE, None, Settings(model="qwen2.5-coder-1.5b"))
    assert wished.found.startswith("qwen2.5-coder-1.5b with 32,768 tokens")
    assert wished.cure == "the best for this machine would be gemma-4-e2b"
    measured = tier(LAPTOP, CATALOGUE, Calibration("m", 4, 1.5e9, 1.1e9, 10.0, 2.5), Settings())
    assert "(measured here)" in measured.found and "qwen2.5-coder-0.5b" in measured.found
    busy = tier(replace(LAPTOP, available_bytes=GIB), CATALOGUE, None, Settings())
    assert "only 1.0 GiB are free now" in busy.found


def test_a_model_that_is_too_large_has_a_smaller_one_named() -> None:
    """The cure names the best that fits; where nothing fits, what would be needed."""
    check = tier(LAPTOP, CATALOGUE, None, Settings(model="gemma-4-31b"))
    assert check.status == "problem" and check.cure.startswith("set model to gemma-4-e2b")
    none = tier(Machine(2 * GIB, GIB, 2), CATALOGUE, None, Settings())
    assert none.status == "problem" and "needs 3 GiB of memory" in none.cure
