"""Signs that a transcript is made up: loops, more words than fit, text where nobody spoke.

Whisper was trained on subtitles and goes on writing them over silence and over windows that end
too soon. The thresholds of compression, logprob and no-speech are those of Radford et al. 2022,
section 4.5. Knows what was decoded; what follows from a sign is up to the engine.
"""

import zlib
from collections.abc import Sequence
from statistics import fmean

from edge_talker.asr.whisper.model import Decoded
from edge_talker.audio import HEARING_RATE_HZ

MOST_COMPRESSED = 2.4  # a text that gzip shrinks more than this repeats itself
LEAST_LOGPROB = -1.0  # mean of the tokens
MOST_NO_SPEECH = 0.6
TOKENS_PER_S = 12  # the fastest readers of English say 8, of Chinese 10 ...
SPARE_TOKENS = 8  # ... and a short word may take some

_LONGEST_LOOP = 8  # tokens that repeat
_ROUNDS = 4  # of a loop, until it is one
_SHORTEST_LOOP = 12  # tokens of all rounds together: "no no no no" is speech


def token_limit(samples: int) -> int:
    """Return how many tokens a sound of so many samples can have at most."""
    return SPARE_TOKENS + TOKENS_PER_S * samples // HEARING_RATE_HZ


def is_looping(tokens: Sequence[int]) -> bool:
    """Return whether the tokens end in the same few over and over."""
    for period in range(1, _LONGEST_LOOP + 1):
        rounds = max(_ROUNDS, -(-_SHORTEST_LOOP // period))
        end = tokens[-rounds * period :]
        if len(end) == rounds * period and end[period:] == end[:-period]:
            return True
    return False


def compression_ratio(text: str) -> float:
    """Return the length of a text over its length when compressed; 0 for none."""
    data = text.encode()
    return len(data) / len(zlib.compress(data)) if data else 0.0


def mean_logprob(logprobs: Sequence[float]) -> float:
    """Return their mean, 0 where there are none."""
    return fmean(logprobs) if logprobs else 0.0


def is_silence(decoded: Decoded) -> bool:
    """Return whether nobody spoke, as the network says itself; its text is then made up."""
    doubted = mean_logprob(decoded.logprobs) < LEAST_LOGPROB
    return doubted and decoded.no_speech > MOST_NO_SPEECH


def has_words(text: str) -> bool:
    """Return whether there is more in a text than the marks that are written over a noise."""
    return any(map(str.isalnum, text))


def is_made_up(decoded: Decoded, text: str) -> bool:
    """Return whether a text goes in circles or never ends: nobody said that."""
    return (
        not decoded.complete
        or is_looping(decoded.tokens)
        or compression_ratio(text) > MOST_COMPRESSED
    )


def is_doubtful(decoded: Decoded, text: str) -> bool:
    """Return whether a text should be decoded again with more context."""
    return is_made_up(decoded, text) or mean_logprob(decoded.logprobs) < LEAST_LOGPROB
