"""Git's glob patterns as regular expressions over bytes: `*`, `?`, `[...]`, `**`, backslash.

Faithful to git byte by byte (`?` is one byte of a UTF-8 name; a class never matches "/"), and linear where git
backtracks: each stretch between two stars is matched atomically at its earliest place. Does not know: ignore files.
"""

import re

_POSIX_CLASSES = {
    b"alnum": rb"0-9A-Za-z",
    b"alpha": rb"A-Za-z",
    b"blank": rb" \t",
    b"cntrl": rb"\x00-\x1f\x7f",
    b"digit": rb"0-9",
    b"graph": rb"!-~",
    b"lower": rb"a-z",
    b"print": rb" -~",
    b"punct": rb"!-/:-@\[-`{-~",
    b"space": rb" \t\n\r\x0b\x0c",
    b"upper": rb"A-Z",
    b"xdigit": rb"0-9A-Fa-f",
}
_STAR, _STARS, _STARS_SLASH, _SLASH = b"*", b"**", b"**/", b"/"
_WILD = {_STAR: (rb"[^/]*?", rb"[^/]*"), _STARS: (rb".*?", rb".*"), _STARS_SLASH: (rb"(?:.*?/)??", rb"(?:.*/)?")}
"""Source of a wildcard: lazy inside an atomic group, greedy where it is the last of its kind."""

Piece = tuple[bytes, bytes]
"""("", source) for something of fixed width, (a key of `_WILD` or a slash, "") otherwise."""


class _MalformedError(ValueError):
    """The pattern has no end of class, an unknown class or a lone backslash: git matches nothing with it."""


def translate(pattern: bytes, folds_case: bool = False) -> re.Pattern[bytes] | None:
    """Compile a pattern for `fullmatch`; None if it can match nothing. Only `**` between slashes crosses slashes.

    With `folds_case` it is for subjects in lower case, and like git's own it folds plain letters, ranges and [:upper:].
    """
    try:
        source = _join(_pieces(pattern, folds_case))
        return re.compile(source, re.DOTALL)
    except (_MalformedError, re.error):
        return None


def _pieces(pattern: bytes, folds_case: bool) -> list[Piece]:
    pieces: list[Piece] = []
    at = 0
    while at < len(pattern):
        byte = pattern[at : at + 1]
        if byte == b"*":
            piece, at = _stars(pattern, at)
            if not pieces or pieces[-1] != piece:
                pieces.append(piece)
            continue
        if byte == b"[":
            source, at = _bracket(pattern, at + 1, folds_case)
            pieces.append((b"", source))
            continue
        if byte == b"\\":
            at += 1
            byte = pattern[at : at + 1]
            if not byte:
                raise _MalformedError
            pieces.append((_SLASH, b"") if byte == b"/" else (b"", re.escape(byte)))
        elif byte == b"/":
            pieces.append((_SLASH, b""))
        else:
            byte = byte.lower() if folds_case else byte
            pieces.append((b"", rb"[^/]" if byte == b"?" else re.escape(byte)))
        at += 1
    return pieces


def _stars(pattern: bytes, start: int) -> tuple[Piece, int]:
    """Read a run of stars; only two or more between slashes cross folders."""
    end = start
    while pattern[end : end + 1] == b"*":
        end += 1
    rest = pattern[end:]
    opens = start == 0 or pattern[start - 1 : start] == b"/"
    if end - start == 1 or not opens or not (rest == b"" or rest.startswith((b"/", b"\\/"))):
        return (_STAR, b""), end
    if rest.startswith(b"/"):
        return (_STARS_SLASH, b""), end + 1
    return (_STARS, b""), end


def _bracket(pattern: bytes, at: int, folds_case: bool) -> tuple[bytes, int]:
    """Read a class from behind its "["; return its source and where the pattern goes on. Never matches a slash."""
    negated = pattern[at : at + 1] in (b"!", b"^")
    at += negated
    members: list[bytes] = []
    previous = -1
    first = True
    while first or pattern[at : at + 1] != b"]":
        first = False
        byte = pattern[at : at + 1]
        if not byte:
            raise _MalformedError
        if byte == b"[" and pattern[at + 1 : at + 2] == b":":
            end = pattern.find(b"]", at + 2)
            if end < 0:
                raise _MalformedError
            if end > at + 2 and pattern[end - 1 : end] == b":":
                name = pattern[at + 2 : end - 1]
                members.append(_named_class(b"lower" if folds_case and name == b"upper" else name))
                previous, at = -1, end + 1
                continue
        if byte == b"-" and previous > 0 and pattern[at + 1 : at + 2] not in (b"", b"]"):
            high, at = _member(pattern, at + 1)
            members += _ranges(previous, high, folds_case)
            previous = -1
            continue
        previous, at = _member(pattern, at)
        members.append(rb"\x%02x" % previous)
    body = b"".join(members)
    if negated:
        return rb"[^/" + body + b"]", at + 1
    return (rb"(?!/)[" + body + b"]" if body else rb"(?!)"), at + 1


def _ranges(low: int, high: int, folds_case: bool) -> list[bytes]:
    """The range, and with folded case its capitals once more as small letters."""
    ranges = [(low, high)]
    if folds_case:
        ranges.append((max(low, ord("A")) + 32, min(high, ord("Z")) + 32))
    return [rb"\x%02x-\x%02x" % (first, last) for first, last in ranges if first <= last]


def _member(pattern: bytes, at: int) -> tuple[int, int]:
    """Read one possibly escaped byte of a class; return it and what follows."""
    at += pattern[at : at + 1] == b"\\"
    if at >= len(pattern):
        raise _MalformedError
    return pattern[at], at + 1


def _named_class(name: bytes) -> bytes:
    try:
        return _POSIX_CLASSES[name]
    except KeyError as exc:
        raise _MalformedError from exc


def _join(pieces: list[Piece]) -> bytes:
    """Source of the whole: a wildcard and what follows it up to the next of its kind form an atomic group."""
    out: list[bytes] = []
    star_open = stars_open = False
    for place, (key, source) in enumerate(pieces):
        if key == _STAR:
            again = _star_follows(pieces, place + 1)
            out.append((b")" if star_open else b"") + (b"(?>" if again else b"") + _WILD[key][0 if again else 1])
            star_open = again
        elif key in (_STARS, _STARS_SLASH):
            again = any(later in (_STARS, _STARS_SLASH) for later, _ in pieces[place + 1 :])
            out.append((b")" if stars_open else b"") + (b"(?>" if again else b"") + _WILD[key][0 if again else 1])
            stars_open = again
        else:
            out.append(b"/" if key == _SLASH else source)
    return b"".join(out)


def _star_follows(pieces: list[Piece], start: int) -> bool:
    """Whether another star comes before the next slash."""
    for key, _ in pieces[start:]:
        if key == _STAR:
            return True
        if key:
            return False
    return False
