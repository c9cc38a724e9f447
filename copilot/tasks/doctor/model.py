"""Checks of the chosen models: the chat template, who completes, memory for the context, measured speed."""

from hashlib import sha256

from copilot.config import Settings
from copilot.engine.memory import RESERVED_BYTES, available_bytes, largest_context, plan_memory, plannable_bytes
from copilot.errors import CopilotError
from copilot.models import Catalogue, Store, resolve
from copilot.tasks.calibration import Calibration
from copilot.tasks.doctor.check import GIB, Check
from copilot.tasks.model import ChatModel
from copilot.tasks.speed import SpeedLog, duration


def template(model: ChatModel) -> Check:
    own = sha256((model.card.chat_template or "").encode()).hexdigest()[:12]
    if model.template_agrees:
        return Check("chat template", "ok", f"{model.chat.name}, the same as the model's own ({own})")
    cure = "answers may be worse than the model can give; fetch a newer version of the model file"
    return Check("chat template", "warning", f"the model's own ({own}) differs from {model.chat.name}", cure)


def completion(model: ChatModel, store: Store, catalogue: Catalogue, named: str | None) -> Check:
    """Who completes: the model set for it, else the chat model if it knows fill-in-the-middle."""
    if named is not None:
        try:
            found = resolve(named, store, catalogue, "completion")
        except CopilotError as error:
            return Check("completion", "problem", f"{named} cannot be used", str(error))
        return Check("completion", "ok", f"{found.name} at {found.path}")
    if model.card.fim is not None:
        return Check("completion", "ok", f"{model.card.name}, by its fill-in-the-middle tokens")
    cure = "`copilot models pull qwen2.5-coder-1.5b` and set completion_model to it: completes better and faster"
    return Check("completion", "ok", f"{model.card.name} has no fill-in-the-middle tokens; it is asked instead", cure)


def memory(model: ChatModel, settings: Settings) -> Check:
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


def speed(model: ChatModel, log: SpeedLog, calibration: Calibration | None) -> Check:
    """What was measured: by the questions asked so far, or on purpose."""
    measured = log.tokens_per_s
    apart = f"; measured with {calibration.model}: {calibration.speed}" if calibration else ""
    if measured is None:
        cure = "" if calibration else "`copilot doctor --measure` takes about ten seconds"
        return Check("speed", "ok", f"no question has measured it yet{apart}", cure)
    full = duration(model.n_ctx / measured)
    return Check("speed", "ok", f"reads {measured:.0f} tokens/s: {full} for a full context{apart}")
