"""A review in SARIF 2.1.0 (OASIS), as code scanners exchange it.

Does not know: any one consumer's limits.
"""

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from copilot.repo.diff import Hunk
from copilot.repo.diff_parser import parse
from copilot.review.finding import Coverage, Finding, Severity
from copilot.review.rule import Rule

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Severity.LOW: "note", Severity.MEDIUM: "warning", Severity.HIGH: "error", Severity.CRITICAL: "error"}
_SCORES = {Severity.LOW: "3.0", Severity.MEDIUM: "5.5", Severity.HIGH: "8.0", Severity.CRITICAL: "9.5"}


def sarif(findings: Sequence[Finding], coverage: Coverage, rules: Sequence[Rule], version: str) -> dict[str, Any]:
    """One run of the review; rules that a model made up are described by its own titles."""
    known = {rule.id: _rule(rule) for rule in rules}
    for finding in findings:
        known.setdefault(finding.rule, {"id": finding.rule, "shortDescription": {"text": finding.title}})
    ids = sorted(known)
    notes = [
        {"level": "note", "message": {"text": f"{skipped.path}: {skipped.reason}"}} for skipped in coverage.skipped
    ]
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "copilot review",
                        "semanticVersion": version,
                        "rules": [known[id_] for id_ in ids],
                    }
                },
                "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": notes}],
                "originalUriBaseIds": {"SRCROOT": {"description": {"text": "The root of the repository."}}},
                "columnKind": "unicodeCodePoints",
                "results": [_result(finding, ids.index(finding.rule)) for finding in findings],
            }
        ],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    described = {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.summary},
        "defaultConfiguration": {"level": _LEVELS[rule.severity], "enabled": rule.is_on},
        "properties": {"tags": [rule.category], "precision": "high" if rule.confidence >= 0.8 else "medium"},
    }
    if rule.category == "security":
        described["properties"]["security-severity"] = _SCORES[rule.severity]  # type: ignore[index]
    return described


def _result(finding: Finding, index: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{finding.title}: {finding.message}"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": _artifact(finding.path),
                    "region": {"startLine": finding.start_line, "endLine": finding.end_line},
                }
            }
        ],
        "partialFingerprints": {"copilotReview/v1": finding.fingerprint},
        "properties": {"confidence": finding.confidence, "source": finding.source, "category": finding.category},
    }
    if finding.suggestion:
        result["fixes"] = [
            {
                "description": {"text": finding.message},
                "artifactChanges": [
                    {
                        "artifactLocation": _artifact(file.path),
                        "replacements": [_replacement(hunk) for hunk in file.hunks],
                    }
                    for file in parse(finding.suggestion.encode("utf-8", "surrogateescape"))
                ],
            }
        ]
    return result


def _replacement(hunk: Hunk) -> dict[str, Any]:
    """A hunk as one replaced region: the lines it covers, context included."""
    region = {"startLine": max(1, hunk.old_start), "startColumn": 1}
    region |= {"endLine": max(1, hunk.old_start + hunk.old_count), "endColumn": 1}
    return {"deletedRegion": region, "insertedContent": {"text": "".join(_kept(hunk))}}


def _kept(hunk: Hunk) -> Iterator[str]:
    for line in hunk.lines:
        if line.sign != "-":
            yield line.text.encode("utf-8", "replace").decode() + ("\n" if line.has_newline else "")


def _artifact(path: str) -> dict[str, str]:
    return {"uri": quote(path.encode("utf-8", "surrogateescape")), "uriBaseId": "SRCROOT"}
