"""How the next token is picked: llama.cpp's own samplers, or a script.

Knows the options and the binding; knows nothing of what the tokens mean.
"""

from collections.abc import Sequence
from typing import Any

import llama_cpp.llama_cpp as llama

from edge_talker.llm import LlamaOptions
from edge_talker.llm.llama.library import Library

_LAST_TOKENS = 64  # among which a repetition is penalised
_TOP_K = 40  # sorting the whole vocabulary for top-p would take a millisecond


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
        picked = self._library.sample(self._chain)
        return self._script.pop(0) if self._script else picked

    def close(self) -> None:
        """Free the samplers; safe to call twice."""
        if self._chain is not None:
            llama.llama_sampler_free(self._chain)
            self._chain = None


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
