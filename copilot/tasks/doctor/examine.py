"""All checks in the order in which a person would mend things: what must work first comes first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from copilot.config import Settings
from copilot.engine.machine import Machine
from copilot.errors import CopilotError
from copilot.host.roster import Found
from copilot.models import Catalogue, InstalledModel, Store
from copilot.tasks.calibration import Calibration
from copilot.tasks.doctor.check import Check
from copilot.tasks.doctor.disk import cache_health, folder, model_files
from copilot.tasks.doctor.model import completion, memory, speed, template
from copilot.tasks.doctor.surroundings import editors, git, host, llama, processor
from copilot.tasks.doctor.tier import tier
from copilot.tasks.model import ChatModel
from copilot.tasks.speed import SpeedLog


@dataclass(frozen=True, slots=True)
class Patient:
    """What is examined; the functions raise CopilotError where something is missing."""

    settings: Settings
    wrong_settings: Sequence[str]
    """What could not be read of them, one line each."""
    machine: Machine
    calibration: Calibration | None
    store: Store
    catalogue: Catalogue
    installed_model: Callable[[], InstalledModel]
    chat_model: Callable[[], ChatModel]
    speed: Callable[[ChatModel], SpeedLog]
    hosts: Callable[[], Sequence[Found]] | None
    """Finds the engine's processes; None where the engine runs inside the command."""


def examine(patient: Patient) -> list[Check]:
    """Every check that can be made, however many things are wrong."""
    configured = patient.settings
    asked: tuple[tuple[str, Callable[[], Check | list[Check]]], ...] = (
        ("settings", lambda: _settings(patient.wrong_settings)),
        ("llama.cpp", llama),
        ("processor", lambda: processor(patient.machine)),
        ("git", git),
        ("editors", editors),
        ("cache", lambda: folder("cache", configured.cache_dir)),
        ("cache health", lambda: cache_health(configured.cache_dir, configured.cache_quota_bytes)),
        ("models folder", lambda: folder("models folder", configured.models_dir)),
        ("model files", lambda: model_files(patient.store, patient.catalogue)),
        ("host", lambda: host(patient.hosts)),
        ("tier", lambda: tier(patient.machine, patient.catalogue, patient.calibration, configured)),
        ("model", lambda: _model(patient)),
    )
    return [check for name, ask in asked for check in _answers(name, ask)]


def _answers(name: str, ask: Callable[[], Check | list[Check]]) -> list[Check]:
    """What comes of one question; what the system refuses to be looked at is a finding too."""
    try:
        found = ask()
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        return [Check(name, "problem", what, "mend its rights, or those of the folders above it")]
    return found if isinstance(found, list) else [found]


def _settings(wrong: Sequence[str]) -> list[Check]:
    if not wrong:
        return [Check("settings", "ok", "readable")]
    found = "not all can be used; the checks below go without them"
    return [Check("settings", "problem", found, cure) for cure in wrong]


def _model(patient: Patient) -> list[Check]:
    try:
        installed = patient.installed_model()
        found = Check("model", "ok", f"{installed.name} at {installed.path} ({installed.status})")
        model = patient.chat_model()
    except CopilotError as error:
        return [Check("model", "problem", "no usable chat model", str(error))]
    return [
        found,
        template(model),
        completion(model, patient.store, patient.catalogue, patient.settings.completion_model),
        memory(model, patient.settings),
        speed(model, patient.speed(model), patient.calibration),
    ]
