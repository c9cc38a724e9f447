"""The offline coding copilot: a repository read once, its KV cache kept, every answer from it."""

__version__ = "0.1.0"
