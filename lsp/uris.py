"""URIs of documents and the paths of files they name. Does not know: repositories, which documents are open."""

import os
import re
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes, urlsplit


def path_of(uri: str) -> Path | None:
    """The path of a file URI; None for any other, such as that of an untitled document."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    if parts.scheme != "file":
        return None
    named = os.fsdecode(unquote_to_bytes(parts.path))
    if parts.netloc and parts.netloc != "localhost":
        named = f"//{unquote(parts.netloc)}{named}"
    elif re.match(r"/[A-Za-z]:", named) and os.name == "nt":
        named = named[1:]
    return Path(named) if named and "\0" not in named else None


def uri_of(path: Path) -> str:
    """The URI of a file at an absolute path."""
    return path.as_uri()


def name_of(uri: str) -> str:
    """What a document is called, whether it is a file or not: its path with "/"."""
    path = path_of(uri)
    return path.as_posix() if path is not None else unquote(uri.partition(":")[2]) or uri
