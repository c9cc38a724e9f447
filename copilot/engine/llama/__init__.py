"""llama.cpp behind the Engine port: the only package that imports llama_cpp.

It knows no text, no prompts and no requests; the rules it keeps are in docs/engine.md.
"""

from copilot.engine.llama.context import LlamaEngine
from copilot.engine.llama.library import build_id, can_offload, system_info
from copilot.engine.llama.params import EngineParams, fingerprint

__all__ = ["EngineParams", "LlamaEngine", "build_id", "can_offload", "fingerprint", "system_info"]
