"""All rules: which there are, which run, and what must change when one of them does.

Does not know: files, findings.
"""

import functools
import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import resources
from typing import Self

from copilot.errors import UsageError
from copilot.review.change import ChangeView
from copilot.review.rule import Hit, Rule
from copilot.review.rules import (
    broken_syntax,
    commands,
    conflicts,
    deserialisation,
    guards,
    imports,
    injections,
    leftovers,
    memory,
    secrets,
    signatures,
    slips,
    symbols,
    tests_removed,
    transport,
)
from copilot.review.view import FileView

FILE_RULES: tuple[tuple[tuple[Rule, ...], Callable[[FileView], Iterator[Hit]]], ...] = tuple(
    (module.RULES, module.check)
    for module in (
        conflicts, secrets, broken_syntax, slips, leftovers, commands, injections, deserialisation, transport, memory,
        guards,
    )
)  # fmt: skip
"""What looks at one file at a time."""
NET_RULES = frozenset(
    rule.id
    for module in (slips, commands, injections, deserialisation, transport, memory)
    for rule in module.RULES
)  # fmt: skip
"""Rules of which only what is more than before counts: rewriting a line that had the problem brings in no new one."""
CHANGE_RULES: tuple[tuple[tuple[Rule, ...], Callable[[ChangeView], Iterator[Hit]]], ...] = tuple(
    (module.RULES, module.check_changes) for module in (signatures, symbols, imports, tests_removed)
)
"""What looks at a change as a whole, and at the repository around it."""
ALL: tuple[Rule, ...] = tuple(rule for rules, _ in (*FILE_RULES, *CHANGE_RULES) for rule in rules)


@dataclass(frozen=True, slots=True)
class Selection:
    """The rules of one review, by id."""

    ids: frozenset[str]

    @classmethod
    def of(cls, enabled: Iterable[str] = (), disabled: Iterable[str] = ()) -> Self:
        """The rules that are on by default, with some added and some taken away; UsageError for an unknown id."""
        known = {rule.id for rule in ALL}
        for name in sorted({*enabled, *disabled} - known):
            near = get_close_matches(name, sorted(known), 1)
            hint = f"did you mean {near[0]}?" if near else "`copilot review --rules` lists them"
            raise UsageError(f"there is no rule {name!r}; {hint}")
        return cls(frozenset({rule.id for rule in ALL if rule.is_on} | set(enabled)) - set(disabled))

    def __contains__(self, rule: Rule) -> bool:
        return rule.id in self.ids


@functools.cache
def version() -> str:
    """Identity of the rules and of all they are made from: what they said before holds as long as it is the same."""
    state = hashlib.blake2b(digest_size=12)
    for package in ("copilot.review", "copilot.review.rules", "copilot.repo", "copilot.repo.queries"):
        folder = resources.files(package.rpartition(".")[0]).joinpath(package.rpartition(".")[2])
        for file in sorted(folder.iterdir(), key=lambda each: each.name):
            if file.name.endswith((".py", ".scm")):
                state.update(file.name.encode() + b"\0" + file.read_bytes())
    return state.hexdigest()
