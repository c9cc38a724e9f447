"""Guesses what comes next from what was said before: text that repeats a passage goes on as the passage did.

Knows token ids only. A guess makes a decode longer; `Costs` learns by how much on this machine, and only guesses that
are expected to pay are made. How the constants were found is in docs/engine.md.
"""

from collections import defaultdict, deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SIZES = (4, 8, 16, 32, 64)
"""Tokens per decode worth trying: matrix kernels work on rows in multiples of these."""
NGRAM = 3
"""Tokens that have to agree before a passage is looked at."""
LONGEST = 32
"""Agreeing tokens beyond these say nothing more."""
CANDIDATES = 32
"""The latest places that are looked at, among those told and among those generated."""
RESUME_WITHIN = 12
"""How far after a wrong guess the passage may go on: the length of a changed name."""
SURE = 8
"""Agreeing tokens from which a passage is better than the one that just went on otherwise."""
ALLOWANCE = 0.02
"""The part of all decoding that guessing may cost where it does not help."""
WORTH = 1.05
"""Tokens per time, against decoding one at a time, from which a guess is made."""
UNPROVEN = 16
"""The longest decode as long as guessing has gained nothing."""
PRIOR_WEIGHT, FADING = 0.5, 0.9

_POSITION_BITS = 24
_MULTIPLIERS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)


class Costs:
    """How long a decode of n tokens takes, in decodes of one token; one object per engine learns from all answers."""

    _TOKENS, _MOST = (1, 4, 8, 16, 32, 64), (1.0, 3.2, 6.2, 10.0, 17.0, 31.0)
    """Where computing, not memory, is what takes the time: two cores with fast memory."""

    def __init__(self) -> None:
        self._single_s = 0.0
        self._scale, self._n_seen = 1.0, 1
        self._step = 1.0

    def of(self, n_tokens: int) -> float:
        """Decodes of one token that take as long as one of `n_tokens`."""
        return 1.0 + self._step * (self._most(n_tokens) - 1.0)

    def timed(self, n_tokens: int, seconds: float) -> None:
        if n_tokens == 1:
            self._single_s += (seconds - self._single_s) * (0.2 if self._single_s else 1.0)
        elif self._single_s and n_tokens >= SIZES[0]:
            seen = (seconds / self._single_s - 1.0) / (self._most(n_tokens) - 1.0)
            self._n_seen += 1
            # One slow moment of a busy machine must not end the guessing for good.
            self._scale += (min(max(seen, 0.03), 1.5) - self._scale) / min(self._n_seen, 6)
            # Powers of two: batches, and with them a text's close decisions, should not follow the clock closely.
            if not 0.6 < self._scale / self._step < 1.7:
                self._step = float(2.0 ** round(np.log2(self._scale)))

    def _most(self, n_tokens: int) -> float:
        return float(np.interp(n_tokens, self._TOKENS, self._MOST))


class Trust:
    """How likely the next token of a passage is right, by how well the passage agreed before."""

    _FROM = (NGRAM, 4, 6, 9, 16, LONGEST)
    RESUMED = len(_FROM)
    _PRIOR = (0.35, 0.5, 0.65, 0.8, 0.93, 0.97, 0.93)

    def __init__(self) -> None:
        self._right = [PRIOR_WEIGHT * p / (1 - p) for p in self._PRIOR]
        self._wrong = [PRIOR_WEIGHT] * len(self._PRIOR)

    @classmethod
    def kind(cls, agreeing: int) -> int:
        return sum(agreeing >= least for least in cls._FROM) - 1

    def of(self, kind: int) -> float:
        return self._right[kind] / (self._right[kind] + self._wrong[kind])

    def learn(self, kind: int, drafted: int, accepted: int) -> None:
        self._right[kind] = FADING * self._right[kind] + accepted
        self._wrong[kind] = FADING * self._wrong[kind] + (accepted < drafted)


