"""Simulated machines get the models that fit them, with the arithmetic shown; nothing of this machine is looked at."""

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from copilot.engine.gguf import read_card
from copilot.engine.machine import (
    Accelerator,
    Machine,
    amd_accelerators,
    features_of,
    nvidia_accelerators,
)
from copilot.engine.memory import RESERVED_BYTES, plan_memory, plannable_of
from copilot.models import shipped_catalogue
from copilot.tasks.speed_estimate import Cost, Rates, Speed
from copilot.tasks.tiers import (
    COMFORTABLE_TOKENS,
    GIB,
    MIN_TOKENS,
    Contender,
    Tier,
    Wish,
    advise,
    contenders,
)
from copilot.testing import Shape

MODELS = contenders(shipped_catalogue())
LAPTOP = frozenset({"avx", "avx2", "fma", "f16c"})


def machine(gib: float, cores: int = 8) -> Machine:
    """A laptop with so much memory, all of it free, and no graphics processor of use."""
    return Machine(int(gib * GIB), int(gib * GIB), cores, LAPTOP)


def tier_of(there: Machine, rates: Rates | None = None) -> Tier:
    """What is advised; something is."""
    tier = advise(there, MODELS, rates).tier
    assert tier is not None
    return tier


@pytest.mark.parametrize(
    ("gib", "cores", "chat", "completion", "kv_type", "at_least"),
    [
        (4, 4, "qwen2.5-coder-1.5b", "qwen2.5-coder-1.5b", "f16", 16_384),
        (8, 4, "gemma-4-e2b", "qwen2.5-coder-1.5b", "f16", 65_536),
        (16, 4, "gemma-4-e4b", "qwen2.5-coder-1.5b", "f16", 131_072),
        (16, 8, "gemma-4-12b", "qwen2.5-coder-1.5b", "f16", 98_304),
        (24, 8, "gemma-4-26b-a4b", "qwen2.5-coder-1.5b", "f16", 49_152),
        (32, 8, "gemma-4-26b-a4b", "qwen2.5-coder-1.5b", "f16", 262_144),
        (64, 8, "gemma-4-26b-a4b", "qwen2.5-coder-1.5b", "f16", 262_144),
    ],
)
def test_each_size_of_machine_has_its_pair(
    gib: int, cores: int, chat: str, completion: str, kv_type: str, at_least: int
) -> None:
    """The best chat model that is fast enough, a completion model beside it, and the context that is left."""
    tier = tier_of(machine(gib, cores))
    assert (tier.chat.model.name, tier.completion_model.name, tier.kv_type) == (chat, completion, kv_type)
    assert tier.chat.plan.n_ctx >= at_least


def test_the_table_of_the_documentation_is_what_is_advised() -> None:
    """Each row of docs/models.md, context included; "any" is told of 4 and of 8 cores."""
    text = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\d and]+) GiB \| (\w+) \| (\S+) \| (.+?) \| (\w+) \| ([\d,]+) \|$", text, re.MULTILINE)
    assert len(rows) >= 6
    for sizes, cores, chat, completion, kv_type, context in rows:
        for gib in map(int, sizes.split(" and ")):
            for n_cores in (4, 8) if cores == "any" else (int(cores),):
                tier = tier_of(machine(gib, n_cores))
                told = (tier.chat.model.name, tier.completion_model.name, tier.kv_type, f"{tier.chat.plan.n_ctx:,}")
                assert told == (chat, chat if completion == "the same" else completion, kv_type, context)


@pytest.mark.parametrize("gib", [3.7, 7.6, 15.4, 23.3, 31.1, 62.6])
def test_what_the_firmware_takes_changes_no_choice(gib: float) -> None:
    """A machine sold as 8 GB tells of 7.6; it gets the models of 8."""
    sold = {3.7: 4, 7.6: 8, 15.4: 16, 23.3: 24, 31.1: 32, 62.6: 64}[gib]
    told, full = tier_of(machine(gib)), tier_of(machine(sold))
    assert (told.chat.model, told.completion_model) == (full.chat.model, full.completion_model)


@pytest.mark.parametrize("gib", range(3, 66))
def test_what_is_advised_fits_together(gib: int) -> None:
    """Weights, KV, windows and buffers of both models, and what the system keeps, are not more than there is."""
    there = machine(gib)
    tier = tier_of(there)
    assert tier.total_bytes + RESERVED_BYTES <= plannable_of(there.memory_bytes) <= there.memory_bytes * 3 // 4
    parts = [part for part in (tier.chat, tier.completion) if part is not None]
    again = [plan_memory(part.model.shape, part.plan.n_ctx, tier.kv_type) for part in parts]
    assert [part.plan for part in parts] == again
    if tier.chat.plan.n_ctx < tier.chat.model.shape.context_length:
        more = plan_memory(tier.chat.model.shape, tier.chat.plan.n_ctx + 256, tier.kv_type)
        assert tier.total_bytes - tier.chat.plan.total + more.total + RESERVED_BYTES > plannable_of(there.memory_bytes)


