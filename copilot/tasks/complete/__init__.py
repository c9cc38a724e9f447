"""What could stand at a place of a document, asked at every keystroke: see docs/completion.md."""

from copilot.tasks.complete.completer import Completer, Context, Cursor, Suggestion

__all__ = ["Completer", "Context", "Cursor", "Suggestion"]
