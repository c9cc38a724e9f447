"""The parameters of our own methods and commands, read from the JSON a client sent; a wrong one is named.

Does not know: what they are for.
"""

from collections.abc import Mapping
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from lsp.client import Token

MAX_NUMBER = 2**31 - 1
"""LSP's largest."""


class Given:
    """One JSON object with what is taken from it."""

    def __init__(self, values: object, where: str = "params") -> None:
        """JsonRpcInvalidParams for anything but an object; nothing at all is an empty one."""
        if values is not None and not isinstance(values, Mapping):
            raise JsonRpcInvalidParams(f"{where} must be an object")
        self._values: Mapping[str, Any] = values or {}
        self._where = where

    def text(self, name: str, default: str | None = None) -> str:
        value = self._values.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str):
            raise self._wrong(name, "a text")
        return value

    def words(self, name: str) -> str:
        """A text that says something."""
        value = self.text(name)
        if not value.strip():
            raise self._wrong(name, "a text that is not empty")
        return value

    def optional(self, name: str) -> str | None:
        return None if self._values.get(name) is None else self.text(name)

    def flag(self, name: str, default: bool = False) -> bool:
        value = self._values.get(name, default)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def number(self, name: str) -> int | None:
        value = self._values.get(name)
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_NUMBER
        ):
            raise self._wrong(name, f"a number from 0 to {MAX_NUMBER}")
        return value

    def choice(self, name: str, options: tuple[str, ...]) -> str:
        """One of the options; the first if there is none."""
        value = self._values.get(name, options[0])
        if value not in options:
            raise self._wrong(name, f"one of {', '.join(options)}")
        return str(value)

    def token(self, *names: str) -> Token | None:
        """The first token there is under these names."""
        for name in names:
            value = self._values.get(name)
            if isinstance(value, bool) or not isinstance(value, (int, str, type(None))):
                raise self._wrong(name, "a token: a number or a text")
            if value is not None:
                return value
        return None

    def inner(self, name: str) -> "Given":
        return Given(self._values.get(name), f"{self._where}.{name}")

    @property
    def uri(self) -> str | None:
        """The document it is about: `textDocument.uri`, else `uri`."""
        return self.inner("textDocument").optional("uri") or self.optional("uri")

    def range(self, name: str = "range") -> tuple[int, int, int, int] | None:
        """Line and character of start and end."""
        if self._values.get(name) is None:
            return None
        start, end = (self.inner(name).inner(side) for side in ("start", "end"))
        found = [side.number(part) for side in (start, end) for part in ("line", "character")]
        if None in found:
            raise self._wrong(name, "a range")
        return found[0] or 0, found[1] or 0, found[2] or 0, found[3] or 0

    def _wrong(self, name: str, wanted: str) -> JsonRpcInvalidParams:
        return JsonRpcInvalidParams(f"{self._where}.{name} must be {wanted}")


def quadruple(given: types.Range) -> tuple[int, int, int, int]:
    """Line and character of start and end."""
    return given.start.line, given.start.character, given.end.line, given.end.character
