"""Memory is planned before anything is loaded, the windows of all sequences included, and limits are kept."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from copilot.engine.gguf import CacheType, ModelCard, read_card
from copilot.engine.llama import EngineParams, LlamaEngine
from copilot.engine.memory import (
    MAX_SEQUENCES,
    MIN_SEQUENCES,
    N_OUTPUTS_MAX,
    RESERVED_BYTES,
    WINDOWS_BYTES,
    check_memory,
    largest_context,
    plan_memory,
    sequences_for,
)
from copilot.errors import BudgetError
from copilot.testing import Shape, write_tiny_model

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="limits memory as Linux does")


@pytest.fixture
def windowed(tiny_model: Callable[[Shape], Path]) -> ModelCard:
    return read_card(tiny_model("gemma4-dense"))


def test_sequences_cost_nothing_on_a_plain_cache(tiny_model: Callable[[Shape], Path]) -> None:
    """A plain cache has all sequences, and no window memory."""
    card = read_card(tiny_model("qwen2"))
    assert sequences_for(card, "f16") == MAX_SEQUENCES
    assert plan_memory(card, 4096, "f16").window == 0
    assert MAX_SEQUENCES <= N_OUTPUTS_MAX


@pytest.mark.parametrize(
    ("window", "expected"), [(64, 8), (4096, 8), (10_000, 8), (16_000, 6), (20_000, 5), (30_000, 4)]
)
def test_windows_bound_the_number_of_sequences(windowed: ModelCard, window: int, expected: int) -> None:
    """As many sequences as their windows leave below the limit, never fewer than the least."""
    card = replace(windowed, sliding_window=window, context_length=1 << 20)
    n_seq = sequences_for(card, "f16")
    assert n_seq == expected
    taken = plan_memory(card, 1 << 20, "f16").window
    assert taken == -(-(window * n_seq + 256) // 256) * 256 * card.swa_bytes_per_token("f16")
    assert taken < WINDOWS_BYTES or n_seq == MIN_SEQUENCES


def test_all_sequences_of_a_windowed_model_can_run_past_their_windows(
    windowed: ModelCard, tiny_model: Callable[[Shape], Path]
) -> None:
    """What was planned for n sequences is room for n sequences, each forked from one prefix and decoded on."""
    n_seq = sequences_for(windowed, "f16")
    engine = LlamaEngine(windowed.path, EngineParams(n_threads=1, n_seq=n_seq), 4096)
    engine.decode(1, [30 + i % 200 for i in range(200)])
    for seq in range(2, n_seq):
        engine.compact(1)
        engine.fork(1, seq)
    for _ in range(3):
        for seq in range(2, n_seq):
            assert engine.decode(seq, [40 + seq] * 50, logits="last") == 50
    assert [engine.length(seq) for seq in range(1, n_seq)] == [200, *[350] * (n_seq - 2)]
    engine.close()


def gemma4(tiny: ModelCard, name: str) -> ModelCard:
    """The card with the published geometry of a tier, and the size of its Q4_0 file."""
    weights, n_layer, shared, n_embd, kv, period = {
        "gemma-4-e2b": (3_350_000_000, 35, 20, 1536, 1, 5),
        "gemma-4-e4b": (5_150_000_000, 42, 18, 2560, 2, 6),
    }[name]
    return replace(
        tiny,
        name=name,
        weight_bytes=weights,
        context_length=131_072,
        embedding_length=n_embd,
        n_layer=n_layer,
        n_head=(8,) * n_layer,
        n_head_kv=(kv,) * n_layer,
        head_dim_k=512,
        head_dim_v=512,
        head_dim_k_swa=256,
        head_dim_v_swa=256,
        sliding_window=512,
        swa_layers=tuple(layer % period < period - 1 for layer in range(n_layer)),
        shared_kv_layers=shared,
        vocab_size=262_144,
    )


FULL = 131_072


@pytest.mark.parametrize(
    ("tier", "kv_type", "gib", "fitting"),
    [
        ("gemma-4-e2b", "f16", 8, FULL),
        ("gemma-4-e2b", "f16", 6, FULL),
        ("gemma-4-e2b", "f16", 4, 2_816),
        ("gemma-4-e2b", "q8_0", 4, 7_168),
        ("gemma-4-e4b", "f16", 8, FULL),
        ("gemma-4-e4b", "f16", 7, 73_728),
        ("gemma-4-e4b", "f16", 6, 10_240),
        ("gemma-4-e4b", "q8_0", 6, 27_904),
        ("gemma-4-e4b", "f16", 5, 0),
    ],
)
def test_a_tier_is_accepted_or_refused_exactly_as_computed(
    windowed: ModelCard, tier: str, kv_type: CacheType, gib: int, fitting: int
) -> None:
    """The largest context that fits is accepted, 256 tokens more are refused, and the refusal names the largest."""
    card, available = gemma4(windowed, tier), gib << 30
    assert largest_context(card, kv_type, available) == fitting
    if fitting:
        check_memory(card, fitting, kv_type, available)
    if fitting < FULL:
        way_out = f"a context of {fitting:,} tokens would fit" if fitting else "choose a smaller model with --model"
        with pytest.raises(BudgetError, match=way_out):
            check_memory(card, fitting + 256, kv_type, available)


@pytest.mark.parametrize(("tier", "n_ctx"), [("gemma-4-e2b", FULL), ("gemma-4-e4b", FULL), ("gemma-4-e4b", 8192)])
def test_the_limit_is_the_plan_to_the_byte(windowed: ModelCard, tier: str, n_ctx: int) -> None:
    """The plan is the sum of its parts, windows of all sequences included; one byte less than it is too little."""
    card = gemma4(windowed, tier)
    plan = plan_memory(card, n_ctx, "f16")
    assert plan.kv == n_ctx * card.kv_bytes_per_token()
    assert plan.window == (sequences_for(card, "f16") * 512 + 256) * card.swa_bytes_per_token()
    check_memory(card, n_ctx, "f16", plan.total + RESERVED_BYTES)
    with pytest.raises(BudgetError, match=f"{tier} with {plan.n_ctx:,} tokens needs"):
        check_memory(card, n_ctx, "f16", plan.total + RESERVED_BYTES - 1)


ADMITTED = """
import sys
from pathlib import Path
from copilot.engine.gguf import read_card
from copilot.engine.llama import EngineParams, LlamaEngine
from copilot.engine.memory import available_bytes, check_memory
from copilot.errors import BudgetError

