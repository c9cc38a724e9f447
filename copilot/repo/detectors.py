"""Where a text holds keys, tokens and passwords: shapes of known providers, passwords in URLs, assignments.

The shapes are those of the detect-secrets plugins (patterns only: nothing is ever asked over a network) and some newer
ones. Only lines with a telling word are looked at, so that a text without any costs a few substring searches.
Not covered: passwords made of words, UUIDs, values without a telling name or prefix. Knows no path and no marker.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from copilot.repo.key_shapes import keys
from copilot.repo.private_keys import LITERALS as KEY_LITERALS
from copilot.repo.private_keys import private_keys
from copilot.repo.randomness import LEAST_CHARS, is_password, looks_random
from copilot.repo.tiles import tiles_with

_KEY = "private key"
_ASSIGNED = "password or key"

_MOST_PASSES = 8


@dataclass(frozen=True, slots=True)
class Span:
    """Characters of a text that are secret: offsets within one line, end exclusive."""

    start: int
    end: int
    kind: str


_STEMS = ("pass", "pwd", "secret", "token", "key", "credential")
_NAME = re.compile(
    r"(?:pass(?:word|wd|phrase)|[_-]pass(?![a-z])|pwd|secret|(?<!tik)token(?!i[sz])|credential"
    r"|(?:api|access|auth|private|client|account|signing|encryption|master|shared|service|aws|s3)[_-]?key)[\w.-]{0,40}"
)
"""For text in lower case."""
_QUOTED = re.compile(
    r"[\"'`\]]{0,2}\s{0,8}(?::\s{0,4}[\w&.\[\]<>| ']{1,30}?\s?=|:=|={1,3}|!==?|=>|:|,|\(|\s)\s{0,16}[rbuf@]{0,2}"
    r"(?P<quote>[\"'`])(?P<value>[^\s\"'`]{8,512})(?P=quote)",
    re.IGNORECASE,
)
_PLAIN = re.compile(r"\s{0,8}[=:]\s{0,8}(?P<value>[^\s\"'`,;()<>{}\[\]]{8,512})")
_ELEMENT = re.compile(r">(?P<value>[^<>\s]{8,512})</")
_PARAMETER = re.compile(r"=(?P<value>[^\s\"'`,;&<>(){}\[\]]{8,512})")
_LONGEST_PREFIX = 40
_BEFORE_PARAMETER = ("?", "&", ";")
_HEADER = re.compile(r"\b(?P<scheme>bearer|basic)\s{1,4}(?P<value>[A-Za-z0-9+/_.~-]{16,2048}={0,2})", re.IGNORECASE)
_HARMLESS_NAME = re.compile(
    r"hash|digest|checksum|fingerprint|public|sha\d|md5|regex|pattern|tokeni[sz]|selector|class|locator"
    r"|[_.-](?:id|name|url|uri|path|file|type|field|header|param|label|prefix|suffix|column|arn|version|kind|format)s?$",
    re.IGNORECASE,
)
_IN_URL = re.compile(r"://(?P<user>[^\s/:@\"'<>]{0,128}):(?P<value>[^\s/@\"'<>]{3,256})@(?P<host>[\w.\[\]:-]+)")
_OWN_HOSTS = re.compile(
    r"localhost|127\.|0\.0\.0\.0|\[|.*\bexample\b|.*\.(?:test|invalid|local)\b|host\b", re.IGNORECASE
)


def spans(text: str, *, plain_values: bool) -> list[Span]:
    """The secrets of a text, in order, disjoint. `plain_values`: values may stand without quotes, as in settings."""
    found: list[Span] = []
    masked = text
    for _ in range(_MOST_PASSES):
        fresh = _merged(_found(masked, plain_values))
        if not fresh:
            break
        found += fresh
        masked = _masked(masked, fresh)
        again = _merged(_repeated(masked, {text[s.start : s.end]: s.kind for s in fresh if s.kind != _KEY}))
        found += again
        masked = _masked(masked, again)
    return sorted(found, key=lambda span: span.start)


def _found(text: str, plain_values: bool) -> Iterator[Span]:
    """One look at a text."""
    if any(literal in text for literal in KEY_LITERALS):
        yield from (Span(start, end, _KEY) for start, end in private_keys(text))
    if "://" in text and "@" in text:
        yield from _in_urls(text)
    lowered = text.replace("\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}", "I").lower()
    for start, end, kind in keys(text, lowered):
        yield Span(start, end, kind)
    for start, end in tiles_with(lowered, _STEMS):
        for name in _NAME.finditer(lowered, start, end):
            if value := _assigned(text, name.span(), end, plain_values):
                yield Span(*value, _ASSIGNED)
    for start, end in tiles_with(lowered, ("bearer ", "basic ")):
        for first, last in _in_headers(text[start:end]):
            yield Span(start + first, start + last, "authorization header")


def _assigned(text: str, name: tuple[int, int], end: int, plain_values: bool) -> tuple[int, int] | None:
    """Where the value is that stands behind a name on a line that ends at `end`, if it is a secret."""
    begin, earliest = name[0], max(0, name[0] - _LONGEST_PREFIX)
    while begin > earliest and (text[begin - 1].isalnum() or text[begin - 1] in "_-"):
        begin -= 1
    patterns = [_QUOTED, _ELEMENT]
    if plain_values:
        patterns.append(_PLAIN)
    elif text[begin - 1 : begin] in _BEFORE_PARAMETER:
        patterns.append(_PARAMETER)
    match = next(filter(None, (pattern.match(text, name[1], end) for pattern in patterns)), None)
    if match and looks_random(match["value"]) and not _HARMLESS_NAME.search(text, begin, name[1]):
        return match.span("value")
    return None


def _in_urls(text: str) -> Iterator[Span]:
    for match in _IN_URL.finditer(text):
        if not _OWN_HOSTS.match(match["host"]) and is_password(match["value"], match["user"]):
            yield Span(*match.span("value"), "password in a URL")


def _in_headers(line: str) -> Iterator[tuple[int, int]]:
    for match in _HEADER.finditer(line):
        user, colon, password = _decoded(match["value"]).partition(":")
        if match["scheme"].lower() == "basic":
            secret = bool(colon) and is_password(password, user)
        else:
            secret = looks_random(match["value"])
        if secret:
            yield match.span("value")


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value + "=" * (-len(value) % 4)).decode()
    except (ValueError, binascii.Error):
        return ""


def _repeated(text: str, values: dict[str, str]) -> Iterator[Span]:
    """Where else in the text the found values stand."""
    for value, kind in values.items():
        position = text.find(value) if len(value) >= LEAST_CHARS else -1
        while position >= 0:
            yield Span(position, position + len(value), kind)
            position = text.find(value, position + len(value))


def _merged(found: Iterable[Span]) -> list[Span]:
    """Overlapping spans as one, of the kind that comes first."""
    merged: list[Span] = []
    for span in sorted(found, key=lambda span: (span.start, -span.end, span.kind)):
        if merged and span.start < merged[-1].end:
            last = merged[-1]
            merged[-1] = Span(last.start, max(last.end, span.end), last.kind)
        else:
            merged.append(span)
    return merged


def _masked(text: str, found: Sequence[Span]) -> str:
    """The text with the spans overwritten by characters no value may have, so that offsets stay."""
    parts: list[str] = []
    position = 0
    for span in found:
        parts += (text[position : span.start], "[", "]" * (span.end - span.start - 1))
        position = span.end
    return "".join([*parts, text[position:]]) if parts else text
