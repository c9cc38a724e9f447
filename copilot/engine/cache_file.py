"""Writes one cache entry as a whole or not at all; a cache that cannot be written is only slower."""

import tempfile
from contextlib import suppress
from pathlib import Path


def replace_file(path: Path, content: bytes) -> bool:
    """Put `content` under `path` in one step, for this user only; False where the disk does not allow it."""
    written: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as file:
            written = Path(file.name)
            file.write(content)
        written.replace(path)
    except OSError:
        if written is not None:
            with suppress(OSError):
                written.unlink()
        return False
    return True
