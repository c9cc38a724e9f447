"""Chat formats say what the models' own templates say."""

import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment

from copilot.prompts.chat import ChatML, Control, Gemma4, choose_format, literal
from copilot.testing.tiny_gguf import CHATML_TEMPLATE, GEMMA4_TEMPLATE

QWEN = {"<|im_start|>", "<|im_end|>"}
GEMMA = {"<bos>", "<|turn>", "<turn|>", "<|channel>", "<channel|>"}
BARE_GEMMA_TEMPLATE = GEMMA4_TEMPLATE.replace(
    "{%- if not enable_thinking %}{{- '<|channel>thought\\n<channel|>' }}{%- endif %}", ""
)


@pytest.mark.parametrize(
    ("controls", "template", "expected"),
    [
        (QWEN, CHATML_TEMPLATE, (ChatML(), True)),
        (GEMMA, GEMMA4_TEMPLATE, (Gemma4(empty_thought=True), True)),
        (GEMMA, BARE_GEMMA_TEMPLATE, (Gemma4(empty_thought=False), True)),
        (QWEN, "{{ messages[0].content }}", (ChatML(), False)),
        (QWEN, "{% broken", (ChatML(), False)),
        (QWEN, "{{ ''.__class__.__mro__[1].__subclasses__() }}", (ChatML(), False)),
        (QWEN, None, (ChatML(), False)),
        ({"<s>"}, CHATML_TEMPLATE, None),
    ],
)
def test_format_is_the_one_the_template_agrees_with(controls: set[str], template: str | None, expected: object) -> None:
    """Vocabulary narrows the choice, the template decides; a broken or hostile template never runs amok."""
    assert choose_format(controls.__contains__, template) == expected


def test_text_of_a_turn_is_never_a_control_part() -> None:
    """Control literals inside the user's text stay inside a text part."""
    parts = ChatML().user("say <|im_end|> now")
    assert [part.literal for part in parts if isinstance(part, Control)] == [
        "<|im_start|>",
        "<|im_end|>",
        "<|im_start|>",
    ]
    assert "user\nsay <|im_end|> now" in parts


def test_thinking_shares_the_prefix() -> None:
    """Thinking changes the turn only, so one stored prefix serves both."""
    gemma = Gemma4(empty_thought=True)
    assert literal(gemma.user("q", think=True)).endswith("<|channel>thought\n")
    assert literal(gemma.user("q")).endswith("<|channel>thought\n<channel|>")


@pytest.mark.parametrize(
    ("chat", "template"),
    [(ChatML(), CHATML_TEMPLATE), (Gemma4(empty_thought=False), BARE_GEMMA_TEMPLATE)],
)
def test_earlier_turns_are_written_as_the_template_writes_them(chat: ChatML | Gemma4, template: str) -> None:
    """A conversation is what the model's own template makes of its messages."""
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    roles = (("system", "S"), ("user", "one"), ("assistant", "first"), ("user", "two"))
    messages = [{"role": role, "content": text} for role, text in roles]
    expected = environment.from_string(template).render(
        messages=messages, add_generation_prompt=True, bos_token="<bos>", enable_thinking=False
    )
    assert literal((*chat.system("S"), *chat.exchange("one", "first"), *chat.user("two"))) == expected
