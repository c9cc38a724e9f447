"""A text without the secrets in it: each value gives way to a marker, lines and everything else stay.

Markers tell the length class only: `[redacted:short]` under 20 characters, `[redacted:medium]` under 64,
`[redacted:long]` else. Knows no index and no root; pure functions of (text, path).
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from copilot.repo.detectors import spans
from copilot.repo.languages import has_bare_strings

_CLASSES = ((20, "short"), (64, "medium"))


@dataclass(frozen=True, slots=True)
class Finding:
    """A secret in a text, without its value."""

    line: int
    """1-based."""
    kind: str
    """In words: "GitHub token", "password or key"."""
    start: int
    """Offset of its first character in the text as it was."""
    end: int
    """Offset behind its last character; on the same line."""


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text that may be kept and shown."""

    text: str
    found: tuple[Finding, ...]
    """In the order of the text; disjoint."""


def redact(text: str, path: str) -> Redacted:
    """Replace the secrets of a text. The path tells the language: settings and prose may hold values without quotes."""
    found: list[Finding] = []
    line = 1
    position = 0
    for span in spans(text, plain_values=has_bare_strings(path)):
        line += text.count("\n", position, span.start)
        position = span.start
        found.append(Finding(line, span.kind, span.start, span.end))
    return Redacted(replaced(text, found), tuple(found))


def replaced(text: str, found: Iterable[Finding]) -> str:
    """The text with a marker for each finding; the findings are those of this very text."""
    parts: list[str] = []
    position = 0
    for finding in found:
        parts += (text[position : finding.start], marker(finding.end - finding.start))
        position = finding.end
    return "".join([*parts, text[position:]]) if parts else text


def marker(length: int) -> str:
    """What stands for a value of so many characters."""
    name = next((name for limit, name in _CLASSES if length < limit), "long")
    return f"[redacted:{name}]"


def findings_json(found: Iterable[Finding]) -> str:
    """Findings as compact JSON rows, "" for none; `findings_from` reads them back."""
    rows = [[f.line, f.kind, f.start, f.end] for f in found]
    return json.dumps(rows, separators=(",", ":")) if rows else ""


def findings_from(stored: str) -> tuple[Finding, ...]:
    """Read what `findings_json` wrote."""
    return tuple(Finding(*row) for row in json.loads(stored)) if stored else ()
