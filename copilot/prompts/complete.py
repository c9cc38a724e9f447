"""The text around a cursor as a model reads it: fill-in-the-middle where it has tokens for that, else a question.

Pure functions of values. Text from a repository is always text, never a control token.
"""

from dataclasses import dataclass

from copilot.prompts.chat import ChatFormat, Control, Part
from copilot.prompts.fences import fence_of

MARKER = "<CURSOR>"
"""Stands where the missing text belongs, in a question about it."""
FENCE = "```"


@dataclass(frozen=True, slots=True)
class Snippet:
    """Part of another file that helps to write this one."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What stands around the gap to fill."""

    repository: str
    """Its name."""
    path: str
    before: str
    after: str
    snippets: tuple[Snippet, ...] = ()
    """The least important one first."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A prompt in the order a model reads it: the text before, a marker, the text after, what opens the answer."""

    before: tuple[Part, ...]
    hole: tuple[Part, ...]
    after: tuple[Part, ...]
    gap: tuple[Part, ...]
    stop: tuple[str, ...] = ()
    """Texts that end the answer."""


@dataclass(frozen=True, slots=True)
class FimFormat:
    """Prefix, suffix, middle, in this order; files apart where the model has tokens for that.

    The order and the tokens are those of Qwen2.5-Coder's repository-level completion; StarCoder and Granite agree.
    """

    prefix: Control
    suffix: Control
    middle: Control
    repository: Control | None = None
    file: Control | None = None

    def gap(self, around: Surroundings) -> Gap:
        return Gap(self._before(around), (self.suffix,), (around.after,), (self.middle,))

    def _before(self, around: Surroundings) -> tuple[Part, ...]:
        if self.file is None:
            shown = "".join(f"# {snippet.path}\n{snippet.text}\n" for snippet in around.snippets)
            return (self.prefix, shown + around.before)
        parts: list[Part] = []
        if self.repository is not None:
            parts += [self.repository, f"{around.repository}\n"]
        for snippet in around.snippets:
            parts += [self.file, f"{snippet.path}\n{snippet.text}\n"]
        return (*parts, self.file, f"{around.path}\n", self.prefix, around.before)


INSTRUCTION = (
    f"Complete the code at {MARKER}. Answer with the text that belongs in its place and nothing else: "
    "no explanation, nothing that stands before or after it."
)


def asked_gap(chat: ChatFormat, around: Surroundings) -> Gap:
    """The gap as a question, for models without tokens for it.

    The answer is begun: a fence and the cursor's line as far as it is written.
    """
    fence = fence_of(around.before, around.after, *(snippet.text for snippet in around.snippets))
    shown = "".join(f"`{snippet.path}`\n{fence}\n{snippet.text}\n{fence}\n\n" for snippet in around.snippets)
    system = chat.system("You complete code.")
    opened, *closed = _split(chat)
    line_start = around.before[around.before.rfind("\n") + 1 :]
    question = f"\n{fence}\n\n{INSTRUCTION}"
    return Gap(
        (*system, *opened, f"{shown}`{around.path}`\n{fence}\n{around.before}"),
        (MARKER,),
        (around.after,),
        (question, *closed[0], f"{fence}\n{line_start}"),
        (f"\n{FENCE}",),
    )


def _split(chat: ChatFormat) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """What a chat format writes before a question and after it."""
    parts = chat.user(MARKER)
    at = next(number for number, part in enumerate(parts) if isinstance(part, str) and MARKER in part)
    text = parts[at]
    assert isinstance(text, str)
    opened, _, closed = text.partition(MARKER)
    return (*parts[:at], opened), ((closed,) if closed else ()) + parts[at + 1 :]
