"""Which pair of models, which context and which KV type a machine can run: arithmetic over a `Machine`, shown in full.

Both models, their contexts and what is left to the rest of the system must fit together, and the chat model must be
fast enough to be of use. Knows nothing of what is installed; loads nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from copilot.engine.gguf import CacheType
from copilot.engine.machine import Machine
from copilot.engine.memory import RESERVED_BYTES, MemoryPlan, Shape, largest_context, plan_memory, plannable_of
from copilot.models import Catalogue
from copilot.models.catalogue import Role
from copilot.tasks.speed_estimate import Cost, Rates, Speed

GIB = 1 << 30
COMFORTABLE_TOKENS = 32_768
"""A context that holds a useful part of a repository; a model with less memory left for it is passed over."""
COMPLETION_TOKENS = 8_192
"""What a completion needs: the text around the cursor and a few excerpts."""
MIN_TOKENS = 2_048
READS_AT_LEAST, WRITES_AT_LEAST = 12.0, 2.0
"""Tokens per second below which a chat model is no help: a question of 1,000 tokens should not take minutes."""
GPU_SHARE = 0.9
"""Of a graphics processor's memory; the rest is the screen's."""
ALL_LAYERS = 999
_LONGEST_PERIOD = 6
"""Layers of which at least one sees everything: so much more than its share one end of a model may take of the KV."""
_PREFERRED: tuple[CacheType, ...] = ("f16", "q8_0")
MOST_GIB = 1024
_BITS_PER_WEIGHT = 4.5


@dataclass(frozen=True, slots=True)
class Contender:
    """A model that could be chosen."""

    shape: Shape
    roles: tuple[Role, ...]
    cost: Cost
    advised: bool = True
    """Whether it is considered without being wished for."""

    @property
    def name(self) -> str:
        return self.shape.name

    @classmethod
    def from_shape(cls, shape: Shape, roles: tuple[Role, ...]) -> "Contender":
        """A file nobody published here: every weight is taken for active, of about 4.5 bits."""
        return cls(shape, roles, Cost(shape.weight_bytes * 8 / _BITS_PER_WEIGHT, shape.weight_bytes))


@dataclass(frozen=True, slots=True)
class Part:
    """One model of a tier and the memory it takes."""

    model: Contender
    plan: MemoryPlan

    def __str__(self) -> str:
        return f"{self.model.name} with {self.plan.n_ctx:,} tokens {self.plan}"


@dataclass(frozen=True, slots=True)
class Tier:
    """What to run on a machine."""

    chat: Part
    completion: Part | None
    """None where the chat model completes, too: it is there only once."""
    kv_type: CacheType
    gpu_layers: int
    """Of the chat model on a graphics processor; ALL_LAYERS where it is there as a whole."""
    speed: Speed
    """Of the chat model."""
    measured: bool
    machine: Machine

    @property
    def on_gpu(self) -> bool:
        """Whether the chat model is on a graphics processor as a whole."""
        return self.gpu_layers == ALL_LAYERS

    @property
    def gpu_share(self) -> float:
        """The share of the chat model's layers that a graphics processor has."""
        return min(1.0, self.gpu_layers / self.chat.model.shape.n_layer)

    @property
    def total_bytes(self) -> int:
        """Main memory of both models; layers that are elsewhere are not taken off, for files are read through it."""
        chat = 0 if self.on_gpu else self.chat.plan.total
        return chat + (self.completion.plan.total if self.completion else 0)

    @property
    def completion_model(self) -> Contender:
        return self.completion.model if self.completion else self.chat.model

    @property
    def settings(self) -> dict[str, str | int]:
        """What to set to have exactly this."""
        chosen: dict[str, str | int] = {"model": self.chat.model.name, "completion_model": self.completion_model.name}
        if self.chat.plan.n_ctx < self.chat.model.shape.context_length:
            chosen["context_tokens"] = self.chat.plan.n_ctx
        if self.kv_type != "f16":
            chosen["kv_type"] = self.kv_type
        if self.gpu_layers:
            chosen["gpu_layers"] = self.gpu_layers
        return chosen

    @property
    def arithmetic(self) -> str:
        """Weights, KV, buffers and what stays for the system, as a sum."""
        budget = plannable_of(self.machine.memory_bytes)
        part = "" if self.on_gpu else f", {self.gpu_layers} of {self.chat.model.shape.n_layer} layers"
        place = f"{part} on the graphics processor" if self.gpu_layers else ""
        parts = [f"{self.chat}{place}", *([str(self.completion)] if self.completion else [])]
        left = self.machine.memory_bytes - budget + RESERVED_BYTES
        return (
            f"{' + '.join(parts)} = {self.total_bytes / GIB:.1f} of {(budget - RESERVED_BYTES) / GIB:.1f} GiB; "
            f"{left / GIB:.1f} of {self.machine.memory_bytes / GIB:.1f} GiB stay for the system"
        )


