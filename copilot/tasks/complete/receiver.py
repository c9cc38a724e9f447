"""What may stand behind the dot at a cursor: guesses of a receiver's type, and what others call on things of its name.

By patterns in the text, for there is no type checker; a wrong guess costs room in the prompt, nothing else.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from copilot.repo.tags import Definition
from copilot.repo.usages import Usages

NEAR_LINES = 6
MOST_RECEIVERS = 4
_RECEIVER = re.compile(r"(\w+)(?:\([^()]*\)|\[[^][]*\])?(?:\?\.|\.|->|::)")
_AT_CURSOR = re.compile(_RECEIVER.pattern + r"\w*\Z")
_NO_RECEIVERS = frozenset({"self", "this", "super", "cls"})


class Members:
    """The members that a repository defines, by their class and by their own name."""

    def __init__(self, definitions: Mapping[str, Sequence[Definition]]) -> None:
        """`definitions`: by path."""
        self._of_class: defaultdict[str, list[Definition]] = defaultdict(list)
        self._by_name: defaultdict[str, list[tuple[str, Definition]]] = defaultdict(list)
        for path in sorted(definitions):
            for definition in definitions[path]:
                self._by_name[definition.name].append((path, definition))
                if definition.parent:
                    self._of_class[definition.parent.rpartition(".")[2]].append(definition)
        self._by_spelling = {name.lower(): name for name in sorted(self._of_class)}

    def likely(self, before: str, after: str, usages: Usages, path: str) -> list[tuple[str, Definition]]:
        """Definitions in other files that may be called at a cursor, with their paths, the likeliest first."""
        counts: defaultdict[str, float] = defaultdict(float)
        for place, receiver in enumerate(receivers(before)):
            share = 1 / (1 + place)
            for member, times in usages.members(receiver, path).items():
                counts[member] += share * min(times, 10)
            for kind in self._types(receiver, before + "\n" + after):
                for definition in self._of_class.get(kind, ()):
                    if not definition.name.startswith("__"):
                        counts[definition.name] += 2 * share
        ordered = sorted(counts, key=lambda name: (-counts[name], name))
        found = [[entry for entry in self._by_name.get(name, ()) if entry[0] != path] for name in ordered]
        return [entries[0] for entries in found if entries]

    @property
    def by_name(self) -> Mapping[str, Sequence[tuple[str, Definition]]]:
        """All definitions of each name, with their paths."""
        return self._by_name

    def _types(self, name: str, text: str) -> list[str]:
        """Classes that a variable may be of: by annotation, by assignment, by being called like one."""
        quoted = re.escape(name)
        pattern = rf"\b{quoted}\s*:\s*([^=,)\n]+)|\b{quoted}\s*=\s*(?:await\s+|new\s+)?(\w+)\(|\.{quoted}\s*=\s*(\w+)\b"
        found: dict[str, None] = {}
        for match in re.finditer(pattern, text):
            for word in re.findall(r"\w+", " ".join(filter(None, match.groups()))):
                found[word] = None
                if word != name and word.islower():
                    again = re.findall(rf"\b{re.escape(word)}\s*:\s*([^=,)\n]+)", text)
                    found |= dict.fromkeys(re.findall(r"\w+", " ".join(again)))
        spelled = self._by_spelling.get(name.replace("_", "").lower())
        if spelled:
            found[spelled] = None
        return [kind for kind in found if kind in self._of_class]


def receivers(before: str) -> list[str]:
    """What stands before the dot at the cursor; without one, what stood before dots lately."""
    tail = before[-200:]
    at_cursor = _AT_CURSOR.search(tail)
    if at_cursor and at_cursor[1] not in _NO_RECEIVERS:
        return [at_cursor[1]]
    near = "\n".join(before[-2000:].split("\n")[-NEAR_LINES:])
    found = [name for name in reversed(_RECEIVER.findall(near)) if name not in _NO_RECEIVERS and not name.isdigit()]
    return list(dict.fromkeys(found))[:MOST_RECEIVERS]
