"""What clients written for GitHub's language server say besides LSP, so that they work with this one unchanged.

There is nobody to sign in to; nothing is sent anywhere. Does not know: completion.
"""

from typing import Any

from lsprotocol import types

from lsp.completing import Completions
from lsp.requests import Given
from lsp.state import State

USER = "local"


class CopilotClient:
    """Answers the custom messages of that protocol."""

    def __init__(self, state: State, completions: Completions) -> None:
        self._state = state
        self._completions = completions

    async def sign_in(self, params: object) -> dict[str, Any]:
        """`signIn`, `signInInitiate`, `signInConfirm`: always done already."""
        return {"status": "AlreadySignedIn", "user": USER}

    async def sign_out(self, params: object) -> dict[str, Any]:
        """`signOut`: there is nothing to forget, and the next sign-in succeeds."""
        return {"status": "NotSignedIn"}

    async def check_status(self, params: object) -> dict[str, Any]:
        """`checkStatus`."""
        return {"status": "OK", "user": USER}

    async def version(self, params: object) -> dict[str, Any]:
        """`getVersion`."""
        from copilot import __version__

        return {"version": __version__}

    async def set_editor(self, params: object) -> str:
        """`setEditorInfo`: an older way to say what `initializationOptions` says."""
        self._state.client.is_copilot_client = True
        return "OK"

    async def accept(self, *arguments: object) -> None:
        """The command of a suggestion that was taken; its argument is the number that it was given."""
        number = arguments[0] if arguments else None
        self._completions.accepted(number if isinstance(number, int) else None)

    def shown(self, params: object) -> None:
        """`textDocument/didShowCompletion`: what is offered counts as shown already."""
        self._completions.counts["shown"] += 1

    def accepted_partly(self, params: object) -> None:
        """`textDocument/didPartiallyAcceptCompletion`: `acceptedLength` counts UTF-16 units from the start."""
        if Given(params).number("acceptedLength"):
            self._completions.counts["accepted-partly"] += 1

    def focused(self, params: object) -> None:
        """`textDocument/didFocus`: which document the user looks at; nothing depends on it."""

    async def panel(self, params: object) -> dict[str, Any]:
        """`textDocument/copilotPanelCompletion`: several suggestions to choose from; there is one at most."""
        given = Given(params)
        place = given.inner("position")
        position = types.Position(place.number("line") or 0, place.number("character") or 0)
        context = types.InlineCompletionContext(types.InlineCompletionTriggerKind.Invoked)
        document = types.TextDocumentIdentifier(given.uri or "")
        found = await self._completions.inline(types.InlineCompletionParams(context, document, position))
        return {"items": list(found.items) if found is not None else []}

    async def no_edits(self, params: object) -> dict[str, Any]:
        """`textDocument/copilotInlineEdit`: edits elsewhere are not offered."""
        return {"edits": []}
