"""What a rule is, and what it says when it applies.

Does not know: any rule, how rules are run.
"""

from dataclasses import dataclass

from copilot.review.finding import Category, Finding, Severity


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that is looked for."""

    id: str
    title: str
    """A few words that name the problem."""
    severity: Severity
    category: Category
    summary: str
    """One sentence for the documentation: when it applies and when it does not."""
    confidence: float = 0.9
    is_on: bool = True
    """Whether it runs without being asked for."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One place a rule applies to. Lines are 1-based and inclusive, of the new version."""

    rule: Rule
    path: str
    start_line: int
    end_line: int
    message: str
    anchor: str
    suggestion: str | None = None

    def finding(self) -> Finding:
        """The hit as it is reported."""
        rule = self.rule
        return Finding(
            self.path, self.start_line, max(self.start_line, self.end_line), rule.severity,
            rule.category, rule.title, scrubbed(self.message), rule.id, rule.confidence, "static", self.suggestion,
            self.anchor,
        )  # fmt: skip


def scrubbed(text: str) -> str:
    """Text that can be encoded: bytes that were no UTF-8 become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")
