"""A review as the workflow commands that GitHub shows beside the lines of a change.

Text from a diff cannot become a command of its own: what would end a command is escaped. Does not know: the API.
"""

from copilot.review.finding import Finding, Severity

_COMMANDS = {Severity.LOW: "notice", Severity.MEDIUM: "warning", Severity.HIGH: "error", Severity.CRITICAL: "error"}


def annotation(finding: Finding) -> str:
    """One line for one finding."""
    properties = {
        "file": finding.path,
        "line": str(finding.start_line),
        "endLine": str(finding.end_line),
        "title": f"{finding.title} ({finding.severity}, {finding.rule})",
    }
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{_COMMANDS[finding.severity]} {listed}::{_message(finding.message)}"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
