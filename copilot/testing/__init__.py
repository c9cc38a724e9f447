"""Fakes and tiny models for tests of this package and of programs built on it."""

from copilot.testing.make_repo import make_repo, run_git
from copilot.testing.scripted import ScriptedSession
from copilot.testing.tiny_gguf import Shape, write_tiny_model

__all__ = ["ScriptedSession", "Shape", "make_repo", "run_git", "write_tiny_model"]
