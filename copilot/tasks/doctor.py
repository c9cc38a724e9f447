"""Everything the copilot needs from this machine, checked one by one; each problem comes with its cure."""

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from copilot.config import Settings
from copilot.engine.memory import RESERVED_BYTES, available_bytes, largest_context, plan_memory, plannable_bytes
from copilot.errors import CopilotError
from copilot.host.roster import Found
from copilot.models import InstalledModel
from copilot.tasks.model import ChatModel
from copilot.tasks.speed import SpeedLog, duration

LOW_DISK_BYTES = 4 << 30
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. `cure` says what to do, empty where nothing is wrong."""

    name: str
    status: Literal["ok", "warning", "problem"]
    found: str
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Patient:
    """What is examined; the functions raise CopilotError where something is missing."""

    settings: Settings
    installed_model: Callable[[], InstalledModel]
    chat_model: Callable[[], ChatModel]
    speed: Callable[[ChatModel], SpeedLog]
    hosts: Callable[[], Sequence[Found]] | None
    """Finds the engine's processes; None where the engine runs inside the command."""


def examine(patient: Patient) -> list[Check]:
    """All checks, in the order in which a person would mend things."""
    settings = patient.settings
    checks = [_llama(), _git(), _folder("cache", settings.cache_dir), _folder("models folder", settings.models_dir)]
    checks.append(_host(patient.hosts))
    try:
        installed = patient.installed_model()
        checks.append(Check("model", "ok", f"{installed.name} at {installed.path} ({installed.status})"))
        model = patient.chat_model()
    except CopilotError as error:
        return [*checks, Check("model", "problem", "no usable chat model", str(error))]
    return [*checks, _template(model), _memory(model, settings), _speed(model, patient.speed(model))]


def _llama() -> Check:
    try:
        from copilot.engine.llama import build_id, system_info
    except (ImportError, OSError, RuntimeError) as error:
        return Check(
            "llama.cpp",
            "problem",
            f"cannot be loaded: {error}",
            "reinstall it: pip install --force-reinstall --no-cache-dir llama-cpp-python (needs a C++ compiler)",
        )
    info = system_info()
    features = " ".join(
        name for name in ("AVX2", "AVX512", "AVX_VNNI", "NEON", "ARM_FMA", "DOTPROD") if f"{name} = 1" in info
    )
    if not features:
        return Check("llama.cpp", "warning", f"{build_id()}, no vector instructions", "build it on this machine")
    return Check("llama.cpp", "ok", f"{build_id()}, {features}")


def _git() -> Check:
    git = shutil.which("git")
    if git is None:
        cure = "install git: without it, ignore files still work but the order of a pack cannot follow the history"
        return Check("git", "warning", "not found", cure)
    version = subprocess.run([git, "--version"], capture_output=True, text=True, timeout=10).stdout.strip()
    return Check("git", "ok", version)


def _folder(name: str, folder: Path) -> Check:
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not existing.is_dir():
        return Check(name, "problem", f"{existing} is no folder", f"remove it, or name another {name}")
    if not os.access(existing, os.W_OK | os.X_OK):
        return Check(name, "problem", f"{folder} is not writable", f"mend the rights of {existing}")
    free = shutil.disk_usage(existing).free
    found = f"{folder}, {free / GIB:.1f} GiB free"
    if free < LOW_DISK_BYTES:
        return Check(name, "warning", found, "free some disk space, or set cache_quota_gib lower")
    return Check(name, "ok", found)


def _host(hosts: Callable[[], Sequence[Found]] | None) -> Check:
    if hosts is None:
        return Check("host", "ok", "the engine runs inside each command (COPILOT_HOST=off)")
    try:
        running = hosts()
    except CopilotError as error:
        return Check("host", "problem", "the engine cannot have a process of its own", str(error))
    silent = [found.pid for found in running if found.status is None]
    if silent:
        cure = "end it with `copilot host stop`; the next question starts another"
        return Check("host", "warning", f"process {silent[0]} does not answer", cure)
    if not running:
        return Check("host", "ok", "not running; the next question starts it")
    shown = [
        f"process {status.pid} with {status.model}, {status.memory_bytes / GIB:.1f} GiB"
        for found in running
        if (status := found.status)
    ]
    return Check("host", "ok", "; ".join(shown))


def _template(model: ChatModel) -> Check:
    if model.template_agrees:
        return Check("chat template", "ok", f"{model.chat.name}, the same as the model's own")
    cure = "answers may be worse than the model can give; fetch a newer version of the model file"
    return Check("chat template", "warning", f"the model's own differs from {model.chat.name}", cure)


def _memory(model: ChatModel, settings: Settings) -> Check:
    card, kv_type = model.card, settings.kv_type
    plan = plan_memory(card, model.n_ctx, kv_type)
    available = available_bytes()
    found = (
        f"{model.n_ctx:,} of {card.context_length:,} tokens of context need {plan}; {available / GIB:.1f} GiB are free"
    )
    if plan.total + RESERVED_BYTES > available:
        fitting = largest_context(card, kv_type, available)
        smaller = f"set context_tokens to {fitting}" if fitting else "choose a smaller model"
        return Check("memory", "problem", found, f"close other programs, or {smaller}")
    if model.n_ctx < min(card.context_length, settings.context_tokens or card.context_length):
        total = plannable_bytes() / GIB
        return Check("memory", "warning", found, f"{total:.1f} GiB can be planned with; a smaller kv_type allows more")
    return Check("memory", "ok", found)


def _speed(model: ChatModel, speed: SpeedLog) -> Check:
    measured = speed.tokens_per_s
    if measured is None:
        return Check("speed", "ok", "not measured yet; the first question measures it")
    return Check("speed", "ok", f"reads {measured:.0f} tokens/s: {duration(model.n_ctx / measured)} for a full context")
