"""The model that completes: how it is told where the gap is. No weights."""

from collections.abc import Sequence
from dataclasses import dataclass

from copilot.engine.gguf import FimTokens, ModelCard
from copilot.engine.tokenizer import Tokenizer
from copilot.prompts.chat import ChatFormat, Control, Part, choose_format
from copilot.prompts.complete import FimFormat


@dataclass(frozen=True, slots=True)
class CompletionModel:
    """Either `fim` or `chat` is how a gap is shown to it; with neither it cannot complete."""

    card: ModelCard
    tokenizer: Tokenizer
    n_ctx: int
    """The context to work with, in tokens."""
    fim: FimFormat | None
    chat: ChatFormat | None

    @classmethod
    def from_card(cls, card: ModelCard, tokenizer: Tokenizer, n_ctx: int) -> "CompletionModel":
        fim = fim_format(card.fim, tokenizer) if card.fim is not None else None
        chosen = choose_format(tokenizer.has_control, card.chat_template)
        return cls(card, tokenizer, n_ctx, fim, chosen[0] if chosen else None)

    def encode(self, parts: Sequence[Part]) -> list[int]:
        """Token ids of a rendered prompt; text never becomes a control token."""
        ids: list[int] = []
        for part in parts:
            ids += [self.tokenizer.control(part.literal)] if isinstance(part, Control) else self.tokenizer.encode(part)
        return ids


def fim_format(ids: FimTokens, tokenizer: Tokenizer) -> FimFormat | None:
    """The model's markers by their texts; None unless each of the three is exactly one control token."""
    prefix, suffix, middle = (_control(index, tokenizer) for index in (ids.prefix, ids.suffix, ids.middle))
    if prefix is None or suffix is None or middle is None:
        return None
    return FimFormat(prefix, suffix, middle, _control(ids.repository, tokenizer), _control(ids.file, tokenizer))


def _control(index: int | None, tokenizer: Tokenizer) -> Control | None:
    if index is None or not 0 <= index < tokenizer.n_vocab:
        return None
    text = tokenizer.piece(index).decode("utf-8", "replace")
    return Control(text) if tokenizer.has_control(text) and tokenizer.control(text) == index else None
