"""A review on a terminal: each finding with the lines it is about, what would mend it, and what nobody looked at.

Does not know: how findings come about.
"""

from collections import Counter

from rich.text import Text

from copilot.cli.render import Terminal, clean
from copilot.repo.changes import Changes
from copilot.repo.diff import Line
from copilot.repo.forms import shown
from copilot.review.finding import Finding, Severity
from copilot.tasks.review import Review

_STYLES = {
    Severity.LOW: "cyan",
    Severity.MEDIUM: "yellow",
    Severity.HIGH: "red",
    Severity.CRITICAL: "bold white on red",
}
_CONTEXT = 2
_MOST_LINES = 12
_MOST_SKIPPED = 5
_WIDTH = 200


class ReviewText:
    """Findings on stdout, the account of what was looked at on stderr."""

    def __init__(self, terminal: Terminal, changes: Changes) -> None:
        self._out = terminal.out
        self._err = terminal.err
        self._changes = changes

    def footer(self, done: Review) -> None:
        """One line of sums, and what was skipped."""
        coverage = done.coverage
        counts = Counter(finding.severity for finding in done.findings)
        parts = [f"{counts[severity]} {severity}" for severity in reversed(Severity) if counts[severity]]
        found = ", ".join(parts) if parts else "nothing found"
        known = f", {done.known} known" if done.known else ""
        line = f"{done.label}: {found}{known}; {coverage.reviewed} of {coverage.files} files reviewed"
        if not coverage.files:
            line = f"{done.label}: nothing to review"
        self._err.print(Text(clean(line), style="dim"), soft_wrap=True)
        for skipped in coverage.skipped[:_MOST_SKIPPED]:
            self._err.print(
                Text(shown(f"  not reviewed: {skipped.path}: {skipped.reason}"), style="dim"), soft_wrap=True
            )
        if len(coverage.skipped) > _MOST_SKIPPED:
            more = f"  and {len(coverage.skipped) - _MOST_SKIPPED} more; --json names them all"
            self._err.print(Text(more, style="dim"))

    def finding(self, finding: Finding) -> None:
        """One finding, as soon as it is known."""
        head = Text(shown(f"{finding.path}:{finding.start_line}"), style="bold cyan")
        head.append(f"  {finding.severity}", _STYLES[finding.severity])
        head.append(f"  {clean(finding.title)}", "bold")
        head.append(f"  [{clean(finding.rule)}]", "dim")
        self._out.print(head, soft_wrap=True)
        self._out.print(Text(shown(f"  {finding.message}")), soft_wrap=True)
        for line in self._lines(finding)[:_MOST_LINES]:
            is_meant = line.new is not None and finding.start_line <= line.new <= finding.end_line
            style = {"+": "green", "-": "red"}.get(line.sign, "dim")
            number = "" if line.new is None else str(line.new)
            text = clean(line.text)[:_WIDTH]
            mark = ">" if is_meant else " "
            self._out.print(Text(f"  {mark}{number:>6} {line.sign} {text}", style=style), soft_wrap=True)
        if finding.suggestion:
            for raw in clean(finding.suggestion).splitlines()[2:]:
                style = "green" if raw.startswith("+") else "red" if raw.startswith("-") else "dim"
                self._out.print(Text(f"    {raw[:_WIDTH]}", style=style), soft_wrap=True)
        self._out.print()

    def _lines(self, finding: Finding) -> list[Line]:
        """The lines of the diff around a finding."""
        if finding.rule.startswith("secret"):
            return []
        file = next((each for each in self._changes.files if each.path == finding.path), None)
        for hunk in file.diff.hunks if file is not None else ():
            near = [
                place
                for place, line in enumerate(hunk.lines)
                if line.new is not None and finding.start_line <= line.new <= finding.end_line
            ]
            if near:
                return list(hunk.lines[max(0, near[0] - _CONTEXT) : near[-1] + _CONTEXT + 1])
        return []
