"""Choosing the next token with llama.cpp's samplers, a grammar included.

Knows rows of logits only. A grammar is asked about the one token that was chosen without it, and applied to the whole
vocabulary only where it refuses: the first takes microseconds, the second as long as a decode.
"""

import ctypes
import re
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from copilot.engine.llama.library import c
from copilot.engine.requests import Sampling
from copilot.errors import EngineError, UsageError

_TOKEN_DATA = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
"""llama_token_data"""

_LITERAL = re.compile(r'"(?:\\.|[^"\\])*"|\[(?:\\.|[^\]\\])*\]|#[^\n]*', re.DOTALL)
"""Literals, sets and comments of a grammar."""
_REPETITION = re.compile(r"\{\s*(\d+)\s*,\s*(\d+)\s*\}")


class Rows(Protocol):
    """Where logits come from; `batch_row` raises where there are none, on which llama.cpp would abort the process."""

    context: object
    vocabulary: object

    def batch_row(self, row: int) -> int: ...

    def logits(self, row: int = -1) -> NDArray[np.float32]: ...


class ChainSampler:
    """A chain of llama.cpp samplers, and a grammar that holds the tokens to a language."""

    def __init__(self, rows: Rows, sampling: Sampling) -> None:
        self._rows = rows
        self._chain = self._grammar = None
        self._grammar = _grammar(rows.vocabulary, sampling.grammar) if sampling.grammar else None
        self._chain = c.llama_sampler_chain_init(c.llama_sampler_chain_default_params())
        for stage in _stages(sampling):
            c.llama_sampler_chain_add(self._chain, stage)

    def sample(self, row: int = -1) -> int:
        """The next token; the grammar goes on from it. After a complete text only an end token is left."""
        index = self._rows.batch_row(row)
        token = int(c.llama_sampler_sample(self._chain, self._rows.context, index))
        if self._grammar is None:
            return token
        if not self._allows(token):
            token = self._sample_allowed(row)
        c.llama_sampler_accept(self._grammar, token)  # a token it forbids would abort the process
        return token

    def accept(self, token: int) -> None:
        """Go on from a token that was chosen elsewhere; EngineError where the grammar has no such text."""
        if self._grammar is None:
            return
        if not self._allows(token):
            raise EngineError("the answer cannot go on from where it was: the grammar has no such text. Ask again.")
        c.llama_sampler_accept(self._grammar, token)

    def close(self) -> None:
        for sampler in (self._chain, self._grammar):
            if sampler is not None:
                c.llama_sampler_free(sampler)
        self._chain = self._grammar = None

    def _allows(self, token: int) -> bool:
        candidate = np.zeros(1, _TOKEN_DATA)
        candidate["id"] = token
        _applied(self._grammar, candidate)
        return bool(np.isfinite(candidate["logit"][0]))

    def _sample_allowed(self, row: int) -> int:
        """The chain's choice among the tokens of the whole vocabulary that the grammar allows."""
        logits = self._rows.logits(row)
        candidates = np.zeros(len(logits), _TOKEN_DATA)
        candidates["id"] = np.arange(len(logits))
        candidates["logit"] = logits
        _applied(self._grammar, candidates)
        allowed = np.ascontiguousarray(candidates[np.isfinite(candidates["logit"])])
        if not len(allowed):
            raise EngineError("no token of this model can go on as the grammar asks. Use a simpler grammar.")
        chosen = _applied(self._chain, allowed)
        if not 0 <= chosen < len(allowed):
            raise EngineError("llama.cpp chose no token. Try again.")
        return int(allowed["id"][chosen])


def _applied(sampler: object, candidates: NDArray[np.void]) -> int:
    """Apply a sampler to candidates in place; returns the index of the selected one, -1 where none is."""
    pointer = candidates.ctypes.data_as(ctypes.POINTER(c.llama_token_data))
    array = c.llama_token_data_array(data=pointer, size=len(candidates), selected=-1, sorted=False)
    c.llama_sampler_apply(sampler, ctypes.byref(array))
    return int(array.selected)


def _grammar(vocabulary: object, text: str) -> object:
    grammar = c.llama_sampler_init_grammar(vocabulary, text.encode(), b"root") if _is_safe(text) else None
    if not grammar:
        raise UsageError("the grammar is not GBNF as llama.cpp reads it: mend it or leave it out")
    return grammar


def _is_safe(text: str) -> bool:
    """Whether llama.cpp parses a grammar, or refuses it, without harm."""
    rules = _LITERAL.sub(" ", text)
    # It counts repetitions up to the upper bound, over the end of all numbers where that is the smaller one; and it may
    # allow a token that it does not accept afterwards where a grammar names tokens (<...>) after characters.
    return not ("\0" in text or "<" in rules or any(int(low) > int(high) for low, high in _REPETITION.findall(rules)))


def _stages(sampling: Sampling) -> list[object]:
    if sampling.temperature <= 0:
        return [c.llama_sampler_init_greedy()]
    return [
        c.llama_sampler_init_top_k(sampling.top_k),
        c.llama_sampler_init_top_p(sampling.top_p, 1),
        c.llama_sampler_init_temp(sampling.temperature),
        c.llama_sampler_init_dist(sampling.seed),
    ]
