"""How fast a model would read and write on a machine: estimated from its cores, or from what was measured there.

Reading is computing: each token passes through every active parameter. Writing is fetching: each token needs the active
weights from memory once. Knows no memory plans.
"""

from dataclasses import dataclass

from copilot.engine.machine import Machine

_COMPUTE = (("avx512f", 40e9), ("avx2", 30e9), ("asimddp", 25e9))
"""Parameters times tokens that one core reads in a second, by the best instruction set. Measured: 1.54e9 parameters at
57 tokens/s on two cores with AVX-512; published for six cores with AVX2: 2.3e9 at 71 to 84 tokens/s."""
_COMPUTE_BARE = 6e9
_FETCH = 25e9
"""Bytes per second from memory; 1.1 GB at 20 to 27 tokens/s measured, which laptops with two memory channels reach."""
_GPU_FACTOR = 10.0
"""A graphics processor with memory of its own, beside eight cores; a lower bound, since it only has to be enough."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one token of a model takes."""

    active_parameters: float
    active_bytes: float


@dataclass(frozen=True, slots=True)
class Speed:
    """Tokens per second."""

    reads: float
    writes: float

    def __str__(self) -> str:
        return f"reads {self.reads:,.0f} and writes {self.writes:,.1f} tokens/s"


@dataclass(frozen=True, slots=True)
class Rates:
    """What a machine computes and fetches in a second."""

    compute: float
    """Parameters times tokens."""
    fetch: float
    """Bytes."""
    measured: bool = False

    @classmethod
    def estimated(cls, machine: Machine) -> "Rates":
        """From the number of cores and their instruction sets."""
        per_core = next((rate for name, rate in _COMPUTE if name in machine.features), _COMPUTE_BARE)
        return cls(per_core * machine.cores, _FETCH)

    @classmethod
    def from_measured(cls, cost: Cost, speed: Speed) -> "Rates":
        """From the speed that one model was measured to have."""
        return cls(speed.reads * cost.active_parameters, speed.writes * cost.active_bytes, measured=True)

    def on_gpu(self, share: float) -> "Rates":
        """With a share of the layers, from 0 to 1, on a graphics processor: a token passes through both in turn."""

        def mixed(here: float, there: float) -> float:
            return 1 / (share / there + (1 - share) / here)

        compute = max(self.compute, 8 * _COMPUTE[1][1]) * _GPU_FACTOR
        return Rates(mixed(self.compute, compute), mixed(self.fetch, self.fetch * _GPU_FACTOR))

    def of(self, cost: Cost) -> Speed:
        """The speed of a model of this cost."""
        return Speed(self.compute / cost.active_parameters, self.fetch / cost.active_bytes)