def test_more_memory_is_never_worse() -> None:
    """With each GiB more the chat model is the same or a better one, and the same one has no less context."""
    order = [model.name for model in MODELS]
    tiers = [tier_of(machine(gib)) for gib in range(3, 66)]
    for less, more in pairwise(tiers):
        places = order.index(more.chat.model.name), order.index(less.chat.model.name)
        assert places[0] <= places[1]
        if places[0] == places[1] and more.kv_type == less.kv_type and more.completion_model == less.completion_model:
            assert more.chat.plan.n_ctx >= less.chat.plan.n_ctx


def test_the_arithmetic_is_shown_with_its_sum() -> None:
    """Each term by its purpose, the sum, and what stays for the system."""
    tier = tier_of(machine(8, 4))
    shown = tier.arithmetic
    for part in ("gemma-4-e2b with", "qwen2.5-coder-1.5b with 8,192 tokens", "weights", "KV", "buffers"):
        assert part in shown
    assert "of 5.5 GiB; 2.5 of 8.0 GiB stay for the system" in shown
    assert tier.settings == {
        "model": "gemma-4-e2b",
        "completion_model": "qwen2.5-coder-1.5b",
        "context_tokens": tier.chat.plan.n_ctx,
    }


def test_what_would_be_better_says_what_it_takes() -> None:
    """The next better model is named, with the memory it needs or why it is too slow; and that memory is enough."""
    assert (
        advise(machine(8, 4), MODELS).better == "gemma-4-e4b would be better, but needs 10 GiB of memory, here are 8.0"
    )
    assert tier_of(machine(10, 4)).chat.model.name == "gemma-4-e4b"
    assert tier_of(machine(9, 4)).chat.model.name == "gemma-4-e2b"
    slow = advise(machine(16, 4), MODELS).better
    assert slow.startswith("gemma-4-12b would be better and fits, but reads 10 and writes 3.6 tokens/s by estimate")


def test_a_machine_too_small_for_any_model_gets_none() -> None:
    """No pair is made up; what the smallest needs is said."""
    advice = advise(machine(2), MODELS)
    assert advice.tier is None
    assert advice.better.startswith("qwen2.5-coder-0.5b would be better, but needs 3 GiB")


def test_a_measured_speed_takes_the_place_of_the_estimate() -> None:
    """Measured fast, a 16 GiB machine of two cores has the 12B after all; measured slow, one of eight has not."""
    small = Cost(1.54e9, 1.117e9)
    assert tier_of(machine(16, 2)).chat.model.name == "gemma-4-e4b"
    fast = tier_of(machine(16, 2), Rates.from_measured(small, Speed(200.0, 40.0)))
    assert (fast.chat.model.name, fast.measured) == ("gemma-4-12b", True)
    slow = tier_of(machine(16, 8), Rates.from_measured(small, Speed(60.0, 20.0)))
    assert slow.chat.model.name == "gemma-4-e4b"


def test_the_largest_model_needs_a_graphics_processor() -> None:
    """31B is read too slowly by eight cores, whatever the memory; with 48 GB on a graphics processor it is chosen."""
    assert "gemma-4-31b would be better and fits, but" in advise(machine(64), MODELS).better
    card = replace(machine(32), accelerators=(Accelerator("a card", 48 * GIB),))
    assert tier_of(card).chat.model.name == "gemma-4-26b-a4b", "llama.cpp was not built for it"
    tier = tier_of(replace(card, offloads=True))
    assert (tier.chat.model.name, tier.on_gpu, tier.settings["gpu_layers"]) == ("gemma-4-31b", True, 999)
    assert tier.completion is not None and tier.total_bytes == tier.completion.plan.total


@pytest.mark.parametrize("gib", [4, 6, 8, 12, 16])
def test_a_graphics_processor_takes_the_layers_that_fit(gib: int) -> None:
    """The choice is that of the machine without it, only faster, and what it takes is within nine tenths of it."""
    alone = tier_of(machine(32))
    tier = tier_of(replace(machine(32), accelerators=(Accelerator("a card", gib * GIB),), offloads=True))
    assert (tier.chat, tier.completion) == (alone.chat, alone.completion)
    layers = tier.settings.get("gpu_layers", 0)
    assert isinstance(layers, int) and not tier.on_gpu and layers < tier.chat.model.shape.n_layer
    plan = tier.chat.plan
    taken = (plan.weights + plan.kv + plan.window) * layers / tier.chat.model.shape.n_layer + plan.compute
    assert layers == 0 or taken + tier.completion.plan.total <= 0.9 * gib * GIB
    n_layer = tier.chat.model.shape.n_layer
    assert (layers > 0) == (f"{layers} of {n_layer} layers on the graphics processor" in tier.arithmetic)
    assert tier.speed.reads >= alone.speed.reads
    assert layers > 0 or gib < 6


