"""Sound: the constants of the loop and what every stage does to samples.

Constants are named once and the rest is derived from them. Rates in Hz, levels in dBFS.
"""

import numpy as np
import soxr

from edge_talker.messages import Samples

HEARING_RATE_HZ = 16_000  # VAD, ASR and echo canceller all want this rate
BLOCK_MS = 20  # two frames of a WebRTC echo canceller
BLOCK_SAMPLES = HEARING_RATE_HZ * BLOCK_MS // 1000
VOICED_BELOW_PEAK_DB = 40.0  # a sample louder than its peak less this is voiced


class Resampler:
    """Resamples a stream piece by piece without a seam, soxr HQ quality."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._stream = (
            None if from_hz == to_hz else soxr.ResampleStream(from_hz, to_hz, 1, dtype="float32")
        )

    def push(self, samples: Samples, *, last: bool = False) -> Samples:
        """Return what can be given out so far; all of it once `last`."""
        if self._stream is None:
            return samples
        out: Samples = self._stream.resample_chunk(samples, last=last)
        return out


def dbfs(samples: Samples) -> float:
    """Return the RMS level in dB relative to full scale; -120 for silence."""
    if not len(samples):
        return -120.0
    return float(10 * np.log10(max(float(np.mean(np.square(samples, dtype=np.float64))), 1e-12)))


def voiced_bounds(samples: Samples) -> tuple[int, int] | None:
    """Return the first voiced sample and one past the last, or None where all is silence.

    A sample is voiced if it lies within `VOICED_BELOW_PEAK_DB` of the peak.
    """
    level = np.abs(samples)
    peak = float(level.max(initial=0.0))
    if peak < 1e-4:
        return None
    voiced = np.flatnonzero(level >= peak * 10 ** (-VOICED_BELOW_PEAK_DB / 20))
    return int(voiced[0]), int(voiced[-1]) + 1
