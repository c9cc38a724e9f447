"""How the server is, for status lines: `copilot/status` asked for and unasked, `didChangeStatus` for Copilot's clients.

Does not know: why it is so.
"""

from typing import Any

from lsp.completing import Completions
from lsp.state import State
from lsp.status import Status

STATUS, COPILOT_STATUS = "copilot/status", "didChangeStatus"


class Reporting:
    """Tells the client of the server's status."""

    def __init__(self, state: State, completions: Completions) -> None:
        self._state = state
        self._completions = completions

    def send(self, status: Status) -> None:
        """The status changed."""
        client = self._state.client
        if client.is_copilot_client:
            brief = {"kind": status.kind, "message": status.message, "busy": status.busy}
            client.notify(COPILOT_STATUS, brief)
        elif self._state.settings.status_notifications:
            client.notify(STATUS, status.document())

    async def asked(self, params: object) -> dict[str, Any]:
        """`copilot/status`: the same, and what became of the suggestions so far."""
        return self._state.board.status.document() | {"completions": dict(sorted(self._completions.counts.items()))}
