"""What a review says: findings, and what it looked at.

Whoever finds something, a rule or a model, says it in this form. Does not know: how it was found, how it is shown.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Category = Literal["bug", "security", "performance", "maintainability", "test"]
_BESIDE = 1
"""Lines between two findings that are about the same thing."""


class Severity(StrEnum):
    """How much a finding matters; they compare by rank."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for low to 3 for critical."""
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is, or may be, wrong with a change. Lines are 1-based, inclusive and of the new version."""

    path: str
    start_line: int
    end_line: int
    severity: Severity
    category: Category
    title: str
    """A few words, the same for all findings of a rule."""
    message: str
    """What is wrong here, and what to do."""
    rule: str
    """Id of the rule, or what a model calls its finding."""
    confidence: float
    """From 0 to 1: how many of such findings are right."""
    source: Literal["static", "model"] = "static"
    suggestion: str | None = None
    """A unified diff against the new version that mends it."""
    anchor: str = ""
    """What the finding is about, so that it is known again when lines move; never shown."""

    @property
    def fingerprint(self) -> str:
        """Identity over edits elsewhere: 32 hex digits of the rule, the path and the anchor."""
        parts = (self.rule, self.path, " ".join((self.anchor or self.message).split()))
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]

    @property
    def order(self) -> tuple[str, int, int, str, str]:
        """Where it stands among others: by path, line, then the most severe first."""
        return self.path, self.start_line, -self.severity.rank, self.rule, self.message

    def is_beside(self, path: str, first: int, last: int) -> bool:
        """Whether it is about lines, or about some that are right beside them."""
        return path == self.path and first <= self.end_line + _BESIDE and self.start_line <= last + _BESIDE


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file, or a part of the work, that was not looked at."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a review looked at."""

    files: int
    """In the change."""
    reviewed: int
    skipped: tuple[Skipped, ...]
    """By path; a file that was looked at in part is here and counted as reviewed."""


def worst(findings: Sequence[Finding]) -> Severity | None:
    """The highest severity among findings, None for none."""
    return max((finding.severity for finding in findings), key=lambda severity: severity.rank, default=None)
