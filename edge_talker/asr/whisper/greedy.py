"""Greedy search: the most probable token at every step, as long as none of the guards objects.

Knows tokens and logits; what computes them is behind `Network`. Radford et al. 2022, section 4.5.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge_talker.asr.whisper.description import Description
from edge_talker.asr.whisper.guards import is_looping
from edge_talker.asr.whisper.mel import log_mel
from edge_talker.asr.whisper.model import Decoded, Request
from edge_talker.asr.whisper.tokens import Tokenizer
from edge_talker.engines import Stop
from edge_talker.messages import Language

Floats = NDArray[np.float32]

PROMPT_TOKENS = 5  # at most, besides the text that came before


class Steps(Protocol):
    """The decoder over one encoded utterance."""

    def logits(self, tokens: Sequence[int], position: int) -> Floats:
        """Return the logits (n_vocab,) after the last of `tokens`, the first at `position`.

        What was given before `position` is remembered, what came after it forgotten.
        """
        ...


class Network(Protocol):
    """Encoder and decoder, on whatever runs them."""

    def window(self, positions: int) -> int:
        """Return the smallest window that can be run and has that many positions."""
        ...

    def encode(self, mel: Floats, slots: int, stop: Stop) -> Steps | None:
        """Encode mel (n_mels, 2 * window) for a text of at most `slots` tokens; None on `stop`."""
        ...

    def close(self) -> None:
        """Release everything; safe to call twice."""
        ...


class Greedy:
    """A `Model` over any `Network`."""

    def __init__(self, network: Network, tokenizer: Tokenizer, description: Description) -> None:
        self._network = network
        self._tokenizer = tokenizer
        self._n_mels = description.n_mels
        self._never = np.zeros(description.n_vocab, np.float32)
        self._never[tokenizer.suppressed] = -np.inf
        self._at_first = self._never.copy()
        self._at_first[tokenizer.blank] = -np.inf

    def window(self, positions: int) -> int:
        """Return the smallest window that can be run and has that many positions."""
        return self._network.window(positions)

    def decode(self, request: Request, stop: Stop) -> Decoded | None:
        """Decode an utterance; None on `stop`, which is asked at every step.

        What goes in circles is broken off, and is not complete.

        Raises:
            EngineError: the runtime failed, or the language has no token.

        """
        mel = log_mel(request.samples, self._n_mels, 2 * request.window)
        context = max(map(len, request.prompt.values()), default=0)
        slots = context + PROMPT_TOKENS + request.max_tokens
        steps = self._network.encode(mel, slots, stop)
        if steps is None or stop():
            return None
        # Silence and language are best told before any text.
        first = steps.logits([self._tokenizer.start], 0)
        language = request.language or self._detected(first)
        no_speech = float(np.exp(_logprob(first, self._tokenizer.no_speech)))
        before = request.prompt.get(language, ())
        prompt = [self._tokenizer.previous, *before] if before else []
        prompt += self._tokenizer.prompt(language)
        tokens: list[int] = []
        logprobs: list[float] = []
        fed, position = prompt, 0
        while True:
            if stop():
                return None
            logits = steps.logits(fed, position) + (self._never if tokens else self._at_first)
            scripted = len(tokens) < len(request.script)
            token = request.script[len(tokens)] if scripted else int(logits.argmax())
            complete = token == self._tokenizer.end
            if complete or len(tokens) == request.max_tokens:
                break
            tokens.append(token)
            logprobs.append(_logprob(logits, token))
            if is_looping(tokens) and not scripted:
                break
            position += len(fed)
            fed = [token]
        return Decoded(tuple(tokens), tuple(logprobs), language, no_speech, complete)

    def close(self) -> None:
        """Release the network; safe to call twice."""
        self._network.close()

    def _detected(self, logits: Floats) -> Language:
        languages = self._tokenizer.languages
        if not self._tokenizer.is_multilingual:
            return languages[0]
        return max(languages, key=lambda code: logits[self._tokenizer.language(code)])


def _logprob(logits: Floats, token: int) -> float:
    """Return the logarithm of a token's probability."""
    top = logits.max()
    return float(logits[token] - top - np.log(np.exp(logits - top).sum()))