@dataclass(frozen=True, slots=True)
class Advice:
    """The tier for a machine, and why not the next better one."""

    tier: Tier | None
    """None where not even the smallest model fits."""
    better: str
    """What would be better and what it would take; empty for the best."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Models the user has chosen by name; None leaves the choice."""

    chat: str | None = None
    completion: str | None = None


NO_WISH = Wish()


def contenders(catalogue: Catalogue) -> tuple[Contender, ...]:
    """The published models whose shape is known, in the catalogue's order: best first within a role."""
    found = []
    for model in catalogue.models:
        if model.shape is not None and model.geometry is not None:
            geometry = model.geometry
            active = model.bytes * geometry.active_parameters / geometry.parameters
            cost = Cost(geometry.active_parameters, active)
            found.append(Contender(model.shape, model.roles, cost, model.advised))
    return tuple(found)


def advise(machine: Machine, models: Sequence[Contender], rates: Rates | None = None, wish: Wish = NO_WISH) -> Advice:
    """The best pair that fits and is fast enough; `rates` None = estimated from the machine.

    A chat model that was wished for is taken however slow it is and however small its context.
    """
    rates = rates or Rates.estimated(machine)
    chats = _eligible(models, "chat", wish.chat)
    completions = _eligible(models, "completion", wish.completion)
    better = ""
    for chat in chats:
        whole = _best(machine, chat, completions, on_gpu=True) if machine.usable_gpu_bytes else None
        tier = whole or _in_part_on_gpu(_best(machine, chat, completions, on_gpu=False))
        speed = (rates.on_gpu(1.0) if whole else rates).of(chat.cost)
        if tier is None and not completions:
            better = f"{chat.name} would be better, but no model for completion is known"
        elif tier is None:
            better = f"{chat.name} would be better, but {_lacking(machine, chat, completions)}"
        elif wish.chat is None and not _fast_enough(speed):
            better = f"{chat.name} would be better and fits, but {speed} {_told(rates)}"
        else:
            if tier.gpu_layers:  # in part it makes a choice faster, and never makes one
                return Advice(replace(tier, speed=rates.on_gpu(tier.gpu_share).of(chat.cost)), better)
            return Advice(replace(tier, speed=speed, measured=rates.measured), better)
    return Advice(_in_part_on_gpu(_smallest(machine, chats, completions, rates)), better)


def _eligible(models: Sequence[Contender], role: Role, wished: str | None) -> list[Contender]:
    """The wished model alone; without a wish all of the role that may be advised."""
    return [each for each in models if role in each.roles and (each.advised if wished is None else each.name == wished)]


def _best(machine: Machine, chat: Contender, completions: Sequence[Contender], on_gpu: bool) -> Tier | None:
    """The best completion model and KV type that leave the chat model a comfortable context."""
    wanted = _comfortable(chat)
    for completion in [chat] if chat in completions else completions:
        for kv_type in _PREFERRED:
            tier = _pair(machine, chat, completion, kv_type, on_gpu)
            if tier is not None and tier.chat.plan.n_ctx >= wanted:
                return tier
    return None


