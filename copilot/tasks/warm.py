"""Read the whole prefix of a repository once and keep it."""

from collections.abc import Generator
from dataclasses import dataclass

from copilot.engine.base import Cancel, Session
from copilot.events import Done, Notice, Progress
from copilot.tasks.prefix import Prefix
from copilot.tasks.speed import SpeedLog, duration


@dataclass(frozen=True, slots=True)
class Warmed:
    """What is kept now; `tokens` of `total` were reached (fewer after an interruption)."""

    tokens: int
    total: int
    reused_tokens: int
    evaluated_tokens: int
    prefill_ms: float
    segments: int
    size_bytes: int


WarmEvent = Progress | Notice | Warmed


def warm(prefix: Prefix, session: Session, speed: SpeedLog, cancel: Cancel) -> Generator[WarmEvent, None, None]:
    """Stream the progress of reading `prefix`; the last event is Warmed. What was read is kept however it ends."""
    if prefix.news:
        yield Notice(prefix.news)
    missing = session.state(prefix.tokens).missing
    seconds = speed.seconds_for(missing)
    if missing and seconds is not None:
        yield Notice(
            f"reading {missing:,} of {len(prefix.tokens):,} tokens, about {duration(seconds)} "
            f"at {speed.tokens_per_s:.0f} tokens/s; Ctrl-C keeps what was read"
        )
    for event in session.read(prefix.tokens, cancel):
        if isinstance(event, Progress):
            yield event
        if isinstance(event, Done):
            speed.record(event.usage)
            if event.reason != "cancelled":
                prefix.keep()
            usage, stored = event.usage, session.stored(prefix.tokens)
            kept = session.state(prefix.tokens).stored
            if kept < usage.prompt_tokens:
                yield Notice(
                    f"only {kept:,} of {usage.prompt_tokens:,} tokens are on disk: it is full, not writable, or "
                    "cache_quota_gib is too small",
                    "warning",
                )
            yield Warmed(
                usage.prompt_tokens,
                len(prefix.tokens),
                usage.reused_tokens,
                usage.evaluated_tokens,
                round(usage.prefill_ms, 1),
                stored.segments,
                stored.size_bytes,
            )
