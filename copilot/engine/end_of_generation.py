"""Which tokens end an answer: the rule of llama.cpp (src/llama-vocab.cpp, `special_eog_ids`), by text and key.

Knows only texts and ids.
"""

from collections.abc import Mapping

from copilot.engine.gguf_keys import Keys

END_TEXTS = frozenset(
    {
        *("<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|flush|>", "<|calls|>", "<end_of_turn>"),
        *("<|endoftext|>", "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]", "<|end_of_text|>"),
        *("<end_of_utterance>", "<eos>", "<turn|>", "<|tool_response>", "<｜end▁of▁sentence｜>", "[e~["),
    }
)
"""Texts whose tokens llama.cpp makes control tokens that end the generation, whatever type the file gives them."""

# Tokens between files: a completion that reaches one is over.
_BETWEEN_FILES = {
    "fim_pad": ("<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"),
    "fim_rep": ("<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"),
    "fim_sep": ("<|file_sep|>",),
}


def end_ids(keys: Keys, ends: Mapping[str, int]) -> frozenset[int]:
    """Return the ids that end a generation, given the ids of the `END_TEXTS` that the vocabulary has."""
    texts = dict(ends)
    harmony = "<|return|>" in texts and "<|call|>" in texts
    if harmony or ("<|flush|>" in texts and {"<|call|>", "<|calls|>"} & texts.keys()):
        texts.pop("<|end|>", None)
    named = [keys.token(role) for role in ("eos", "eot", "eom")]
    special = keys.special_tokens()
    for role, candidates in _BETWEEN_FILES.items():
        found = (special[text] for text in candidates if text in special)
        named.append(keys.token(role, next(found, None)))
    if "<|tool_response>" not in texts and "</s>" in special:
        named.append(special["</s>"])
    return frozenset(texts.values()) | {index for index in named if index is not None}
