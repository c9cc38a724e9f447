"""A review as the JSON document that other programs rely on; fields may be added, never renamed.

Does not know: terminals, files.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from copilot.events import Usage
from copilot.review.finding import Coverage, Finding


def document(findings: Sequence[Finding], coverage: Coverage, usage: Usage) -> dict[str, Any]:
    """Findings, what was looked at, and what a model cost."""
    return {
        "findings": [finding_document(finding) for finding in findings],
        "coverage": {
            "files": coverage.files,
            "reviewed": coverage.reviewed,
            "skipped": [asdict(skipped) for skipped in coverage.skipped],
        },
        "usage": asdict(usage),
    }


def finding_document(finding: Finding) -> dict[str, Any]:
    """One finding."""
    return {
        "path": finding.path,
        "start_line": finding.start_line,
        "end_line": finding.end_line,
        "severity": finding.severity.value,
        "category": finding.category,
        "title": finding.title,
        "message": finding.message,
        "suggestion": finding.suggestion,
        "confidence": finding.confidence,
        "source": finding.source,
        "rule": finding.rule,
        "fingerprint": finding.fingerprint,
    }
