"""Findings of a review as diagnostics, hovers and fixes of the documents they are about.

A review looked at saved text; in a document that was edited since, a finding moves with its lines, and is left out
where they changed. Pure functions of values. Does not know: how findings come about, messages.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from lsprotocol import types

from copilot.errors import DiffError
from copilot.prompts.fences import fenced
from copilot.repo.diff import inverted
from copilot.repo.diff_parser import parse
from copilot.repo.fit import fit
from copilot.review.finding import Finding, Severity
from lsp.positions import Lines

SOURCE = "copilot"
_SEVERITIES = {
    Severity.LOW: types.DiagnosticSeverity.Information,
    Severity.MEDIUM: types.DiagnosticSeverity.Warning,
    Severity.HIGH: types.DiagnosticSeverity.Error,
    Severity.CRITICAL: types.DiagnosticSeverity.Error,
}


@dataclass(frozen=True, slots=True)
class Placed:
    """A finding at the lines of a document it is about now, counted from 0 and inclusive."""

    finding: Finding
    start: int
    end: int


def placed(findings: Iterable[Finding], reviewed: str, lines: Lines) -> list[Placed]:
    """The findings of one file that still hold for a text; `reviewed` is the text they were found in."""
    was = reviewed.split("\n")
    now = lines.text.split("\n")
    least = min(len(was), len(now))
    head = next((at for at in range(least) if _bare(was[at]) != _bare(now[at])), least)
    tail = next((at for at in range(least - head) if _bare(was[-1 - at]) != _bare(now[-1 - at])), least - head)
    found = []
    for finding in findings:
        start, end = finding.start_line - 1, max(finding.end_line, finding.start_line) - 1
        if end < head:
            found.append(Placed(finding, start, end))
        elif start >= len(was) - tail:
            moved = len(now) - len(was)
            found.append(Placed(finding, start + moved, end + moved))
    return found


def diagnostic(place: Placed, lines: Lines) -> types.Diagnostic:
    """A finding at its lines, from the first thing on them to the end."""
    finding = place.finding
    return types.Diagnostic(
        range=range_of(place, lines),
        severity=_SEVERITIES[finding.severity],
        code=finding.rule,
        source=SOURCE,
        message=f"{finding.title}: {finding.message}" if finding.message else finding.title,
        data={"fingerprint": finding.fingerprint},
    )


def range_of(place: Placed, lines: Lines) -> types.Range:
    first, last = lines.line(place.start), lines.line(place.end)
    indent = len(first) - len(first.lstrip())
    start = lines.position(lines.start(place.start) + (indent if first.strip() else 0))
    end = lines.position(lines.start(place.end) + len(last.rstrip()))
    return types.Range(types.Position(*start), types.Position(*max(start, end)))


def result_id(diagnostics: Sequence[types.Diagnostic]) -> str:
    """Identity of what a client was told, so that it need not be told twice."""
    return blake2b(repr(diagnostics).encode("utf-8", "replace"), digest_size=12).hexdigest()


def hover(places: Sequence[Placed], lines: Lines) -> types.Hover | None:
    """What there is to say about the findings at one spot."""
    if not places:
        return None
    text = "\n\n---\n\n".join(_described(place.finding) for place in places)
    return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, text), range_of(places[0], lines))


def _described(finding: Finding) -> str:
    about = f"{finding.severity} · {finding.category} · `{finding.rule}` · {round(100 * finding.confidence)} % sure"
    parts = [f"**{_plain(finding.title)}**", _plain(finding.message), about]
    if finding.suggestion:
        parts.append(fenced(finding.suggestion.rstrip(), "diff"))
    return "\n\n".join(part for part in parts if part)


def _plain(text: str) -> str:
    """Text of which nothing becomes markup that a client would load or run."""
    return text.replace("<", "&lt;").replace("![", "!\\[")


def fix(suggestion: str, text: str, lines: Lines) -> list[types.TextEdit] | None:
    """The edits that a unified diff makes of a text; None where it does not fit the text as it is now."""
    try:
        files = parse(suggestion.replace("\r\n", "\n").encode("utf-8", "surrogateescape"))
    except DiffError:
        return None
    if len(files) != 1 or not files[0].hunks:
        return None
    # Taken back, the diff's new side is what must be there now: the side that `fit` looks for first.
    fitted = fit(inverted(files[0]), text.replace("\r\n", "\n"))
    if fitted is None or fitted.new_text != text.replace("\r\n", "\n"):
        return None
    wanted = fitted.old_text.replace("\n", "\r\n") if "\r\n" in text else fitted.old_text
    return edits_between(text, wanted, lines)


def edits_between(text: str, wanted: str, lines: Lines) -> list[types.TextEdit]:
    """One edit of whole lines that makes `wanted` of `text`; none if they are the same."""
    if text == wanted:
        return []
    was, now = text.splitlines(keepends=True), wanted.splitlines(keepends=True)
    least = min(len(was), len(now))
    head = next((at for at in range(least) if was[at] != now[at]), least)
    tail = next((at for at in range(least - head) if was[-1 - at] != now[-1 - at]), least - head)
    start, end = len("".join(was[:head])), len(text) - len("".join(was[len(was) - tail :]))
    span = types.Range(types.Position(*lines.position(start)), types.Position(*lines.position(end)))
    return [types.TextEdit(span, "".join(now[head : len(now) - tail]))]


def _bare(line: str) -> str:
    return line.removesuffix("\r")
