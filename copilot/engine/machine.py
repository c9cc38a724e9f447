"""What this machine has to run models with: memory, cores, instruction sets, graphics processors.

A `Machine` is a value: what plans with one can be asked about any machine. Knows no models.
"""

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from copilot.engine.memory import available_bytes, total_bytes

_CPUINFO = Path("/proc/cpuinfo")
_DRM = Path("/sys/class/drm")
_ASK_S = 5.0
_KNOWN = frozenset({"avx", "avx2", "fma", "f16c", "bmi2", "avx512f", "avx512_vnni", "avx_vnni", "asimd", "asimddp"})
"""Instruction sets, by the names of /proc/cpuinfo, that llama.cpp's kernels use."""


@dataclass(frozen=True, slots=True)
class Accelerator:
    """A graphics processor with memory of its own."""

    name: str
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Machine:
    """What there is to run models with."""

    memory_bytes: int
    """The machine's memory, or the limit of the control group or `ulimit -v` that is smaller."""
    available_bytes: int
    """What of it is free now."""
    cores: int
    """Physical cores this process may use."""
    features: frozenset[str] = frozenset()
    """Instruction sets by their names in /proc/cpuinfo; empty where the system does not tell."""
    accelerators: tuple[Accelerator, ...] = ()
    offloads: bool = False
    """Whether llama.cpp was built to use them."""

    @property
    def usable_gpu_bytes(self) -> int:
        """Memory of the largest graphics processor that llama.cpp can use; 0 where there is none."""
        return max((each.memory_bytes for each in self.accelerators), default=0) if self.offloads else 0

    @classmethod
    def here(cls) -> "Machine":
        """This machine as it is now; asks the graphics drivers, which may take a second, and llama.cpp where one is."""
        found = (*_nvidia(), *amd_accelerators(_DRM))
        offloads = bool(found) and _offloads()
        return cls(total_bytes(), available_bytes(), usable_cores(), _features(), found, offloads)


def usable_cores() -> int:
    """Physical cores, as far as this process may use them."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(allowed, psutil.cpu_count(logical=False) or allowed))


def features_of(cpuinfo: str) -> frozenset[str]:
    """The instruction sets that the text of /proc/cpuinfo names (`flags` on x86, `Features` on ARM)."""
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return _KNOWN & frozenset(value.split())
    return frozenset()


def nvidia_accelerators(listed: str) -> Iterator[Accelerator]:
    """From `nvidia-smi --query-gpu=name,memory.total --format=csv,noheader,nounits`; sizes are MiB."""
    for line in listed.splitlines():
        name, _, size = line.rpartition(",")
        if name.strip() and size.strip().isdecimal():
            yield Accelerator(name.strip(), int(size) << 20)


def amd_accelerators(folder: Path) -> Iterator[Accelerator]:
    """From the kernel's own figures below /sys/class/drm."""
    for path in sorted(folder.glob("card[0-9]*/device/mem_info_vram_total")):
        try:
            yield Accelerator(f"AMD {path.parts[-3]}", int(path.read_text()))
        except (OSError, ValueError):
            continue


def _features() -> frozenset[str]:
    try:
        return features_of(_CPUINFO.read_text(errors="replace"))
    except OSError:  # not Linux; every ARM processor of a Mac has these
        return frozenset({"asimd", "asimddp"} if platform.machine() == "arm64" else ())


def _nvidia() -> tuple[Accelerator, ...]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    command = [program, "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=_ASK_S, check=False)
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(nvidia_accelerators(asked.stdout)) if asked.returncode == 0 else ()


def _offloads() -> bool:
    try:
        from copilot.engine.llama import can_offload
    except (ImportError, OSError, RuntimeError):  # doctor says what is wrong with it
        return False
    return can_offload()
