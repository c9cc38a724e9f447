"""Checks of what is around the copilot: llama.cpp and its build, the processor, git, editors, the engine's process."""

import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib import metadata

from copilot.engine.machine import Machine
from copilot.errors import CopilotError
from copilot.host.roster import Found
from copilot.tasks.doctor.check import GIB, Check
from copilot.tasks.editor_catalogue import EDITORS

COMPILERS = ("c++", "g++", "clang++", "cl")
BUILT = {"AVX": "avx", "AVX2": "avx2", "FMA": "fma", "F16C": "f16c", "AVX512": "avx512f", "AVX_VNNI": "avx_vnni"}
"""llama.cpp's names of instruction sets, and those of the system."""
SHOWN = ("AVX2", "FMA", "AVX512", "AVX_VNNI", "NEON", "ARM_FMA", "DOTPROD")
_BINDING = "llama-cpp-python"
_ASK_S = 10


def rebuild() -> str:
    """The command that builds llama.cpp on this machine, in the release that this copilot was made for."""
    options = f"--force-reinstall --no-deps --no-cache-dir --no-binary {_BINDING}"
    return f"{shlex.quote(sys.executable)} -m pip install {options} {_required()}"


def _required() -> str:
    """The binding's requirement, as pip writes it."""
    try:
        requirements = metadata.requires("copilot-offline") or []
    except metadata.PackageNotFoundError:
        requirements = []
    return next((each for each in requirements if each.startswith(_BINDING)), _BINDING)


def _build_here() -> str:
    return f"build it on this machine: {rebuild()}"


def llama() -> Check:
    """Whether llama.cpp can be loaded, and how it gets here if not."""
    try:
        from copilot.engine.llama import build_id, system_info
    except (ImportError, OSError, RuntimeError) as error:
        compiler = next(filter(shutil.which, COMPILERS), None)
        needs = (
            ""
            if compiler
            else " after installing a C++ compiler (Debian: apt install g++ cmake; macOS: xcode-select --install)"
        )
        return Check("llama.cpp", "problem", f"cannot be loaded: {error}", f"{rebuild()}{needs}")
    pinned, version = _required().partition("==")[2], metadata.version(_BINDING)
    if pinned and version != pinned:
        found = f"{_BINDING} {version}, made for {pinned}: answers may be wrong, or the engine end without a word"
        return Check("llama.cpp", "problem", found, rebuild())
    built = _built_with(system_info())
    shown = " ".join(name for name in SHOWN if name in built)
    if not shown:
        return Check("llama.cpp", "warning", f"{build_id()}, no vector instructions", _build_here())
    return Check("llama.cpp", "ok", f"{build_id()}, {shown}")


def processor(machine: Machine) -> Check:
    """Whether this processor has what llama.cpp was built with, and what reading fast needs."""
    try:
        from copilot.engine.llama import system_info
    except (ImportError, OSError, RuntimeError):
        return judged(machine, frozenset())
    return judged(machine, _built_with(system_info()))


def judged(machine: Machine, built: frozenset[str]) -> Check:
    """The finding for a machine and a build's instruction sets, by llama.cpp's names."""
    found = f"{machine.cores} cores, {' '.join(sorted(machine.features)) or 'instruction sets not told'}"
    found += "".join(f"; {each.name}, {each.memory_bytes / GIB:.0f} GiB" for each in machine.accelerators)
    if not machine.features:
        return Check("processor", "ok", found)
    missing = [name for name in BUILT if name in built and BUILT[name] not in machine.features]
    if missing and "asimd" not in machine.features:
        return Check("processor", "problem", f"{found}; llama.cpp was built for {' '.join(missing)} too", _build_here())
    unused = [name for name in ("AVX2", "FMA") if name not in built and BUILT[name] in machine.features]
    if built and unused:
        return Check("processor", "warning", f"{found}; llama.cpp was built without {' '.join(unused)}", _build_here())
    if "asimd" not in machine.features and not {"avx2", "fma"} <= machine.features:
        cure = "nothing to mend: without AVX2 and FMA reading is several times slower; choose a small model"
        return Check("processor", "warning", found, cure)
    if machine.accelerators and not machine.offloads:
        cure = "llama.cpp was built without it; for NVIDIA: CMAKE_ARGS=-DGGML_CUDA=on, for others -DGGML_VULKAN=on"
        return Check("processor", "warning", found, f"{cure}, then {_build_here()}")
    return Check("processor", "ok", found)


def _built_with(system_info: str) -> frozenset[str]:
    fields = (field.strip().rpartition(":")[2] for field in system_info.split("|"))
    pairs = (field.partition("=") for field in fields)
    return frozenset(name.strip() for name, _, value in pairs if value.strip() == "1")


def git() -> Check:
    program = shutil.which("git")
    if program is None:
        cure = "install git: without it, ignore files still work but the order of a pack cannot follow the history"
        return Check("git", "warning", "not found", cure)
    try:
        asked = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=_ASK_S, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return Check("git", "warning", f"{program} does not run: {error}", "install git anew")
    return Check("git", "ok", asked.stdout.strip())


def editors() -> Check:
    """Which editors are on the PATH; they are only looked for, not run."""
    found = [editor.title for editor in EDITORS if any(map(shutil.which, editor.programs))]
    return Check("editors", "ok", ", ".join(found) or "none found on the PATH; the command line needs none")


def host(hosts: Callable[[], Sequence[Found]] | None) -> Check:
    """The engine's processes, and whether they can be talked to."""
    if hosts is None:
        return Check("host", "ok", "the engine runs inside each command (COPILOT_HOST=off)")
    try:
        running = hosts()
    except CopilotError as error:
        return Check("host", "problem", "the engine cannot have a process of its own", str(error))
    silent = next((found for found in running if found.status is None), None)
    if silent is not None:
        what = f"is of version {silent.version}" if silent.version else "does not answer"
        cure = "end it with `copilot host stop`; the next question starts another"
        return Check("host", "warning", f"{silent.title} {what}", cure)
    if not running:
        return Check("host", "ok", "not running; the next question starts it")
    shown = [
        f"process {status.pid} with {status.model}, {status.memory_bytes / GIB:.1f} GiB"
        for found in running
        if (status := found.status)
    ]
    return Check("host", "ok", "; ".join(shown))
