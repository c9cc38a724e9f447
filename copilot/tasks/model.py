"""The chat model of a task: its card, its exact tokenizer and the way its turns are written. No weights."""

from collections.abc import Sequence
from dataclasses import dataclass

from copilot.engine.gguf import ModelCard
from copilot.engine.tokenizer import Tokenizer
from copilot.errors import ModelFileError
from copilot.prompts.chat import ChatFormat, Control, Part, choose_format


@dataclass(frozen=True, slots=True)
class ChatModel:
    card: ModelCard
    tokenizer: Tokenizer
    chat: ChatFormat
    template_agrees: bool
    """The chat template inside the model file renders a probe exactly as `chat` does."""
    n_ctx: int
    """The context to work with, in tokens: what the model, the settings and the memory allow."""

    @classmethod
    def from_card(cls, card: ModelCard, tokenizer: Tokenizer, n_ctx: int) -> "ChatModel":
        """Raises ModelFileError where no known chat format fits the vocabulary."""
        chosen = choose_format(tokenizer.has_control, card.chat_template)
        if chosen is None:
            raise ModelFileError(
                f"{card.name} has no chat format known here (ChatML, Gemma 4); choose another model with --model"
            )
        return cls(card, tokenizer, *chosen, n_ctx)

    def encode(self, parts: Sequence[Part]) -> list[int]:
        """Token ids of a rendered prompt; text never becomes a control token."""
        ids: list[int] = []
        for part in parts:
            if isinstance(part, Control):
                ids.append(self.tokenizer.control(part.literal))
            else:
                ids.extend(self.tokenizer.encode(part))
        return ids

    @property
    def thought_ids(self) -> tuple[int, int] | None:
        """The token ids around a thought in the output."""
        if self.chat.thought is None:
            return None
        opened, closed = self.chat.thought
        return self.tokenizer.control(opened.literal), self.tokenizer.control(closed.literal)
