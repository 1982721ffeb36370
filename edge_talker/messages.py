"""Every message of the loop, in the order in which the data flows.

Knows shapes and units; knows nothing of threads, engines or devices. Sound is mono float32 in
[-1, 1], images are uint8 RGB of shape (height, width, 3), or RGBA with straight alpha where the
background is transparent. `turn_id` only grows; every message that belongs to a turn carries it, so
that anybody can tell a stale one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
Image = NDArray[np.uint8]
Language = Literal["en", "zh"]
Emotion = Literal["neutral", "happy", "sad", "angry", "surprised", "concerned"]


# ---- microphone -> listener ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AudioBlock:
    """A piece of what the microphone heard."""

    samples: Samples  # (n,)
    rate_hz: int
    start_sample: int  # of samples[0], counted from the first sample of the source


@dataclass(frozen=True, slots=True)
class TypedLine:
    """A line that a person typed in place of speaking; it is a whole turn."""

    text: str


# ---- listener -> ASR ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Utterance:
    """One turn's speech, open until the listener marks its end; then `blocks` is exhausted."""

    turn_id: int
    blocks: Iterator[AudioBlock]  # pre-roll first; next() waits for the microphone


# ---- ASR -> LLM ---------------------------------------------------------------------------------


UNKNOWN_WORD = "<unk>"
"""Stands in a transcript for a word that was heard and not understood."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was understood so far (partial), or at the end of the utterance (final)."""

    turn_id: int
    text: str
    language: Language
    confidence: float  # 0 to 1
    final: bool


# ---- LLM -> TTS ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Clause:
    """A piece of the reply that can be spoken on its own."""

    turn_id: int
    index: int  # 0 for the first clause of the reply
    text: str
    language: Language
    emotion: Emotion
    last: bool


# ---- TTS -> face --------------------------------------------------------------------------------


class Phoneme(NamedTuple):
    """A speech sound and where it lies in its `Speech.samples`."""

    symbol: str  # in the alphabet of the engine that made it; "" is silence
    start_sample: int
    end_sample: int  # one past the last


class Word(NamedTuple):
    """A word of `Clause.text` and where it lies in its `Speech.samples`."""

    char_start: int
    char_end: int  # one past the last
    start_sample: int
    end_sample: int  # one past the last


@dataclass(frozen=True, slots=True)
class Speech:
    """A piece of spoken reply; a clause may come in several, in order."""

    turn_id: int
    clause_index: int
    samples: Samples  # (n,)
    rate_hz: int
    phonemes: tuple[Phoneme, ...]
    words: tuple[Word, ...]
    last: bool  # of the whole reply


# ---- face -> playback and screen ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """A picture and the sound that it belongs to."""

    turn_id: int
    image: Image  # (height, width, 3 or 4)
    at_sample: int  # counted from the reply's first sample, in the rate of its Speech


@dataclass(frozen=True, slots=True)
class Clip:
    """Sound and frames of a reply, ready to be played; one of the two may follow the other."""

    turn_id: int
    samples: Samples  # (n,)
    rate_hz: int
    frames: tuple[VideoFrame, ...]  # none where the sound goes ahead
    last: bool  # of the whole reply


# ---- a reply ends by `last`, or by one of these, from any stage ---------------------------------


@dataclass(frozen=True, slots=True)
class TurnDone:
    """There is nothing (more) to say in this turn."""

    turn_id: int


@dataclass(frozen=True, slots=True)
class TurnFailed:
    """A stage raised; the turn ends here and the program says so aloud."""

    turn_id: int
    error: str


# ---- the dialogue so far, as an LLM engine sees it ----------------------------------------------


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and as much of its reply as was heard; the last one of a history is still open."""

    user_text: str  # "" where what stopped the last reply was no question: that reply goes on
    language: Language
    reply_text: str = ""  # only the words that were heard
    answer_id: str = ""  # of the knowledge entry that answered, "" where there is none
    interrupted: bool = False


History = tuple[Exchange, ...]


@dataclass(frozen=True, slots=True)
class Delta:
    """A streamed piece of a reply, as an LLM engine yields it."""

    text: str
    emotion: Emotion | None = None  # set as soon as it is known, from then on it holds
    answer_id: str | None = None  # likewise
