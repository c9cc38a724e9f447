"""What the scenarios ask of an editor: a user's hands and eyes. Does not know: any editor, what is to be seen."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

from tests.e2e.workplace import Workplace

Key = Literal["tab", "word", "line", "dismiss", "undo", "left", "backspace"]
"""Keys by what they do: `word` and `line` accept so much of a suggestion."""
VIM_KEYS: dict[Key, str] = {
    "tab": "<Tab>", "word": "<M-Right>", "line": "<M-C-Right>", "dismiss": "<C-]>", "undo": "<Esc>u",
    "left": "<Left>", "backspace": "<BS>",
}  # fmt: skip
"""As Vim and Neovim write them."""


class Editor(Protocol):
    """One running editor of a workplace. Lines count from 1."""

    name: ClassVar[str]
    """Of its folder under editors/."""
    keys: ClassVar[dict[Key, str]]
    """As `type` takes them."""
    size_option: ClassVar[str]
    """What the plugin calls the size of the largest file it looks after."""
    workplace: Workplace

    def __init__(self, workplace: Workplace, setup: str, file: Path) -> None:
        """Start it on a file, with `setup` in the user's configuration, and wait until it listens."""

    @staticmethod
    def missing() -> str:
        """Why it cannot be tested here, "" if it can."""

    @staticmethod
    def program_setup(*command: str) -> str:
        """The configuration that names the language server."""

    def ready(self) -> None:
        """Wait until the server looks after the file."""

    def reset(self) -> None:
        """One window on the code as it is on the disk."""

    def quit(self) -> None:
        """End it and its servers."""

    # -- hands

    def type(self, text: str) -> None:
        """Type text, or one of `keys`."""

    def to_line(self, number: int) -> None:
        """Be about to type at the end of a line; 0 is a new one behind the last."""

    def open(self, path: Path) -> None:
        """Show another file."""

    def save_as(self, path: Path) -> None:
        """Write the file that is shown to another one, and go on with that."""

    def review(self) -> None:
        """Ask for a review."""

    def fix(self, line: int) -> None:
        """Apply the fix of the finding in a line."""

    def ask(self, question: str, lines: tuple[int, int] | None = None) -> None:
        """Ask, about some lines where they are given."""

    def chat(self, message: str) -> None:
        """Say something in the conversation."""

    def cancel(self) -> None:
        """Stop the answer that is being given."""

    def explain(self, lines: tuple[int, int]) -> None:
        """Have some lines explained."""

    def follow_citation(self, text: str) -> None:
        """Go from the first citation in the answer that begins with a text to its place."""

    def show_status(self) -> None:
        """Ask how the copilot is."""

    def show_log(self) -> None:
        """Ask for what the server wrote."""

    def begin_conversations(self, count: int) -> None:
        """Have other conversations begun on the same server."""

    # -- eyes

    def ghost(self) -> str:
        """The suggestion that is shown, "" without one."""

    def lines(self) -> list[str]:
        """The text of the file that is shown."""

    def place(self) -> tuple[str, int]:
        """The file that is shown, and the line of the cursor."""

    def findings(self) -> list[int]:
        """The lines with findings in the file that is shown."""

    def reviewed(self) -> list[tuple[int, str]]:
        """Lines and words of what the review found."""

    def answer(self) -> str:
        """What the window for answers shows."""

    def shown(self) -> str:
        """Everything that is shown in windows and below them."""

    def notices(self) -> list[str]:
        """The messages of the plugin, and errors, since the start."""

    def is_attached(self) -> bool:
        """Whether the server looks after the file that is shown."""

    def press(self, *keys: Key) -> None:
        for key in keys:
            self.type(self.keys[key])

    def until(self, look: Callable[[], Any], what: str = "") -> Any:
        """What `look` returns once that is something."""
        try:
            return self.workplace.until(look, what)
        except AssertionError as error:
            raise AssertionError(f"{error}; notices: {self.notices()}; {self.lines()[-4:]}") from None