def _pair(machine: Machine, chat: Contender, completion: Contender, kv_type: CacheType, on_gpu: bool) -> Tier | None:
    """Both models with the largest context for chat; None where that is nothing."""
    beside = _beside(chat, completion, kv_type)
    taken = beside.plan.total if beside else 0
    room = plannable_of(machine.memory_bytes) - taken
    if on_gpu:
        if room < RESERVED_BYTES:
            return None
        room = _gpu_room(machine, beside) + RESERVED_BYTES
    n_ctx = largest_context(chat.shape, kv_type, room)
    if n_ctx < MIN_TOKENS:
        return None
    part = Part(chat, plan_memory(chat.shape, n_ctx, kv_type))
    return Tier(part, beside, kv_type, ALL_LAYERS if on_gpu else 0, Speed(0.0, 0.0), False, machine)


def _smallest(
    machine: Machine, chats: Sequence[Contender], completions: Sequence[Contender], rates: Rates
) -> Tier | None:
    """Whatever can be run at all, the smallest KV type included."""
    for chat in chats:
        for completion in [chat] if chat in completions else completions:
            for kv_type in (*_PREFERRED, "q4_0"):
                tier = _pair(machine, chat, completion, kv_type, on_gpu=False)
                if tier is not None and (len(chats) == 1 or _fast_enough(rates.of(chat.cost))):
                    return replace(tier, speed=rates.of(chat.cost), measured=rates.measured)
    return None


def _gpu_room(machine: Machine, beside: Part | None) -> int:
    """Bytes for the chat model on the graphics processor: the setting puts the completion model there, too."""
    return int(machine.usable_gpu_bytes * GPU_SHARE) - (beside.plan.total if beside else 0)


def _in_part_on_gpu(tier: Tier | None) -> Tier | None:
    """The same tier with as many layers on the graphics processor as fit there, none where there is no such."""
    if tier is None or not tier.machine.usable_gpu_bytes:
        return tier
    plan, n_layer = tier.chat.plan, tier.chat.model.shape.n_layer
    uneven = plan.kv * _LONGEST_PERIOD // n_layer if tier.chat.model.shape.windowed else 0
    room = _gpu_room(tier.machine, tier.completion) - plan.compute - uneven
    layers = room * n_layer // (plan.weights + plan.kv + plan.window)
    return replace(tier, gpu_layers=max(0, min(layers, n_layer - 1)))


def _comfortable(chat: Contender) -> int:
    """The least context with which a model is worth choosing: half its own where that is short."""
    return min(COMFORTABLE_TOKENS, chat.shape.context_length // 2)


def _fast_enough(speed: Speed) -> bool:
    return speed.reads >= READS_AT_LEAST and speed.writes >= WRITES_AT_LEAST


def _told(rates: Rates) -> str:
    return "as measured here" if rates.measured else "by estimate; `copilot doctor --measure` measures"


def _lacking(machine: Machine, chat: Contender, completions: Sequence[Contender]) -> str:
    """The least memory, in whole GiB, with which it would do."""
    wanted = _comfortable(chat)
    needed = min(
        plan_memory(chat.shape, wanted, kv_type).total + (beside.plan.total if beside else 0)
        for completion in ([chat] if chat in completions else completions)
        for kv_type in _PREFERRED
        for beside in [_beside(chat, completion, kv_type)]
    )
    sizes = (gib for gib in range(1, MOST_GIB) if plannable_of(gib * GIB) >= needed + RESERVED_BYTES)
    return f"needs {next(sizes, MOST_GIB)} GiB of memory, here are {machine.memory_bytes / GIB:.1f}"


def _beside(chat: Contender, completion: Contender, kv_type: CacheType) -> Part | None:
    """The completion model's own memory; None where it is the chat model."""
    if completion is chat:
        return None
    n_ctx = min(COMPLETION_TOKENS, completion.shape.context_length)
    return Part(completion, plan_memory(completion.shape, n_ctx, kv_type))
