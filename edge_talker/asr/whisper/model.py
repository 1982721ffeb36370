"""What the engine asks of a Whisper network, whatever runs it.

Knows one decode of an utterance as a request and its answer; knows no runtime, no text and no
stream: windows, prompts and guards are chosen by the engine.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from edge_talker.engines import Stop
from edge_talker.messages import Language, Samples


@dataclass(frozen=True, slots=True)
class Request:
    """One decode of an utterance, greedy and without timestamps."""

    samples: Samples  # (n,) at HEARING_RATE_HZ, at most 30 s
    window: int  # encoder positions of 20 ms each; whisper.cpp calls it audio_ctx
    language: Language | None  # None: detect it, among the languages of the loop
    prompt: Mapping[Language, Sequence[int]]  # tokens of the text that came before, by language
    max_tokens: int  # of text, 1 or more
    script: Sequence[int] = ()  # taken for the sampled ones, once their logits are there


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a network made of a request."""

    tokens: tuple[int, ...]  # of text only
    logprobs: tuple[float, ...]  # of each token, among those that were allowed there
    language: Language
    no_speech: float  # probability that nothing was said; 0 from a runtime that cannot tell
    complete: bool  # the network ended it; False where `max_tokens` did


class Model(Protocol):
    """A loaded Whisper; one decode at a time."""

    def window(self, positions: int) -> int:
        """Return the smallest window that can be run and has that many positions."""
        ...

    def decode(self, request: Request, stop: Stop) -> Decoded | None:
        """Decode an utterance; None if `stop` ended it.

        Raises:
            EngineError: the runtime failed.

        """
        ...

    def close(self) -> None:
        """Release everything; safe to call twice."""
        ...
