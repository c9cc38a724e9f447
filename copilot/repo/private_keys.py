"""The bodies of private keys in a text: PEM, OpenSSH, PGP and PuTTY blocks, also as string literals or on one line.

Headings and ends of a block stay, so that a reader still sees what stood there. Certificates and public keys are no
secrets. Knows no path.
"""

import re
from collections.abc import Iterator

LITERALS = ("PRIVATE KEY", "Private-Lines:")
"""A text without any of these has no private key."""

_BEGIN = re.compile(r"-----?\s?BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?\s?-?-----|^Private-Lines: \d+", re.MULTILINE)
_END = re.compile(r"-----?\s?END |^Private-MAC:")
_FIELD = re.compile(r"""[\s"'#/*+>|-]*[A-Za-z][A-Za-z-]*: """)
_BODY = re.compile(r"""[\s"'#/*+>|-]*?(?P<key>[A-Za-z0-9+/=]{1,})(?P<rest>(?:\\[rn]|["'`,;+\s\\)]|…|\.\.\.)*)$""")
_INLINE = re.compile(r"""(?:\\[rnt]|\s)*(?P<key>[A-Za-z0-9+/=](?:[A-Za-z0-9+/=\s]|\\[rn])*[A-Za-z0-9+/=])""")
_LEAST_CHARS = 16
_MOST_LINES = 400


def private_keys(text: str) -> Iterator[tuple[int, int]]:
    """Offsets (start, end) of the secret parts, one or more per line of a block."""
    position = 0
    while begin := _BEGIN.search(text, position):
        end = _line_end(text, begin.end())
        inline = _INLINE.match(text, begin.end(), end)
        if inline and len(inline["key"]) >= _LEAST_CHARS:
            yield inline.span("key")
            position = inline.end()
            continue
        yield from _block(text, end + 1)
        position = begin.end()


def _block(text: str, position: int) -> list[tuple[int, int]]:
    """The lines of a block from `position` on; none if the first of them are no key."""
    found: list[tuple[int, int]] = []
    longest = 0
    for _ in range(_MOST_LINES):
        if position >= len(text):
            break
        end = _line_end(text, position)
        line = text[position:end]
        if _END.search(line):
            break
        body = _BODY.match(line)
        if body:
            found.append((position + body.start("key"), position + body.end("key")))
            longest = max(longest, len(body["key"]))
        elif line.strip(" \t\r\"'#/*+>|\\n") and not _FIELD.match(line):
            break
        position = end + 1
    return found if longest >= _LEAST_CHARS else []


def _line_end(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end
