"""What earlier requests brought, and whether it serves a newer one: as long as the user types along it.

Documents are kept as hashes. Knows nothing of models.
"""

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import blake2b
from threading import Lock

MOST = 64
LOOK_BACK_CHARS = 128
"""How far a user may have typed along."""


@dataclass(frozen=True, slots=True)
class Result:
    """A text for a place in a document; "" with the reason where there is none."""

    text: str
    replaced: int
    """Characters after the cursor that it replaces."""
    confidence: float | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Asked:
    """A place in a document."""

    path: str
    before: str
    after: str


class Results:
    """Thread-safe. The latest results by place; the oldest go."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[tuple[str, int, bytes, bytes], Result] = OrderedDict()

    def keep(self, asked: Asked, result: Result) -> None:
        with self._lock:
            key = (asked.path, len(asked.before), _hash(asked.before), _hash(asked.after))
            self._kept.pop(key, None)
            self._kept[key] = result
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)

    def find(self, asked: Asked) -> Result | None:
        """The longest rest of an earlier text that what was typed since is the beginning of."""
        after = _hash(asked.after)
        hashes: dict[int, bytes] = {}
        best: Result | None = None
        with self._lock:
            kept = list(reversed(self._kept.items()))
        for (path, length, before, followed), result in kept:
            typed_chars = len(asked.before) - length
            if path != asked.path or followed != after or not 0 <= typed_chars <= LOOK_BACK_CHARS:
                continue
            if length not in hashes:
                hashes[length] = _hash(asked.before[:length])
            if hashes[length] != before:
                continue
            typed = asked.before[length:]
            if not typed and not result.text:
                return result
            if len(typed) < len(result.text) and result.text.startswith(typed):
                rest = Result(result.text[len(typed) :], result.replaced, result.confidence, None)
                if best is None or len(rest.text) > len(best.text):
                    best = rest
        return best


def _hash(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
