"""The words in which a model is asked about a change. Pure functions of values.

Everything that comes from a diff stands between fences it cannot close, and lines that speak to the reviewer are left
out; what a model answers to is always the question after it. Does not know: models, what the answers are used for.
"""

import re
from collections.abc import Sequence

from copilot.prompts.fences import fenced

SYSTEM = "You are a careful code reviewer."
GAP = "<GAP>"
NOTHING = "(nothing)"
WITHHELD = "[a line that speaks to the reviewer was left out]"

_SPEAKS = re.compile(
    r"\b(?:ignore|disregard|forget)\b.{0,40}\b(?:above|previous|prior|earlier|instructions?|prompts?|rules?|checks?)\b"
    r"|\b(?:report|find|say|answer|reply|output)\b.{0,20}\b(?:nothing|no (?:bugs?|findings?|issues?|problems?))\b"
    r"|\b(?:dear|note to|attention|hey),? (?:the )?(?:reviewers?|model|assistant|ai|llm)\b|<\|?/?im_(?:start|end)"
    r"|\byou are (?:now )?(?:a|an|the)\b.{0,30}\b(?:reviewer|assistant|model|ai)\b|^\W*(?:system|assistant) ?:",
    re.I,
)  # fmt: skip


def shown(lines: Sequence[str]) -> str:
    """Lines as material: what speaks to the reviewer is withheld, however it is dressed."""
    return "\n".join(WITHHELD if _SPEAKS.search(line) else line for line in lines)


def gap(path: str, head: Sequence[str], tail: Sequence[str]) -> str:
    """A part of a file with a gap where the change was made."""
    return f"A part of {path}:\n{fenced(shown([*head, GAP, *tail]))}\n"


def choice(first: Sequence[str], second: Sequence[str]) -> str:
    """Which of two texts belongs into the gap; asked after `gap`, its answer begins with `CHOSEN`."""
    return (
        f"A:\n{fenced(shown(first) or NOTHING)}\nB:\n{fenced(shown(second) or NOTHING)}\n"
        f"One of the two was written for {GAP} by mistake. Which one is correct?"
    )


CHOSEN = "The one that is correct is"
LETTERS = (" A", " B")


def chosen(lines: Sequence[str]) -> str:
    """The answer that repeats one of the texts."""
    return f":\n{fenced(shown(lines) or NOTHING)}"


def change(path: str, diff: Sequence[str]) -> str:
    """A diff of one file."""
    return f"A change of {path}:\n{fenced(shown(diff), 'diff')}\n"


PLAIN = "Does this change introduce a bug? Answer Yes or No."
"""Asked after `change`. Small models say yes to the fix rather than to the bug; its use is in how that turns round."""
SUBJECT = "Write the subject line of this commit."
"""Asked after `change`."""
TAKEN_BACK = "Revert"
MENDED = "Fix"
"""What the subject lines of commits that go back, or that mend something, begin with."""


def explain(line: str, surroundings: Sequence[str]) -> str:
    """Asks what is wrong with a change at one line; to be said in one sentence."""
    around = f"The place of the change:\n{fenced(shown(surroundings))}\n" if surroundings else ""
    return (
        f"{around}This change introduced a bug at the line `{shown([line.strip()])}`. In one short sentence, "
        "say what goes wrong when this code runs now. Answer as JSON with the key problem."
    )


def example(name: str, instruction: str, path: str, *, breaks: bool) -> str:
    """Asks for a change that breaks a rule of the project, or one that keeps it; the answer begins with `EXAMPLE`."""
    how = "breaks this rule, as a bad example" if breaks else "follows this rule, as a good example"
    return (
        f"The project has this rule, named {name}:\n{fenced(instruction.strip())}\n"
        f"Show a change of {path} in which the added lines (those with a +) touch what the rule is about, and which "
        f"{how}."
    )


EXAMPLE = "```diff\n"


def broken(name: str, instruction: str, line: str) -> str:
    """Asks why an added line breaks a rule; asked after `change`."""
    return (
        f"The project has this rule, named {name}:\n{fenced(instruction.strip())}\n"
        f"The added line `{shown([line.strip()])}` breaks it. In one short sentence, say why. "
        "Answer as JSON with the key problem."
    )
