"""Reads the header of a GGUF v2/v3 file (ggml-org/ggml docs/gguf.md): key/values and the tensor table.

Trusts nothing in the file: every count, length and offset is bounded before it is used.
Knows nothing of what the keys mean; `gguf.py` does.
"""

import hashlib
import os
import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from copilot.errors import ModelFileError
from copilot.files import Identity

MAX_HEADER_BYTES = 256 << 20
MAX_KEYS = 1 << 16
MAX_TENSORS = 1 << 16
MAX_ELEMENTS = 1 << 24
MAX_STRING_BYTES = 16 << 20
MAX_KEY_BYTES = 1 << 16
_READ_BYTES = 1 << 20
_LENGTH_BYTES = 8

_STRING, _ARRAY = 8, 9
_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
# ggml type: (elements per block, bytes per block), as ggml_row_size() counts them
_BLOCKS = (
    {kind: (1, size) for kind, size in ((0, 4), (1, 2), (24, 1), (25, 2), (26, 4), (27, 8), (28, 8), (30, 2))}
    | {kind: (32, size) for kind, size in ((2, 18), (3, 20), (6, 22), (7, 24), (8, 34), (9, 36), (20, 18), (39, 17))}
    | {kind: (256, size) for kind, size in ((10, 84), (11, 110), (12, 144), (13, 176), (14, 210), (15, 292))}
    | {kind: (256, size) for kind, size in ((16, 66), (17, 74), (18, 98), (19, 50), (21, 110), (22, 82), (23, 136))}
    | {kind: (256, size) for kind, size in ((29, 56), (34, 54), (35, 66))}
    | {40: (64, 36), 41: (128, 18), 42: (64, 18)}
)


@dataclass(frozen=True, slots=True)
class StringArray:
    """Many strings as the file has them: item i is what `data[offsets[i]:offsets[i + 1]]` holds behind its length.

    `offsets` has one entry more than there are strings and starts with 0; a length takes eight bytes.
    """

    offsets: "array[int]"
    data: bytes

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> bytes:
        return self.data[self.offsets[index] + _LENGTH_BYTES : self.offsets[index + 1]]

    def __iter__(self) -> Iterator[bytes]:
        return (self.data[start + _LENGTH_BYTES : end] for start, end in pairwise(self.offsets))


Value = bool | int | float | str | StringArray | NDArray[Any]


@dataclass(frozen=True, slots=True)
class Tensor:
    """One row of the tensor table; `shape` in ggml's order (fastest first), `offset` from the data start."""

    name: str
    shape: tuple[int, ...]
    type: int
    offset: int
    n_bytes: int


@dataclass(frozen=True, slots=True)
class Header:
    """Everything before the tensor data. Arrays are numpy arrays or a `StringArray`."""

    path: Path
    identity: Identity
    version: int
    values: MappingProxyType[str, Value]
    tensors: tuple[Tensor, ...]
    digest: str
    """SHA-256 of the header's bytes (hex)."""
    spans: MappingProxyType[str, tuple[int, int]]
    """Where each key with its value stands in the file, as byte offsets [start, end)."""
    data_start: int
    """Where the tensor data begin."""


def read_header(path: Path) -> Header:
    """Read and check the header; ModelFileError names what is wrong with the file and what to do.

    The tensor data are not read, but must be there in full.
    """
    try:
        with path.open("rb") as file:
            identity = Identity.from_stat(os.fstat(file.fileno()))
            header = _parse(_Cursor(file, path.name, identity.size), path, identity)
    except OSError as error:
        raise ModelFileError(f"cannot read the model file {path}: {error.strerror or error}") from error
    _read_last[:] = [header]
    return header


_read_last: list[Header] = []


def header_of(path: Path, digest: str) -> Header:
    """The header of a file whose card is known: the one read last if it has this digest, else read again.

    A card and then a vocabulary are made of the same header, which takes a tenth of a second to read.
    """
    return next((header for header in _read_last if header.digest == digest), None) or read_header(path)


def _parse(cursor: "_Cursor", path: Path, identity: Identity) -> Header:
    if cursor.take(min(4, identity.size)) != b"GGUF":
        raise ModelFileError(f"{path.name} is not a GGUF file: choose a model file that ends in .gguf")
    version = cursor.number("<I")
    if version not in (2, 3):
        raise cursor.error(f"has GGUF version {version}, supported are 2 and 3: convert or fetch it anew")
    n_tensors, n_keys = cursor.count("<Q", MAX_TENSORS, "tensors"), cursor.count("<Q", MAX_KEYS, "keys")
    values: dict[str, Value] = {}
    spans: dict[str, tuple[int, int]] = {}
    for _ in range(n_keys):
        begins = cursor.position
        key = cursor.text(MAX_KEY_BYTES, strict=True)
        if key in values:
            raise cursor.error(f"has the key {key!r} twice: fetch it again")
        values[key] = cursor.value(cursor.number("<I"))
        spans[key] = (begins, cursor.position)
    tensors = tuple(_tensor(cursor) for _ in range(n_tensors))
    if len({tensor.name for tensor in tensors}) != n_tensors:
        raise cursor.error("lists a tensor twice: fetch it again")
    start = _check_data(cursor, values, tensors, identity.size)
    frozen = MappingProxyType(values), tensors, cursor.digest(), MappingProxyType(spans)
    return Header(path, identity, version, *frozen, start)


