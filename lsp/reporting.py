"""How the server is, for status lines: `copilot/status` asked for and unasked, `didChangeStatus` for Copilot's clients.

Does not know: why it is so.
"""

from asyncio import TimerHandle, get_running_loop
from typing import Any

from lsp.completing import Completions
from lsp.state import State
from lsp.status import Status

STATUS, COPILOT_STATUS = "copilot/status", "didChangeStatus"


TOGETHER_S = 0.05
"""Changes that follow each other so closely are told as one."""


class Reporting:
    """Tells the client of the server's status."""

    def __init__(self, state: State, completions: Completions) -> None:
        self._state = state
        self._completions = completions
        self._told = Status()
        self._waiting: TimerHandle | None = None

    def changed(self) -> None:
        """The status is another one."""
        if self._waiting is None:
            self._waiting = get_running_loop().call_later(TOGETHER_S, self._tell)

    def _tell(self) -> None:
        self._waiting = None
        status, client = self._state.board.status, self._state.client
        if status == self._told:
            return
        self._told = status
        if client.is_copilot_client:
            brief = {"kind": status.kind, "message": status.message, "busy": status.busy}
            client.notify(COPILOT_STATUS, brief)
        elif self._state.settings.status_notifications:
            client.notify(STATUS, status.document())

    async def asked(self, params: object) -> dict[str, Any]:
        """`copilot/status`: the same, and what became of the suggestions so far."""
        return self._state.board.status.document() | {"completions": dict(sorted(self._completions.counts.items()))}