class Lookup:
    """Guesses for one answer after `tokens`; made anew for each."""

    def __init__(self, tokens: Sequence[int], costs: Costs | None = None) -> None:
        self._costs = costs or Costs()
        self._n_told = self._n = len(tokens)
        self._ids = np.zeros(len(tokens) + 1024, np.int64)
        self._ids[: len(tokens)] = tokens
        self._told: NDArray[np.uint64] | None = None
        """Hashes of the n-grams of `tokens` with the position after each, sorted; made by the first draft."""
        self._generated: defaultdict[tuple[int, ...], deque[int]] = defaultdict(lambda: deque(maxlen=CANDIDATES))
        self._trust = Trust()
        self._source = self._agreeing = self._kind = 0
        self._broken = 0
        """Where a passage went on otherwise than the answer did, 0 = nowhere."""
        self._gained = 0.0
        """Decodes of one token that guessing has saved so far; negative where it has cost more."""

    def timed(self, n_tokens: int, seconds: float) -> None:
        self._costs.timed(n_tokens, seconds)

    def extend(self, tokens: Sequence[int]) -> None:
        """Append what was generated."""
        if self._n + len(tokens) > len(self._ids):
            self._ids = np.concatenate((self._ids, np.zeros_like(self._ids)))
        for token in tokens:
            self._ids[self._n] = token
            self._n += 1
            if self._n >= NGRAM:
                self._generated[self._tail()].append(self._n)

    def verified(self, drafted: int, accepted: int) -> None:
        """So many of the last draft's tokens were right."""
        self._trust.learn(self._kind, drafted, accepted)
        self._gained += accepted + 1 - self._costs.of(drafted + 1)
        followed = self._agreeing + accepted >= SURE
        self._broken = self._source + accepted if accepted < drafted and followed else 0

    def draft(self, most: int) -> list[int]:
        """At most `most` tokens that are worth the verifying, often none."""
        if most < SIZES[0] - 1 or self._n < NGRAM or self._gained < -(1.0 + ALLOWANCE * (self._n - self._n_told)):
            return []
        self._source, self._agreeing = self._best_match()
        self._kind = Trust.kind(self._agreeing)
        if self._broken and self._agreeing < SURE and (resumed := self._resumed()):
            self._source, self._agreeing, self._kind = resumed, SURE, Trust.RESUMED
        size = self._best_size(self._trust.of(self._kind), most + 1) if self._source else 0
        if not size:
            return []
        passage = self._ids[self._source : min(self._n, self._source + size - 1)]
        guesses: list[int] = np.resize(passage, size - 1).tolist()  # a passage that reaches the end begins again
        return guesses

    def _best_size(self, trust: float, most: int) -> int:
        """How many tokens to decode at once, so that each is expected to cost least; 0 = one is best."""
        best, least = 0, WORTH
        for size in SIZES:
            if size <= min(most, UNPROVEN if self._gained <= 0 else most):
                value = (1 - trust**size) / (1 - trust) / self._costs.of(size)
                if value > least:
                    best, least = size, value
        return best

    def _tail(self) -> tuple[int, ...]:
        return tuple(self._ids[self._n - NGRAM : self._n].tolist())

    def _best_match(self) -> tuple[int, int]:
        """The latest of the places where the text before agrees longest with the last tokens; how many agree."""
        places = self._places()
        if not len(places):
            return 0, 0
        back = np.arange(1, LONGEST + 1)
        before = places[:, None] - back
        same = (self._ids[before] == self._ids[self._n - back]) & (before >= 0)
        agreeing = np.where(same.all(axis=1), LONGEST, same.argmin(axis=1))
        best = len(places) - 1 - int(agreeing[::-1].argmax())
        return int(places[best]), int(agreeing[best])

    def _resumed(self) -> int:
        """Where the passage goes on that the answer just left, if the last token is in it; else 0."""
        near = self._ids[self._broken : min(self._broken + RESUME_WITHIN, self._n - 1)]
        same = np.flatnonzero(near == self._ids[self._n - 1])
        return self._broken + int(same[0]) + 1 if len(same) else 0

    def _places(self) -> NDArray[np.int64]:
        """Positions after the n-gram that the text ends with, ascending."""
        if self._told is None:
            self._told = self._index()
        tail = self._tail()
        low = np.uint64(_hashed(np.array(tail, np.uint64).reshape(NGRAM, 1))[0])
        first, last = np.searchsorted(self._told, (low, low + np.uint64(1 << _POSITION_BITS)))
        told = self._told[max(first, last - CANDIDATES) : last] & np.uint64((1 << _POSITION_BITS) - 1)
        generated = [place for place in self._generated.get(tail, ()) if place < self._n]
        return np.concatenate((told.astype(np.int64), np.array(generated, np.int64)))

    def _index(self) -> NDArray[np.uint64]:
        ids = self._ids[: self._n_told].astype(np.uint64)
        n = max(0, len(ids) - NGRAM)  # the last one has nothing after it
        grams = _hashed(np.stack([ids[i : i + n] for i in range(NGRAM)]))
        grams |= np.arange(NGRAM, NGRAM + n, dtype=np.uint64)
        grams.sort()
        return grams


def _hashed(grams: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Hashes of columns, the bits of a position left free."""
    mixed = grams[0] * np.uint64(_MULTIPLIERS[0])
    for row, multiplier in zip(grams[1:], _MULTIPLIERS[1:], strict=True):
        mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(multiplier) + row * np.uint64(_MULTIPLIERS[0])
    mixed = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(_MULTIPLIERS[1])
    hashes: NDArray[np.uint64] = mixed & ~np.uint64((1 << _POSITION_BITS) - 1)
    return hashes
