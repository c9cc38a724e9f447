"""Stages between token ids and answer text; each is a `decode(piece) -> str` / `flush() -> str` pair."""

import codecs
from collections.abc import Callable, Sequence

from copilot.engine.requests import Sampling


class Utf8Decoder:
    """Bytes of token pieces to text; a character split over tokens waits until it is whole."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def decode(self, piece: bytes) -> str:
        return self._decoder.decode(piece)

    def flush(self) -> str:
        return self._decoder.decode(b"", final=True)


class StopMatcher:
    """Passes text on until one of `stops` appears; holds back what may be the beginning of one."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""
        self.stopped = False

    def decode(self, text: str) -> str:
        if self.stopped:
            return ""
        self._held += text
        found = [at for stop in self._stops if (at := self._held.find(stop)) >= 0]
        if found:
            self.stopped = True
            out, self._held = self._held[: min(found)], ""
            return out
        keep = self._possible_start()
        out, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        return out

    def flush(self) -> str:
        out, self._held = self._held, ""
        return out

    def _possible_start(self) -> int:
        """Length of the longest tail of the held text that begins a stop."""
        longest = min(len(self._held), max((len(stop) for stop in self._stops), default=1) - 1)
        for length in range(longest, 0, -1):
            tail = self._held[-length:]
            if any(stop.startswith(tail) for stop in self._stops):
                return length
        return 0


class LoopDetector:
    """Sees a generation that only repeats itself, as small models do under greedy sampling."""

    MAX_PERIOD, REPEATS, MIN_TOKENS = 64, 5, 40

    def __init__(self) -> None:
        self._ids: list[int] = []

    def looped(self, token: int) -> bool:
        """True once the last MIN_TOKENS or more tokens are one passage, REPEATS times over."""
        ids = self._ids
        ids.append(token)
        for period in range(1, self.MAX_PERIOD + 1):
            span = max(self.MIN_TOKENS, period * self.REPEATS)
            if span > len(ids):
                return False
            if ids[-1] == ids[-1 - period] and ids[-span:-period] == ids[-span + period :]:
                return True
        return False


class AnswerText:
    """Tokens to the text of one answer: hides thoughts, ends at stop texts and at endless repetition."""

    def __init__(self, piece: Callable[[int], bytes], sampling: Sampling) -> None:
        self._piece = piece
        self._utf8 = Utf8Decoder()
        self._stops = StopMatcher(sampling.stop)
        self._loops = LoopDetector()
        self._hidden = sampling.hidden
        self._in_hidden = sampling.begins_hidden
        self.n_tokens = 0
        self.ended = False

    def add(self, token: int) -> str:
        self.n_tokens += 1
        self.ended = self._loops.looped(token)
        if self._hidden and token in self._hidden:
            self._in_hidden = token == self._hidden[0]
            return ""
        if self._in_hidden:
            return ""
        text = self._stops.decode(self._utf8.decode(self._piece(token)))
        self.ended = self.ended or self._stops.stopped
        return text

    def flush(self) -> str:
        return self._stops.decode(self._utf8.flush()) + self._stops.flush()
