"""Chat formats: how turns are written for each model family, control tokens kept apart from text.

Pure functions of values. A part is either text, which is never control, or a Control, which is never text.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from jinja2 import TemplateError

from copilot.prompts.template import render


@dataclass(frozen=True, slots=True)
class Control:
    """One control token of the model's vocabulary, by its exact text."""

    literal: str


Part = str | Control


class ChatFormat(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def thought(self) -> tuple[Control, Control] | None:
        """What opens and closes a thought in the model's output."""

    def system(self, text: str) -> tuple[Part, ...]:
        """The beginning of the conversation: what every request shares."""

    def user(self, text: str, *, think: bool = False) -> tuple[Part, ...]:
        """A question, and the opening of the model's turn after it."""

    def exchange(self, text: str, answer: str) -> tuple[Part, ...]:
        """An earlier question with the answer it got, without thoughts."""


@dataclass(frozen=True, slots=True)
class ChatML:
    """Qwen's format: <|im_start|>role … <|im_end|>."""

    name: str = "chatml"
    thought: tuple[Control, Control] | None = None

    def system(self, text: str) -> tuple[Part, ...]:
        return (Control("<|im_start|>"), f"system\n{text}", Control("<|im_end|>"), "\n")

    def user(self, text: str, *, think: bool = False) -> tuple[Part, ...]:
        end, start = Control("<|im_end|>"), Control("<|im_start|>")
        return (start, f"user\n{text}", end, "\n", start, "assistant\n")

    def exchange(self, text: str, answer: str) -> tuple[Part, ...]:
        return (*self.user(text), answer, Control("<|im_end|>"), "\n")


@dataclass(frozen=True, slots=True)
class Gemma4:
    """Gemma 4's format: <|turn>role … <turn|>, thoughts in a channel of the model's turn.

    The model card's switch <|think|> stands before the system text and would make two prefixes of one repository;
    thinking is asked for by opening the thought channel instead, so that both share the prefix.
    """

    empty_thought: bool
    """Without thinking, the template of the larger tiers closes an empty thought at once; E2B and E4B do not."""
    name: str = "gemma4"
    thought: tuple[Control, Control] | None = (Control("<|channel>"), Control("<channel|>"))

    def system(self, text: str) -> tuple[Part, ...]:
        return (Control("<bos>"), Control("<|turn>"), f"system\n{text}", Control("<turn|>"), "\n")

    def user(self, text: str, *, think: bool = False) -> tuple[Part, ...]:
        start, end = Control("<|turn>"), Control("<turn|>")
        opened = (start, f"user\n{text}", end, "\n", start, "model\n")
        if think:
            return (*opened, Control("<|channel>"), "thought\n")
        if self.empty_thought:
            return (*opened, Control("<|channel>"), "thought\n", Control("<channel|>"))
        return opened

    def exchange(self, text: str, answer: str) -> tuple[Part, ...]:
        start, end = Control("<|turn>"), Control("<turn|>")
        return (start, f"user\n{text}", end, "\n", start, f"model\n{answer}", end, "\n")


CHAT_FORMATS: tuple[ChatFormat, ...] = (ChatML(), Gemma4(empty_thought=True), Gemma4(empty_thought=False))


def literal(parts: tuple[Part, ...]) -> str:
    """The parts as one string, for comparison with a template's output."""
    return "".join(part.literal if isinstance(part, Control) else part for part in parts)


def choose_format(has_control: Callable[[str], bool], template: str | None) -> tuple[ChatFormat, bool] | None:
    """The format of a model and whether its own template says the same; None if no format fits its vocabulary."""
    fitting = [chat for chat in CHAT_FORMATS if all(has_control(part.literal) for part in _controls(chat))]
    if not fitting:
        return None
    probe = _render(template) if template else None
    agreeing = [chat for chat in fitting if literal((*chat.system("S s"), *chat.user("U u"))) == probe]
    return (agreeing or fitting)[0], bool(agreeing)


def _controls(chat: ChatFormat) -> list[Control]:
    return [part for part in (*chat.system(""), *chat.user("", think=True)) if isinstance(part, Control)]


def _render(template: str) -> str | None:
    """What the model's own Jinja template makes of the probe; None if it fails. Templates are untrusted."""
    messages = [{"role": "system", "content": "S s"}, {"role": "user", "content": "U u"}]
    special = {"bos_token": "<bos>", "eos_token": "<eos>"}
    asked = {"messages": messages, "add_generation_prompt": True, "enable_thinking": False, **special}
    try:
        return render(template, asked)
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RecursionError):
        return None
