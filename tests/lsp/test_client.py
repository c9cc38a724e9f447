"""What is said to the user is said once, unless it is asked for each time."""

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from lsp.client import Client


class Shown(LanguageServer):
    """Notes the messages instead of sending them."""

    def __init__(self) -> None:
        super().__init__("shown", "1")
        self.messages: list[str] = []

    def window_show_message(self, params: types.ShowMessageParams) -> None:
        self.messages.append(params.message)


def test_only_what_is_said_once_is_remembered() -> None:
    """An answer is shown whenever it is given, and kept by nobody: it does not count as said."""
    server = Shown()
    client = Client(server)
    for _ in range(2):
        client.say("an answer", once=False)
    for _ in range(2):
        client.say("an answer")
    assert server.messages == ["an answer"] * 3
