"""Settings: merged once from flags, environment, the repository, the user's file and defaults, then only passed on.

A repository is not trusted: its `.copilot.toml` may only shape the work, never name a file, a program or an address.
"""

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, Self, get_args

import platformdirs

from copilot.errors import UsageError

KvType = Literal["f16", "q8_0", "q4_0"]
"""Type of the KV cache; the smaller ones halve and quarter its memory and read more slowly."""

MAX_FILE_BYTES = 1 << 16
REPOSITORY_FILE = ".copilot.toml"
REPOSITORY_KEYS = frozenset({"context_tokens", "max_answer_tokens"})
POSITIVE = frozenset({"context_tokens", "max_answer_tokens"})
ENVIRONMENT_ONLY = frozenset({"COPILOT_CONFIG_DIR", "COPILOT_HOST"})
"""Variables that are read where they act, not settings."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a user can set; `COPILOT_<NAME>` in the environment, `<name>` in TOML."""

    model: str | None = None
    """A model's name or the path of a GGUF file; None = the best one installed."""
    completion_model: str | None = None
    """The same for completion, where a small model that knows fill-in-the-middle does best; None = the chat model."""
    context_tokens: int | None = None
    """Upper bound for prefix, turn and answer together; None = what the model and this machine's memory allow."""
    max_answer_tokens: int = 1024
    kv_type: KvType = "f16"
    threads: int = 0
    """0 = one per physical core."""
    gpu_layers: int = 0
    cache_quota_gib: float = 20.0
    """How much of the disk stored KV segments may take, over all models and repositories."""
    host_idle_minutes: float = 30.0
    """The engine's process leaves after so long without a request, and frees the model's memory; 0 = never."""
    host_stall_minutes: float = 15.0
    """It ends itself when a request gets no step further for so long; 0 = never."""
    cache_dir: Path = Path(platformdirs.user_cache_dir("copilot-offline"))
    models_dir: Path = Path(platformdirs.user_data_dir("copilot-offline")) / "models"

    @property
    def cache_quota_bytes(self) -> int:
        return int(self.cache_quota_gib * (1 << 30))

    @classmethod
    def load(cls, root: Path | None, environment: Mapping[str, str], flags: Mapping[str, object]) -> Self:
        """Merge all sources for a repository at `root`; UsageError names the source and the key that is wrong."""
        config_dir = environment.get("COPILOT_CONFIG_DIR") or platformdirs.user_config_dir("copilot-offline")
        settings = cls()
        settings = settings._with(_read(Path(config_dir) / "config.toml"), f"{config_dir}/config.toml")
        if root is not None:
            own = root / REPOSITORY_FILE
            if own.is_file() and not own.is_symlink():
                settings = settings._with(_read(own), REPOSITORY_FILE, REPOSITORY_KEYS)
        # Other programs have COPILOT_ variables too: an unknown one is an error only where it looks misspelt.
        types = [field.name for field in fields(cls)]
        variables = {
            name.removeprefix("COPILOT_").lower(): value
            for name, value in sorted(environment.items())
            if name.startswith("COPILOT_") and value and name not in ENVIRONMENT_ONLY
        }
        variables = {key: value for key, value in variables.items() if key in types or _near(key, types)}
        settings = settings._with(variables, "the environment (COPILOT_…)")
        return settings._with({key: value for key, value in flags.items() if value is not None}, "the command line")

    @classmethod
    def from_values(cls, values: Mapping[str, object]) -> Self:
        """Settings as `values` gave them, merged with nothing."""
        return cls()._with(values, "the caller")

    def values(self) -> dict[str, str | int | float]:
        """What is set, as JSON knows it; for another process."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: str(value) if isinstance(value, Path) else value for name, value in given.items() if value is not None
        }

    def _with(self, values: Mapping[str, object], source: str, allowed: frozenset[str] | None = None) -> Self:
        types = {field.name: field.type for field in fields(self)}
        known = sorted(allowed if allowed is not None else types)
        changes: dict[str, Any] = {}
        for key, value in values.items():
            if key not in known:
                near = _near(key, known)
                hint = f"did you mean {near}?" if near else f"it may hold: {', '.join(known)}"
                raise UsageError(f"{source} sets {key!r}, which is no setting there; {hint}")
            changes[key] = _converted(key, value, types[key], source)
        return replace(self, **changes)


def chosen_host(environment: Mapping[str, str]) -> Literal["on", "off"]:
    """Whether the engine runs in a process of its own (COPILOT_HOST)."""
    chosen = environment.get("COPILOT_HOST") or "on"
    if chosen == "off":
        return "off"
    if chosen == "on":
        return "on"
    raise UsageError(f"COPILOT_HOST is {chosen!r}; it takes on or off")


def _near(key: str, known: Sequence[str]) -> str:
    import difflib

    return next(iter(difflib.get_close_matches(key, known, 1, cutoff=0.75)), "")


def _converted(key: str, value: object, wanted: Any, source: str) -> object:
    """`value` as the field's type; text is parsed, so that variables work like TOML values."""
    options = get_args(wanted) or (wanted,)
    try:
        if int in options:
            number = int(str(value)) if not isinstance(value, bool) else None
            if number is None or number < (key in POSITIVE):
                raise ValueError
            return number
        if float in options:
            size = float(str(value))
            if not (math.isfinite(size) and size >= 0):
                raise ValueError
            return size
        if Path in options:
            return Path(str(value)).expanduser().absolute()
    except ValueError as exc:
        positive = "positive " if key in POSITIVE else ""
        raise UsageError(f"{source} sets {key} to {value!r}; it takes a {positive}number") from exc
    if not isinstance(value, str):
        raise UsageError(f"{source} sets {key} to {value!r}; it takes text in quotes")
    if wanted is KvType and value not in get_args(KvType):
        raise UsageError(f"{source} sets {key} to {value!r}; it takes one of {', '.join(get_args(KvType))}")
    return value


def _read(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise UsageError(f"{path} is longer than {MAX_FILE_BYTES:,} bytes; no settings are that long: remove it")
        return tomllib.loads(content.decode("utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as exc:
        raise UsageError(f"{path} cannot be read ({exc.strerror}); mend its rights or remove it") from exc
    except (ValueError, RecursionError) as exc:  # a number of thousands of digits is no TOMLDecodeError
        raise UsageError(f"{path} is not valid TOML: {exc}; mend it or remove it") from exc
