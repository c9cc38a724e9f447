"""Writes GGUF v3 files: typed key/values and float tensors (ggml-org/ggml docs/gguf.md).

Knows nothing of models: which keys and tensors a file needs is the caller's business.
"""

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ALIGNMENT = 32
_U32, _I32, _F32, _BOOL, _STRING, _ARRAY = 4, 5, 6, 7, 8, 9
_TENSOR_TYPES = {np.dtype(np.float32): 0, np.dtype(np.float16): 1}

Value = bool | int | float | str | Sequence[bool] | Sequence[int] | Sequence[float] | Sequence[str]


class GgufWriter:
    """Collects key/values and tensors in order; `write` puts them into one file."""

    def __init__(self) -> None:
        self._values: list[bytes] = []
        self._tensors: list[tuple[str, NDArray[np.floating[Any]]]] = []

    def add(self, key: str, value: Value) -> None:
        """Add one key: bool, int (u32), float (f32), str, or a non-empty sequence of one of them (int: i32)."""
        if isinstance(value, bool | int | float | str):
            kind, payload = _scalar(value)
        else:
            kind, payload = _ARRAY, _array(value)
        self._values.append(_string(key) + struct.pack("<I", kind) + payload)

    def tensor(self, name: str, array: NDArray[np.floating[Any]]) -> None:
        """Add one tensor of float32 or float16; a numpy shape (out, in) is ggml's ne = [in, out]."""
        self._tensors.append((name, np.ascontiguousarray(array)))

    def write(self, path: Path) -> None:
        """Write the file, replacing what is there."""
        table, offset = b"", 0
        for name, array in self._tensors:
            shape = array.shape[::-1]
            dims = struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
            table += _string(name) + dims + struct.pack("<IQ", _TENSOR_TYPES[array.dtype], offset)
            offset += array.nbytes + _padding(array.nbytes)
        head = b"GGUF" + struct.pack("<IQQ", 3, len(self._tensors), len(self._values))
        head += b"".join(self._values) + table
        with path.open("wb") as file:
            file.write(head + bytes(_padding(len(head))))
            for _, array in self._tensors:
                file.write(array.tobytes() + bytes(_padding(array.nbytes)))


def _padding(n_bytes: int) -> int:
    return -n_bytes % ALIGNMENT


def _string(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def _scalar(value: bool | int | float | str) -> tuple[int, bytes]:
    """Return (GGUF type, encoded value)."""
    match value:
        case bool():
            return _BOOL, struct.pack("<?", value)
        case int():
            return _U32, struct.pack("<I", value)
        case float():
            return _F32, struct.pack("<f", value)
        case str():
            return _STRING, _string(value)


def _array(values: Sequence[bool] | Sequence[int] | Sequence[float] | Sequence[str]) -> bytes:
    first = values[0]
    if isinstance(first, str):
        return struct.pack("<IQ", _STRING, len(values)) + b"".join(_string(str(v)) for v in values)
    kind, letter = (_BOOL, "?") if isinstance(first, bool) else (_I32, "i")
    if isinstance(first, float):
        kind, letter = _F32, "f"
    return struct.pack(f"<IQ{len(values)}{letter}", kind, len(values), *values)
