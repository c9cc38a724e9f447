"""Typed access to the key/values of a GGUF header; a key of the wrong kind is a ModelFileError, not a crash.

Knows the shapes of values, not what they are used for.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from copilot.engine.gguf_header import Header, StringArray, Value
from copilot.errors import ModelFileError

NORMAL, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 3, 4, 5, 6
"""Token types (`tokenizer.ggml.token_type`); text must never become a control or user-defined token."""

MAX_SIZE = 1 << 24
"""No count of layers, heads, positions or dimensions is larger."""


class Keys:
    """Reads one header's values. A missing key gives the default, or ModelFileError where there is none."""

    def __init__(self, header: Header) -> None:
        self.header = header
        self._values: Mapping[str, Value] = header.values

    def error(self, what: str) -> ModelFileError:
        # Keys come from the file and may hold anything, but a message is one line.
        return ModelFileError(" ".join(f"the model file {self.header.path.name} {what}".split()))

    def text(self, key: str, default: str | None = None) -> str:
        value = self._get(key, default)
        if not isinstance(value, str):
            raise self._wrong(key)
        return value

    def flag(self, key: str, default: bool) -> bool:
        value = self._get(key, default)
        if not isinstance(value, bool):
            raise self._wrong(key)
        return value

    def integer(self, key: str, default: int | None = None) -> int:
        """A whole number from 0 to `MAX_SIZE`."""
        value = self._get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_SIZE:
            raise self._wrong(key)
        return value

    def size(self, key: str) -> int:
        """A whole number from 1 on; the key must be there."""
        value = self.integer(key)
        if not value:
            raise self._wrong(key)
        return value

    def per_layer(self, key: str, n_layer: int, default: tuple[int, ...] | None) -> tuple[int, ...]:
        """One number per layer; files may give a single one for all."""
        value = self._values.get(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, np.ndarray):
            return (self.integer(key),) * n_layer
        numbers = self.integers(key)
        if len(numbers) < n_layer or not all(0 <= number <= MAX_SIZE for number in numbers.tolist()):
            raise self._wrong(key)
        return tuple(numbers[:n_layer].tolist())

    def integers(self, key: str) -> NDArray[np.int64]:
        """A whole-number (or boolean) array; empty if the key is missing."""
        value = self._values.get(key, np.empty(0, np.int64))
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "biu":
            raise self._wrong(key)
        return value.astype(np.int64)

    def has_array(self, key: str) -> bool:
        return isinstance(self._values.get(key), np.ndarray)

    def strings(self, key: str) -> StringArray:
        """A non-empty array of strings; the key must be there."""
        value = self._get(key, None)
        if not isinstance(value, StringArray) or not len(value):
            raise self._wrong(key)
        return value

    def token(self, role: str, default: int | None = None) -> int | None:
        """The id under `tokenizer.ggml.<role>_token_id`, or the default if it is missing or out of range."""
        value = self._values.get(f"tokenizer.ggml.{role}_token_id")
        in_range = isinstance(value, int) and 0 <= value < len(self.strings("tokenizer.ggml.tokens"))
        return int(value) if in_range and isinstance(value, int) else default

    def special_tokens(self) -> dict[str, int]:
        """Ids of the control and user-defined tokens by their text, in order of id."""
        tokens = self.strings("tokenizer.ggml.tokens")
        types = self.integers("tokenizer.ggml.token_type")[: len(tokens)]
        ids = np.flatnonzero(np.isin(types, (CONTROL, USER_DEFINED))).tolist()
        return {tokens[index].decode(errors="replace"): index for index in ids}

    def _get(self, key: str, default: Value | None) -> Value:
        value = self._values.get(key, default)
        if value is None:
            raise self.error(f"lacks the key {key}: choose another model file")
        return value

    def _wrong(self, key: str) -> ModelFileError:
        return self.error(f"has an unusable value under {key}: fetch it again")
