"""Places in a document as other programs count them, as code points: UTF-8 bytes, or lines and columns.

Raises UsageError for a place that is not in the document.
"""

from copilot.errors import UsageError


def at_byte(text: str, offset_bytes: int) -> int:
    """The code point that begins at a byte of the text's UTF-8 form."""
    data = text.encode("utf-8", "surrogatepass")
    if not 0 <= offset_bytes <= len(data):
        raise UsageError(f"offset {offset_bytes} is not in the document, which has {len(data)} bytes of UTF-8")
    try:
        return len(data[:offset_bytes].decode("utf-8", "surrogatepass"))
    except UnicodeDecodeError as exc:
        raise UsageError(f"offset {offset_bytes} is inside a character; offsets count bytes of UTF-8") from exc


def byte_at(text: str, offset: int) -> int:
    """The byte of the text's UTF-8 form where a code point begins."""
    return len(text[:offset].encode("utf-8", "surrogatepass"))


def at_line(text: str, line: int, column: int) -> int:
    """The code point at a 1-based line and column; a column may stand behind the line's last character."""
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
        if not start:
            raise UsageError(f"line {line} is not in the document, which has {text.count(chr(10)) + 1} lines")
    end = text.find("\n", start)
    width = (len(text) if end < 0 else end) - start
    if line < 1 or not 1 <= column <= width + 1:
        raise UsageError(f"column {column} is not in line {line}, which has {width} characters")
    return start + column - 1
