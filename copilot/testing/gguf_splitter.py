"""Splits a model file into parts, named and marked as `llama-gguf-split` does; for tests of putting them together."""

import struct
from pathlib import Path

from copilot.engine.gguf_header import Header, Tensor, read_header

_U16, _I32 = 2, 5
_ALIGNMENT = 32


def split_model(path: Path, folder: Path, count: int) -> tuple[Path, ...]:
    """Write `count` parts of the model into `folder` and return their paths, in order."""
    header = read_header(path)
    raw = path.read_bytes()
    paths = []
    for number in range(count):
        tensors = header.tensors[number::count]
        keys = b"".join(raw[start:end] for start, end in header.spans.values()) if number == 0 else b""
        split = _key("split.no", _U16, "<H", number) + _key("split.count", _U16, "<H", count)
        split += _key("split.tensors.count", _I32, "<i", len(header.tensors))
        n_keys = 3 + (len(header.values) if number == 0 else 0)
        table, content = _tensors(raw, header, tensors)
        head = b"GGUF" + struct.pack("<IQQ", header.version, len(tensors), n_keys) + keys + split + table
        target = folder / f"{path.stem}-{number + 1:05d}-of-{count:05d}.gguf"
        target.write_bytes(head + bytes(-len(head) % _ALIGNMENT) + content)
        paths.append(target)
    return tuple(paths)


def _key(name: str, kind: int, layout: str, value: int) -> bytes:
    return _text(name) + struct.pack("<I", kind) + struct.pack(layout, value)


def _text(name: str) -> bytes:
    return struct.pack("<Q", len(name.encode())) + name.encode()


def _tensors(raw: bytes, header: Header, tensors: tuple[Tensor, ...]) -> tuple[bytes, bytes]:
    table, content = b"", b""
    for tensor in tensors:
        table += _text(tensor.name) + struct.pack(f"<I{len(tensor.shape)}Q", len(tensor.shape), *tensor.shape)
        table += struct.pack("<IQ", tensor.type, len(content))
        start = header.data_start + tensor.offset
        content += raw[start : start + tensor.n_bytes] + bytes(-tensor.n_bytes % _ALIGNMENT)
    return table, content
