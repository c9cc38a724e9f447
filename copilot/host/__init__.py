"""The engine's own process, its local socket, and the client for it."""