def _tensor(cursor: "_Cursor") -> Tensor:
    name = cursor.text(MAX_KEY_BYTES, strict=True)
    shape = tuple(int(cursor.number("<Q")) for _ in range(cursor.count("<I", 4, "dimensions")))
    kind, offset = int(cursor.number("<I")), int(cursor.number("<Q"))
    if kind not in _BLOCKS:
        raise cursor.error(f"uses the tensor type {kind}, which is not known here: choose another quantisation")
    per_block, block_bytes = _BLOCKS[kind]
    n_elements = prod(shape)
    if not shape or shape[0] % per_block or not 0 < n_elements < 1 << 62:
        raise cursor.error(f"gives {name!r} the impossible shape {shape}: fetch it again")
    return Tensor(name, shape, kind, offset, n_elements // per_block * block_bytes)


def _check_data(cursor: "_Cursor", values: dict[str, Value], tensors: tuple[Tensor, ...], size: int) -> int:
    """Where the tensor data begin; raises unless the file is long enough for every tensor."""
    alignment = values.get("general.alignment", 32)
    if isinstance(alignment, bool) or not isinstance(alignment, int) or alignment < 1 or alignment & (alignment - 1):
        raise cursor.error("has a broken alignment: fetch it again")
    start = -(-cursor.position // alignment) * alignment
    if not tensors:
        return start
    if any(tensor.offset % alignment for tensor in tensors):
        raise cursor.error("has a tensor at a broken offset: fetch it again")
    end = start + max(tensor.offset + tensor.n_bytes for tensor in tensors)
    if end > size:
        raise cursor.error(f"is incomplete ({size:,} of {end:,} bytes): fetch it again")
    return start


class _Cursor:
    """Reads little-endian values in order, never past the end of the file or the header limit."""

    def __init__(self, file: IO[bytes], name: str, size: int) -> None:
        self._file = file
        self._name = name
        self._size = min(size, MAX_HEADER_BYTES)
        self._whole = size <= MAX_HEADER_BYTES
        self._buffer = b""
        self.position = 0

    def error(self, what: str) -> ModelFileError:
        return ModelFileError(f"the model file {self._name} {what}")

    def digest(self) -> str:
        return hashlib.sha256(memoryview(self._buffer)[: self.position]).hexdigest()

    def require(self, n_bytes: int) -> None:
        """Have `n_bytes` more in the buffer; ModelFileError if the file ends before."""
        end = self.position + n_bytes
        if end > self._size:
            if self._whole:
                raise self.error("ends inside its header: fetch it again")
            raise self.error("has an absurdly large header: fetch it again")
        if end > len(self._buffer):
            wanted = min(max(end, 2 * len(self._buffer), _READ_BYTES), self._size)
            self._buffer += self._file.read(wanted - len(self._buffer))
            if end > len(self._buffer):
                raise self.error("ends inside its header: fetch it again")

    def take(self, n_bytes: int) -> bytes:
        self.require(n_bytes)
        start, self.position = self.position, self.position + n_bytes
        return self._buffer[start : self.position]

    def number(self, layout: str) -> Any:
        (value,) = struct.unpack(layout, self.take(struct.calcsize(layout)))
        return value

    def count(self, layout: str, limit: int, what: str) -> int:
        value = int(self.number(layout))
        if value > limit:
            raise self.error(f"claims {value:,} {what}, at most {limit:,} are believable: fetch it again")
        return value

    def text(self, limit: int = MAX_STRING_BYTES, *, strict: bool = False) -> str:
        raw = self.take(self.count("<Q", limit, "bytes in a string"))
        try:
            return raw.decode("utf-8", "strict" if strict else "replace")
        except UnicodeDecodeError as error:
            raise self.error("has a name that is not UTF-8: fetch it again") from error

    def value(self, kind: int) -> Value:
        if kind == _STRING:
            return self.text()
        if kind != _ARRAY:
            scalar: bool | int | float = self.number(self._layout(kind))
            return scalar
        element = int(self.number("<I"))
        n = self.count("<Q", MAX_ELEMENTS, "elements in an array")
        if element == _STRING:
            return self._strings(n)
        layout = self._layout(element)  # arrays of arrays have no layout: nobody writes them
        return np.frombuffer(self.take(n * struct.calcsize(layout)), dtype=np.dtype(layout))

    def _layout(self, kind: int) -> str:
        layout = _SCALARS.get(kind)
        if layout is None:
            raise self.error(f"has a value of the unknown type {kind}: fetch it again")
        return layout

    def _strings(self, n: int) -> StringArray:
        """Lengths and text alternate in the file, so this walk is one step per string."""
        self.require(_LENGTH_BYTES * n)
        start, ends = self.position, []
        unpack = struct.Struct("<Q").unpack_from
        at, buffer, known = start, self._buffer, len(self._buffer) - _LENGTH_BYTES
        for _ in range(n):
            if at > known:
                self.position = at
                self.require(_LENGTH_BYTES)
                buffer, known = self._buffer, len(self._buffer) - _LENGTH_BYTES
            (length,) = unpack(buffer, at)
            if length > MAX_STRING_BYTES:
                raise self.error(f"claims a string of {length:,} bytes: fetch it again")
            at += _LENGTH_BYTES + length
            ends.append(at)
        self.position = start
        offsets = array("q", (end - start for end in (start, *ends)))
        return StringArray(offsets, self.take(at - start))
