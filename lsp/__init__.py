"""The language server: translates between LSP and the use cases of copilot.tasks."""