def test_a_wished_model_is_taken_however_slow_it_is() -> None:
    """The user's choice stands where it fits at all; the rest is fitted around it."""
    slow = advise(machine(64, 2), MODELS, wish=Wish(chat="gemma-4-31b")).tier
    assert slow is not None and slow.chat.model.name == "gemma-4-31b"
    tight = advise(machine(9, 4), MODELS, wish=Wish("gemma-4-e4b", "qwen2.5-coder-0.5b")).tier
    assert tight is not None and tight.completion_model.name == "qwen2.5-coder-0.5b"
    assert MIN_TOKENS <= tight.chat.plan.n_ctx < COMFORTABLE_TOKENS
    assert advise(machine(8), MODELS, wish=Wish(chat="gemma-4-12b")).tier is None


def test_the_larger_coders_are_for_those_who_name_them() -> None:
    """Chosen, they chat beside the small coder, or complete beside Gemma; no machine is advised to take them."""
    wished = advise(machine(16), MODELS, wish=Wish(chat="qwen2.5-coder-7b")).tier
    assert wished is not None and wished.chat.plan.n_ctx == 32_768
    assert wished.completion_model.name == "qwen2.5-coder-1.5b"
    beside = advise(machine(24), MODELS, wish=Wish(completion="qwen2.5-coder-7b")).tier
    assert beside is not None and beside.completion_model.name == "qwen2.5-coder-7b"
    for gib in range(2, 66):
        advice = advise(machine(gib, 32), MODELS)
        shown = advice.better + (advice.tier.arithmetic if advice.tier else "")
        assert "coder-7b" not in shown and "coder-14b" not in shown


def test_any_other_file_is_judged_by_its_own_header(tiny_model: Callable[[Shape], Path]) -> None:
    """A file that is in no catalogue has a shape, too: that of its header."""
    own = Contender.from_shape(read_card(tiny_model("gemma4-dense")), ("chat",))
    tier = advise(machine(8), [own, *MODELS], wish=Wish(chat=own.name)).tier
    assert tier is not None and tier.chat.model is own
    assert tier.chat.plan.n_ctx == own.shape.context_length


def test_the_catalogues_shapes_have_the_published_memory() -> None:
    """KV bytes of one token in full and windowed layers, as computed from the published configurations."""
    published = {
        "gemma-4-31b": (81_920, 819_200),
        "gemma-4-26b-a4b": (20_480, 204_800),
        "gemma-4-12b": (16_384, 327_680),
        "gemma-4-e4b": (16_384, 40_960),
        "gemma-4-e2b": (6_144, 12_288),
        "qwen2.5-coder-14b": (196_608, 0),
        "qwen2.5-coder-7b": (57_344, 0),
        "qwen2.5-coder-1.5b": (28_672, 0),
        "qwen2.5-coder-0.5b": (12_288, 0),
    }
    found = {each.name: (each.shape.kv_bytes_per_token(), each.shape.swa_bytes_per_token()) for each in MODELS}
    assert found == published


def test_a_published_shape_is_that_of_the_file(default_model: Path) -> None:
    """Plans made before the default model is there and after are the same, but for the file's header."""
    card = read_card(default_model)
    [shape] = [model.shape for model in MODELS if model.name == shipped_catalogue().default]
    for n_ctx in (4_096, 32_768):
        planned, real = plan_memory(shape, n_ctx, "q8_0"), plan_memory(card, n_ctx, "q8_0")
        assert replace(planned, weights=0) == replace(real, weights=0)
        assert 0 <= planned.weights - real.weights < 16 << 20


CPUINFO = "processor\t: 0\nvendor_id\t: x\nflags\t\t: fpu sse avx avx2 fma unknown\nbugs\t\t: avx512f\n"


def test_instruction_sets_are_read_from_the_systems_own_words() -> None:
    """Only the line of flags counts, and only what matters to llama.cpp."""
    assert features_of(CPUINFO) == {"avx", "avx2", "fma"}
    assert features_of("Features\t: fp asimd asimddp\n") == {"asimd", "asimddp"}
    assert features_of("") == frozenset()


def test_graphics_processors_are_read_from_their_drivers_words(tmp_path: Path) -> None:
    """Names with commas, lines that are no cards, and the kernel's own figures."""
    listed = "NVIDIA, Model 1, 24564\nFailed to initialize\n\n, 5\nB, [N/A]\n"
    assert list(nvidia_accelerators(listed)) == [Accelerator("NVIDIA, Model 1", 24564 << 20)]
    device = tmp_path / "card0" / "device"
    device.mkdir(parents=True)
    (device / "mem_info_vram_total").write_text("8589934592\n")
    (tmp_path / "card1" / "device").mkdir(parents=True)
    (tmp_path / "card1" / "device" / "mem_info_vram_total").write_text("?")
    assert list(amd_accelerators(tmp_path)) == [Accelerator("AMD card0", 8 << 30)]
