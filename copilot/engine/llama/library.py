"""The llama.cpp library itself: loading it, its log, its build.

The only place where llama_cpp is imported, and only its C API. Knows no model and no context.
"""

import ctypes
import os
from collections import deque

# libgomp reads this once, when it is loaded: how long threads spin at a barrier before they sleep. Its own hundreds of
# thousands collapse when another process is busy; none at all costs a fifth of the speed when none is (docs/engine.md).
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

from llama_cpp import llama_cpp as c

__all__ = ["build_id", "c", "can_offload", "forget_log", "last_log", "start", "system_info"]

LOG_WARN_AND_ERROR = (3, 4)
"""ggml_log_level values, which the binding does not name."""

_log: deque[str] = deque(maxlen=50)


@c.llama_log_callback  # type: ignore[untyped-decorator]
def _keep_log(level: int, text: bytes, _user: object) -> None:
    if level in LOG_WARN_AND_ERROR:
        _log.append(text.decode("utf-8", "replace").strip())


def start() -> None:
    """Make the library ready, its log kept here instead of on stderr; may be called again."""
    c.llama_log_set(_keep_log, ctypes.c_void_p())
    c.llama_backend_init()


def forget_log() -> None:
    _log.clear()


def last_log() -> str:
    """The last line that llama.cpp complained with."""
    return next((line for line in reversed(_log) if line), "no reason given")


def build_id() -> str:
    """Names the llama.cpp build, as far as it matters for stored KV rows."""
    from importlib.metadata import version

    return f"llama-cpp-python {version('llama-cpp-python')}"


def can_offload() -> bool:
    """Whether llama.cpp was built to use a graphics processor."""
    return bool(c.llama_supports_gpu_offload())


def system_info() -> str:
    """The instruction sets llama.cpp was built with, in its own words."""
    return str(c.llama_print_system_info().decode("utf-8", "replace"))
