"""A take of the lip-sync benchmark: sentences spoken by an avatar, and where they lie in the film.

The film is made as `edge-talker say` makes it. What the voice handed to the face is kept on its
way, since a voice need not speak a text twice alike; where that lies in the film is found in the
film's own sound, so whatever the file adds before it counts.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np

from benchmarks.lipsync_figures import AROUND_MS, Curve, Sentence, Spoken
from benchmarks.openness import STEP_MS, openness_curve
from edge_talker.audio import HEARING_RATE_HZ, Resampler
from edge_talker.config import Config
from edge_talker.engines import Stop
from edge_talker.errors import EngineError
from edge_talker.messages import Clause, Samples, Speech
from edge_talker.narrator import Narrator
from edge_talker.tts import Tts

_LATEST_S = 3.0  # after the piece before; a piece of speech that lies later is not looked for
_LEAST_LIKENESS = 0.5  # 1 is the same sound; AAC leaves 0.95 and more


class WitnessedNarrator(Narrator):
    """A narrator that keeps the speech of its voice."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.speech: list[Speech] = []
        self._voice = _Witness(self._voice, self.speech)


class _Witness:
    """A `Tts` that keeps what another one says."""

    def __init__(self, voice: Tts, speech: list[Speech]) -> None:
        self._voice = voice
        self._speech = speech

    def stream(self, clause: Clause, stop: Stop) -> Iterator[Speech]:
        for speech in self._voice.stream(clause, stop):
            self._speech.append(speech)
            yield speech

    def warm_up(self) -> None:
        self._voice.warm_up()

    def close(self) -> None:
        self._voice.close()


def perform(
    config: Config, texts: Sequence[str], film: Path, progress: Callable[[float], None]
) -> list[Speech]:
    """Have the texts said into a film; return the speech, in order."""
    with WitnessedNarrator(config) as narrator:
        narrator.on_progress = progress
        narrator.render(texts, film)
        return narrator.speech


def sentences_of(speech: Sequence[Speech], sound: Samples, unknown: set[str]) -> list[Sentence]:
    """Return what is said in a film's sound, at HEARING_RATE_HZ, one sentence a turn.

    Phonemes that have no openness are added to `unknown`.

    Raises:
        EngineError: a piece of the speech is not in the sound.

    """
    sentences = []
    after = 0
    for _, turn in groupby(speech, key=lambda piece: piece.turn_id):
        pieces = []
        for piece in turn:
            samples = _resampled(piece)
            start = find(samples, sound, after)
            pieces.append((1000 * start / HEARING_RATE_HZ, piece))
            after = start + len(samples) // 2  # two pieces may overlap by a rounded sample
        sentences.append(_sentence(pieces, unknown))
    return sentences


def find(samples: Samples, sound: Samples, after: int) -> int:
    """Return where in the sound, both at one rate, `samples` begin, from `after` on.

    Raises:
        EngineError: they are not there.

    """
    within = sound[after : after + 2 * len(samples) + round(_LATEST_S * HEARING_RATE_HZ)]
    size = len(within) + len(samples)
    spectrum = np.fft.rfft(within, size) * np.conj(np.fft.rfft(samples, size))
    likeness = np.fft.irfft(spectrum, size)[: max(len(within) - len(samples) // 2, 1)]
    best = int(likeness.argmax())
    there = within[best : best + len(samples)]
    power = float(np.linalg.norm(there) * np.linalg.norm(samples))
    if likeness[best] < _LEAST_LIKENESS * power or power == 0:
        raise EngineError(
            "The film's sound is not that of the voice.",
            "Run the benchmark again; if it stays, the recorder or the playback changes the sound.",
        )
    return after + best


def _resampled(piece: Speech) -> Samples:
    return Resampler(piece.rate_hz, HEARING_RATE_HZ).push(piece.samples, last=True)


def _sentence(pieces: Sequence[tuple[float, Speech]], unknown: set[str]) -> Sentence:
    """Return the sentence of pieces that begin at so many ms of the film."""
    first_ms = pieces[0][0] - AROUND_MS
    spoken: list[Spoken] = []
    curve: Curve = np.zeros(0)
    for start_ms, piece in pieces:
        for symbol, start_sample, end_sample in piece.phonemes:
            start, end = (1000 * n / piece.rate_hz for n in (start_sample, end_sample))
            spoken.append(Spoken(symbol, start_ms + start, start_ms + end))
        at = round((start_ms - first_ms) / STEP_MS)
        own = openness_curve(piece.phonemes, piece.rate_hz, unknown)
        curve = np.concatenate([np.pad(curve[:at], (0, max(at - len(curve), 0))), own])
    return Sentence(tuple(spoken), np.pad(curve, (0, AROUND_MS // STEP_MS)), first_ms)
