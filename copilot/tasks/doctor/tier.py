"""The check of the tier: what this machine could run best, the sum, and what the next better choice would take."""

from copilot.config import Settings
from copilot.engine.machine import Machine
from copilot.models import Catalogue
from copilot.tasks.calibration import Calibration
from copilot.tasks.doctor.check import GIB, Check
from copilot.tasks.tiers import Advice, Tier, Wish, advise, contenders


def tier(machine: Machine, catalogue: Catalogue, calibration: Calibration | None, settings: Settings) -> Check:
    """The pair of models for this machine; where the settings name published ones, the best around those."""
    rates = calibration.rates if calibration else None
    known = {model.name for model in catalogue.models}
    named = (settings.model, settings.completion_model)
    wish = Wish(*(name if name in known else None for name in named))
    wished = advise(machine, contenders(catalogue), rates, wish)
    free = wished if wish == Wish() else advise(machine, contenders(catalogue), rates)
    if wished.tier is None and free.tier is None:
        return Check("tier", "problem", "no published model fits the memory of this machine", free.better)
    if wished.tier is None:
        assert free.tier is not None
        found = f"{settings.model} does not fit the memory of this machine"
        return Check("tier", "problem", found, f"set model to {free.tier.chat.model.name}: {free.tier.arithmetic}")
    return Check("tier", "ok", shown(wished.tier), _next(wished, free))


def shown(tier: Tier) -> str:
    """The tier in one line: the models, the sum, the speed, the settings."""
    now = (
        ""
        if tier.total_bytes <= tier.machine.available_bytes
        else (f"; only {tier.machine.available_bytes / GIB:.1f} GiB are free now")
    )
    told = "measured here" if tier.measured else "estimated"
    chosen = ", ".join(f"{name} = {value}" for name, value in tier.settings.items())
    return f"{tier.arithmetic}{now}; the chat model {tier.speed} ({told}); settings: {chosen}"


def _next(wished: Advice, free: Advice) -> str:
    if wished.tier and free.tier and wished.tier.chat.model != free.tier.chat.model:
        return f"the best for this machine would be {free.tier.chat.model.name}"
    return wished.better
