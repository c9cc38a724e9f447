"""Names as git writes them where they hold odd characters: in double quotes, with C escapes.

Does not know: diffs, trees.
"""

import re

_ESCAPES = {"a": 7, "b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13, '"': 34, "\\": 92}
_NAMES = {byte: name for name, byte in _ESCAPES.items()}
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)


def unquoted(name: str) -> str:
    """The name itself; one without quotes is returned as it is."""
    if len(name) < 2 or not (name.startswith('"') and name.endswith('"')):
        return name

    def byte(match: re.Match[bytes]) -> bytes:
        escape = match[1]
        if escape[0] in b"01234567":
            return bytes([int(escape, 8) & 255])
        return bytes([_ESCAPES[key]]) if (key := escape.decode("latin-1")) in _ESCAPES else escape

    return _ESCAPE.sub(byte, name[1:-1].encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


def quoted(name: str) -> str:
    """The name as git writes it with `core.quotePath` off."""
    raw = name.encode("utf-8", "surrogateescape")
    if not any(byte < 32 or byte in b'"\\\x7f' for byte in raw):
        return name
    out = bytearray(b'"')
    for byte in raw:
        if byte in _NAMES:
            out += b"\\" + _NAMES[byte].encode()
        elif byte < 32 or byte == 127:
            out += b"\\%03o" % byte
        else:
            out.append(byte)
    return (out + b'"').decode("utf-8", "surrogateescape")
