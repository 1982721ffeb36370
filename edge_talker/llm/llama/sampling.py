"""How the next token is picked: llama.cpp's own samplers, or a script.

Knows the options and the binding; knows nothing of what the tokens mean.
"""

import ctypes
from collections.abc import Sequence
from typing import Any

import llama_cpp.llama_cpp as llama
import numpy as np
from numpy.typing import NDArray

from edge_talker.llm import LlamaOptions
from edge_talker.llm.llama.library import Library

_LAST_TOKENS = 64  # among which a repetition is penalised
_TOP_K = 40  # sorting the whole vocabulary for top-p would take a millisecond
# A penalty only ever lowers a logit: the best 40 after it are among these before it.
_CANDIDATES = _TOP_K + _LAST_TOKENS
_BLOCK = 64  # logits of which only the largest is looked at first
_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])


class Sampler:
    """Picks the tokens of one reply; with a script those of the script, at the same cost."""

    def __init__(self, options: LlamaOptions, library: Library, script: Sequence[int] = ()) -> None:
        self._library = library
        self._script = [*script, library.end] if script else []
        self._chain: Any = llama.llama_sampler_chain_init(
            llama.llama_sampler_chain_default_params()
        )
        for sampler in _samplers(options, library.n_vocab):
            llama.llama_sampler_chain_add(self._chain, sampler)

    def next(self) -> int:
        """Return the token that follows what was read; its step has been computed."""
        picked = self._pick(self._library.logits())
        return self._script.pop(0) if self._script else picked

    def _pick(self, logits: NDArray[np.float32]) -> int:
        """Run the chain on the likeliest tokens; on all 152 thousand it takes 0.7 ms a token."""
        ids = likeliest(logits, _CANDIDATES)
        data = np.zeros(len(ids), _CANDIDATE)
        data["id"], data["logit"] = ids, logits[ids]
        pointer = data.ctypes.data_as(llama.llama_token_data_p)
        candidates = llama.llama_token_data_array(pointer, len(data), -1, False)
        llama.llama_sampler_apply(self._chain, ctypes.byref(candidates))
        picked = int(candidates.data[candidates.selected].id)
        llama.llama_sampler_accept(self._chain, picked)
        return picked

    def close(self) -> None:
        """Free the samplers; safe to call twice."""
        if self._chain is not None:
            llama.llama_sampler_free(self._chain)
            self._chain = None


def likeliest(logits: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    """Return the numbers of the `count` largest logits (n_vocab,), smallest number first."""
    if count >= len(logits):
        return np.arange(len(logits))
    # Each of the largest is in one of the `count` blocks with the largest maxima.
    maxima = np.maximum.reduceat(logits, np.arange(0, len(logits), _BLOCK))
    blocks = np.argpartition(maxima, -min(count, len(maxima)))[-count:]
    ids = (blocks[:, None] * _BLOCK + np.arange(_BLOCK)).ravel()
    ids = ids[ids < len(logits)]
    return np.sort(ids[np.argpartition(logits[ids], -count)[-count:]])


def _samplers(options: LlamaOptions, n_vocab: int) -> list[Any]:
    penalties = llama.llama_sampler_init_penalties(
        n_vocab, _LAST_TOKENS, options.repeat_penalty, 0.0, 0.0
    )
    if options.temperature == 0:
        return [penalties, llama.llama_sampler_init_greedy()]
    return [
        penalties,
        llama.llama_sampler_init_top_k(_TOP_K),
        llama.llama_sampler_init_top_p(options.top_p, 1),
        llama.llama_sampler_init_temp(options.temperature),
        llama.llama_sampler_init_dist(options.seed),
    ]