card, n_ctx = read_card(Path(sys.argv[1])), int(sys.argv[2])


def admit(n_ctx):
    check_memory(card, n_ctx, "f16", available_bytes())


try:
    engine = LlamaEngine(card.path, EngineParams(n_threads=1, n_seq=8), 4096, admit)
    engine.resize(n_ctx)
except BudgetError as error:
    print("refused:", error)
else:
    assert engine.decode(1, [30 + i % 200 for i in range(256)], logits="last") == 256
    print("accepted")
"""
"""Opens a small context, grows it to the size asked for, and reads into it."""


@pytest.fixture(scope="module")
def roomy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model that was trained for a context of gigabytes."""
    return write_tiny_model(tmp_path_factory.mktemp("roomy") / "m.gguf", "qwen2", n_ctx_train=1 << 20)


@pytest.fixture
def cgroup(tmp_path: Path) -> Iterator[Path]:
    """A control group below the one of this process, in which memory can be limited."""
    entries = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    mounts = [
        Path("/sys/fs/cgroup/memory" if controllers else "/sys/fs/cgroup", path.lstrip("/"))
        for _, controllers, path in entries
        if controllers in ("", "memory")
    ]
    for parent in sorted(mounts, reverse=True):
        group = parent / f"copilot-test-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        if any((group / name).exists() for name in ("memory.max", "memory.limit_in_bytes")):
            yield group
            group.rmdir()
            return
        group.rmdir()
    pytest.skip("this user may make no control group that limits memory")


def ran(command: Sequence[str]) -> str:
    """What a process said; it must have ended well."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def opened(path: Path, n_ctx: int, first: str) -> str:
    """What ADMITTED says in a shell that did `first` before."""
    return ran(("sh", "-c", f'{first} && exec "$@"', "sh", sys.executable, "-c", ADMITTED, str(path), str(n_ctx)))


N_CTX = 524_288
SLACK = 48 << 20
"""The kernel's own pages, and what the interpreter takes more or less than planned."""


@LINUX
@pytest.mark.parametrize(("beside", "expected"), [(SLACK, "accepted"), (-SLACK, "refused")])
def test_a_control_groups_limit_is_kept(roomy: Path, cgroup: Path, beside: int, expected: str) -> None:
    """Just above the plan it is opened, and never takes more than planned; just below it is refused, with a way out."""
    plan = plan_memory(read_card(roomy), N_CTX, "f16")
    limit, peak = (
        ("memory.max", "memory.peak")
        if (cgroup / "memory.max").exists()
        else ("memory.limit_in_bytes", "memory.max_usage_in_bytes")
    )
    (cgroup / limit).write_text(str(plan.total + RESERVED_BYTES + beside))
    said = opened(roomy, N_CTX, f"echo $$ > {cgroup}/cgroup.procs")
    assert said.startswith(expected), said
    if expected == "refused":
        fitting = largest_context(read_card(roomy), "f16", plan.total + RESERVED_BYTES + beside)
        [named] = re.findall(r"a context of ([\d,]+) tokens would fit", said)
        assert abs(int(named.replace(",", "")) - fitting) * 768 < SLACK
    elif (cgroup / peak).exists():
        assert int((cgroup / peak).read_text()) <= plan.total


@LINUX
@pytest.mark.parametrize(("gib", "expected"), [(8, "accepted"), (1, "refused")])
def test_a_limit_on_the_address_space_is_kept(roomy: Path, gib: int, expected: str) -> None:
    """`ulimit -v`: what is accepted opens and reads, what is not is refused before anything is loaded."""
    said = opened(roomy, N_CTX, f"ulimit -v {gib << 20}")
    assert said.startswith(expected), said


@LINUX
def test_what_is_planned_with_follows_the_limits(cgroup: Path) -> None:
    """In a group of 8 GiB, whatever the machine has, three quarters of it are planned with; of `ulimit -v` likewise."""
    limit = "memory.max" if (cgroup / "memory.max").exists() else "memory.limit_in_bytes"
    (cgroup / limit).write_text(str(8 << 30))
    code = "from copilot.engine.memory import *; print(plannable_bytes() >> 20, available_bytes() >> 30)"
    grouped = ran(("sh", "-c", f'echo $$ > {cgroup}/cgroup.procs && exec {sys.executable} -c "{code}"'))
    assert grouped.split() == ["6144", "7"]
    limited = ran(("sh", "-c", f'ulimit -v {8 << 20} && exec {sys.executable} -c "{code}"'))
    assert limited.split() == ["6144", "7"]
