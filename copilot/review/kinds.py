"""What an edit does to the tokens of its lines, and how often edits that do this put a bug in.

Taking a check away, swapping an operator or losing a part of an expression breaks more than rewording a message does.
That is known without a model and in no time, so it says which edits to look at first, which need no look, and where a
judge starts from. Does not know: languages, models, what a score is worth.
"""

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Literal

from copilot.review.edits import COMMENT, Edit

Kind = Literal[
    "text", "operator", "constant", "name", "new name", "reordered",
    "check gone", "call gone", "gone", "check reduced", "reduced", "check extended", "extended",
    "grown", "rewritten", "shrunk",
]  # fmt: skip
LOG_ODDS: dict[Kind, float] = {
    "text": -1.5, "operator": 2.0, "constant": 0.1, "name": 0.1, "new name": -0.9, "reordered": -0.6,
    "check gone": 0.7, "call gone": 0.6, "gone": 0.5, "check reduced": 0.5, "reduced": 0.3, "check extended": -1.9,
    "extended": -1.7, "grown": -1.7, "rewritten": -0.8, "shrunk": 0.1,
}  # fmt: skip
"""Natural logarithm of how much more often such an edit puts a bug in than not: `tests/bench/review_kinds.py`."""
CLEARED = -1.5
"""With log-odds no higher, nothing a small model may say makes a finding of an edit, and it is not asked."""
_SIZE = 4
"""So many tokens more or less are a rewrite that grows or shrinks."""
_TOKEN = re.compile(
    r"""(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)"""
    r"|(?P<constant>\d[\w.]*|\b(?:True|False|None|true|false|TRUE|FALSE|NULL|null|nil|nullptr)\b)"
    r"|(?P<operator>\b(?:and|or|not|is|in|await|yield)\b|\+\+|--|<<=?|>>=?|[<>=!+\-*/%&|^]=|&&|\|\||->(?!\w)|[<>+\-*/%&|^~!])"
    r"|(?P<check>\b(?:if|while|unless|raise|return|throw|assert|goto|continue|break|except|catch)\b)"
    r"|(?P<name>[^\W\d]\w*)|(?P<other>\S)"
)
_CONDITION = frozenset({"and", "or", "&&", "||"})
Token = tuple[str, str]
"""(class, text); the class is the name of a group of the pattern."""


def log_odds(edit: Edit) -> float:
    """How much more likely than not the kind of an edit is among those that put a bug in."""
    return LOG_ODDS[kind_of(edit)]


def kind_of(edit: Edit) -> Kind:
    """What an edit does, by its tokens."""
    old, new = _tokens(edit.old), _tokens(edit.new)
    if not new:
        return "check gone" if _checks(old) else "call gone" if ("other", "(") in old else "gone"
    pairs = list(_changed(old, new))
    gone, come = ([token for pair in pairs for token in pair[side]] for side in (0, 1))
    if sorted(old) == sorted(new):
        return "reordered"
    classes = {kind for kind, _ in (*gone, *come)} - {"other"}
    if classes <= {"text"}:
        return "text"
    if classes <= {"operator"}:
        return "operator"
    if classes <= {"operator", "constant"}:
        return "constant"
    if not come:
        return "check reduced" if _checks(gone) else "reduced"
    if not gone:
        return "check extended" if _checks(come) else "extended"
    if classes == {"name"} and all(len(before) == len(after) for before, after in pairs):
        known = {*_tokens(edit.head), *_tokens(edit.tail), *old}
        return "name" if known.issuperset(come) else "new name"
    more = len(new) - len(old)
    return "grown" if more >= _SIZE else "shrunk" if more <= -_SIZE else "rewritten"


def renamed(edit: Edit) -> dict[str, str]:
    """Old name -> new name, where an edit does nothing but give other names, the same each time; {} otherwise."""
    names: dict[str, str] = {}
    for gone, come in _changed(_tokens(edit.old), _tokens(edit.new)):
        if len(gone) != len(come):
            return {}
        for (was, old), (now, new) in zip(gone, come, strict=True):
            if {was, now} != {"name"} or names.setdefault(old, new) != new:
                return {}
    return names


def _tokens(lines: Sequence[str]) -> list[Token]:
    return [
        (match.lastgroup or "", match[0]) for line in lines for match in _TOKEN.finditer(COMMENT.sub("", line))
    ]  # fmt: skip


def _changed(old: Sequence[Token], new: Sequence[Token]) -> Iterator[tuple[Sequence[Token], Sequence[Token]]]:
    """The runs of tokens that differ, before and after."""
    for tag, first, last, begin, end in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            yield old[first:last], new[begin:end]


def _checks(tokens: Sequence[Token]) -> bool:
    """Whether tokens are about when something is done, or leave the place."""
    return any(kind == "check" or text in _CONDITION for kind, text in tokens)
