"""Makes one model file of the parts it was split into (`NAME-00001-of-0000N.gguf`), as llama.cpp reads them.

Knows the container only: keys and tensors are copied as they are.
"""

import re
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from copilot.engine.gguf_header import Header, read_header
from copilot.errors import ModelFileError
from copilot.events import Progress, Report, ignore

_PART = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})$")
_SPLIT_KEYS = ("split.no", "split.count", "split.tensors.count")
_COPY_BYTES = 4 << 20
_MOST_PARTS = 999


def part_paths(path: Path) -> tuple[Path, ...]:
    """All parts of the model that `path` is a part of, in order; just `path` where it is whole.

    ModelFileError names the first part that is missing.
    """
    named = _PART.fullmatch(path.stem)
    if named is None:
        return (path,)
    count = int(named["count"])
    if not 1 <= int(named["number"]) <= count <= _MOST_PARTS:
        raise ModelFileError(f"{path.name} has no believable part number; rename it as it was published")
    paths = [path.with_name(f"{named['stem']}-{n:05d}-of-{count:05d}{path.suffix}") for n in range(1, count + 1)]
    missing = next((part for part in paths if not part.is_file()), None)
    if missing is not None:
        raise ModelFileError(f"{missing.name} is missing; a model of {count} parts needs all of them in one folder")
    return tuple(paths)


def whole_name(path: Path) -> str:
    """The name of a file without suffix and part number."""
    named = _PART.fullmatch(path.stem)
    return named["stem"] if named else path.stem


def join(parts: Sequence[Path], target: Path, report: Report = ignore) -> None:
    """Write `target` as the whole model; ModelFileError where the parts do not belong together."""
    headers = [read_header(part) for part in parts]
    _check(headers)
    alignment = _alignment(headers[0])
    head, padding = _head(headers, alignment)
    total = sum(tensor.n_bytes for header in headers for tensor in header.tensors)
    done = 0
    with target.open("xb") as file:
        file.write(head + bytes(padding))
        for header in headers:
            with header.path.open("rb") as source:
                for tensor in header.tensors:
                    for block in _blocks(source, header.data_start + tensor.offset, tensor.n_bytes):
                        file.write(block)
                        done += len(block)
                        report(Progress("fetch", done, total, "bytes"))
                    file.write(bytes(-tensor.n_bytes % alignment))


def _check(headers: Sequence[Header]) -> None:
    first = headers[0]
    for number, header in enumerate(headers):
        told = (header.values.get("split.no"), header.values.get("split.count"))
        if told != (number, len(headers)):
            raise ModelFileError(
                f"{header.path.name} is not part {number + 1} of {len(headers)}; fetch the parts again"
            )
        if _alignment(header) != _alignment(first):
            raise ModelFileError(f"{header.path.name} is aligned otherwise than the first part; fetch the parts again")
    names = [tensor.name for header in headers for tensor in header.tensors]
    told_count = first.values.get("split.tensors.count", len(names))
    if len(set(names)) != len(names) or told_count != len(names):
        raise ModelFileError(f"{first.path.name} and its other parts do not hold each tensor once; fetch them again")


def _alignment(header: Header) -> int:
    value = header.values.get("general.alignment", 32)
    assert isinstance(value, int)  # the header was checked when it was read
    return value


def _head(headers: Sequence[Header], alignment: int) -> tuple[bytes, int]:
    """Everything before the data, and how many bytes follow it until they begin."""
    first = headers[0]
    spans = [span for key, span in first.spans.items() if key not in _SPLIT_KEYS]
    with first.path.open("rb") as source:
        keys = b"".join(b"".join(_blocks(source, start, end - start)) for start, end in spans)
    table, offset, count = b"", 0, 0
    for header in headers:
        for tensor in header.tensors:
            name = tensor.name.encode()
            table += struct.pack("<Q", len(name)) + name
            table += struct.pack(f"<I{len(tensor.shape)}Q", len(tensor.shape), *tensor.shape)
            table += struct.pack("<IQ", tensor.type, offset)
            offset += -(-tensor.n_bytes // alignment) * alignment
            count += 1
    head = b"GGUF" + struct.pack("<IQQ", first.version, count, len(spans)) + keys + table
    return head, -len(head) % alignment


def _blocks(source: BinaryIO, start: int, size: int) -> Iterator[bytes]:
    source.seek(start)
    while size > 0:
        block = source.read(min(size, _COPY_BYTES))
        if not block:
            raise ModelFileError("a part of the model became shorter while it was read; run the command again")
        yield block
        size -= len(block)
