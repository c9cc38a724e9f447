"""KV segments on disk: a content-addressed chain, so that a prefix is read once and restored ever after.

A segment holds the KV rows of SEGMENT_TOKENS consecutive tokens; its key hashes the whole chain before it, so equal
beginnings of different prefixes share files. A windowed model also has one small window file per restart point.
Any damage makes a segment absent, never wrong. Knows neither tokens' meaning nor llama.cpp.
"""

import os
import struct
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from tempfile import NamedTemporaryFile

from copilot.files import private_folder

SEGMENT_TOKENS = 256
"""The unit of reuse: what stands behind an edit in the same segment is read again."""

REFUSED_S = 30.0
"""After a refused write, the next attempt: disks that were full have room again, and hosts live for days."""
STALE_NS = 3600 * 10**9
"""Age at which a temporary file was left by a crash."""
_MAGIC = b"cplt-kv\x01"
_HEADER = struct.Struct("<8s32s32sQII")
"""magic, fingerprint, key, payload bytes, payload CRC-32, CRC-32 of the header before this field."""


@dataclass(frozen=True, slots=True)
class Link:
    """One place in the chain: tokens [start, end) and the key of everything up to `end`."""

    key: bytes
    start: int
    end: int


def chain(root: bytes, tokens: Sequence[int]) -> Iterator[Link]:
    """The links of a token sequence; the last one may be shorter than SEGMENT_TOKENS."""
    key = root
    for start in range(0, len(tokens), SEGMENT_TOKENS):
        part = tokens[start : start + SEGMENT_TOKENS]
        key = blake2b(key + struct.pack(f"<{len(part)}I", *part), digest_size=32).digest()
        yield Link(key, start, start + len(part))


class _DamagedError(Exception):
    """The file is not the segment it should be."""


class SegmentStore:
    """The segments of one engine fingerprint, in a folder of this user, bounded by a quota for all fingerprints."""

    def __init__(self, folder: Path, fingerprint: bytes, quota_bytes: int) -> None:
        self._root = folder
        self._folder = folder / fingerprint.hex()[:16]
        self._fingerprint = fingerprint
        self._quota_bytes = quota_bytes
        self._refused_until = 0.0
        """On the monotonic clock; after the disk refused a write, reading goes on without keeping for a while."""
        self._rejected: set[Path] = set()

    def links(self, tokens: Sequence[int]) -> list[Link]:
        return list(chain(self._fingerprint, tokens))

    def has(self, link: Link, kind: str = "kv") -> bool:
        path = self._path(link, kind)
        if path in self._rejected:
            return False
        try:
            with path.open("rb") as file:
                header = file.read(_HEADER.size)
            return self._payload_bytes(header, link) == path.stat().st_size - _HEADER.size
        except OSError:
            return False

    def size_bytes(self, link: Link) -> int:
        """Bytes on disk of a segment and its window, 0 where absent."""
        return sum(p.stat().st_size for kind in ("kv", "win") if (p := self._path(link, kind)).is_file())

    def load(self, link: Link, kind: str = "kv") -> memoryview | None:
        """The payload, verified; None if it is absent or damaged (a damaged file is removed)."""
        path = self._path(link, kind)
        try:
            with path.open("rb", buffering=0) as file:
                # A damaged or foreign file may be huge: it is read when its header says that it is as long as it is.
                size = self._payload_bytes(file.read(_HEADER.size), link)
                if size is None or size != os.fstat(file.fileno()).st_size - _HEADER.size:
                    raise _DamagedError
                file.seek(0)
                content = memoryview(file.readall())  # a mapped file that somebody cuts would end the process
        except _DamagedError:
            self.reject(link, kind)
            return None
        except OSError:
            return None
        payload = self._verified(content, link)
        if payload is None:
            self.reject(link, kind)
        return payload

    def save(self, link: Link, payload: bytes, kind: str = "kv") -> None:
        """Write one segment so that a crash at any moment leaves the old state or the new one."""
        path = self._path(link, kind)
        if time.monotonic() < self._refused_until:
            return
        head = _HEADER.pack(_MAGIC, self._fingerprint, link.key, len(payload), zlib.crc32(payload), 0)[:-4]
        try:
            private_folder(self._folder)
            with NamedTemporaryFile(dir=self._folder, suffix=".tmp", delete=False) as file:  # mode 0600
                try:
                    file.write(head + struct.pack("<I", zlib.crc32(head)))
                    file.write(payload)
                    file.flush()
                    os.fsync(file.fileno())
                    Path(file.name).replace(path)
                    self._rejected.discard(path)
                except BaseException:
                    self._remove(Path(file.name))
                    raise
        except OSError:
            self._refused_until = time.monotonic() + REFUSED_S

    def forget(self, link: Link, kind: str) -> None:
        self._remove(self._path(link, kind))

    def reject(self, link: Link, kind: str) -> None:
        """Never use this file again, even where it cannot be deleted."""
        self._rejected.add(self._path(link, kind))
        self.forget(link, kind)

    def evict(self, used: Sequence[Link]) -> None:
        """Delete the least recently used files until the quota holds; of the chain just `used`, the end goes first."""
        now = time.time_ns()
        for age, link in enumerate(used):
            for kind in ("kv", "win"):
                with suppress(OSError):
                    os.utime(self._path(link, kind), ns=(now - age, now - age))
        files = [(stat.st_mtime_ns, stat.st_size, path) for path, stat in self._files()]
        stale = [path for mtime_ns, _, path in files if path.suffix == ".tmp" and mtime_ns < now - STALE_NS]
        total = sum(size for _, size, _ in files)
        for path in stale:
            self._remove(path)
        for _, size, path in sorted(files):
            if total <= self._quota_bytes:
                break
            self._remove(path)
            total -= size

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        for path in self._root.glob("*/*"):
            try:
                yield path, path.stat()
            except OSError:
                continue  # another process evicted it

    def _path(self, link: Link, kind: str) -> Path:
        return self._folder / f"{link.key.hex()[:40]}.{kind}"

    def _payload_bytes(self, header: bytes | memoryview, link: Link) -> int | None:
        """What an intact header of this link says; None for any other."""
        if len(header) < _HEADER.size:
            return None
        magic, fingerprint, key, size, _, head_crc = _HEADER.unpack(header)
        ours = (magic, fingerprint, key) == (_MAGIC, self._fingerprint, link.key)
        return int(size) if ours and zlib.crc32(header[:-4]) == head_crc else None

    def _verified(self, content: memoryview, link: Link) -> memoryview | None:
        header, payload = content[: _HEADER.size], content[_HEADER.size :]
        if self._payload_bytes(header, link) != len(payload):
            return None
        return payload if zlib.crc32(payload) == _HEADER.unpack(header)[4] else None

    @staticmethod
    def _remove(path: Path) -> None:
        with suppress(OSError):  # a read-only cache is used as it is
            path.unlink(missing_ok=True)
