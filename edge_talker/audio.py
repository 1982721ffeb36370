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


class Ring:
    """A bounded line of samples between two threads, one pushing and one pulling, without a lock.

    What would overflow is not taken, and counted in `lost`.
    """

    def __init__(self, capacity: int, channels: int = 1) -> None:
        shape = capacity if channels == 1 else (capacity, channels)
        self._samples = np.zeros(shape, np.float32)
        self._capacity = capacity
        self._pushed = 0
        self._pulled = 0
        self.lost = 0  # samples

    @property
    def ready(self) -> int:
        """Samples that can be pulled."""
        return self._pushed - self._pulled

    def push(self, samples: Samples) -> None:
        """Append samples, (n,) or (n, channels)."""
        count = min(len(samples), self._capacity - self.ready)
        self.lost += len(samples) - count
        at = self._pushed % self._capacity
        first = min(count, self._capacity - at)
        self._samples[at : at + first] = samples[:first]
        self._samples[: count - first] = samples[first:count]
        self._pushed += count

    def pull(self, count: int) -> Samples:
        """Take the oldest `count` samples, or all that there are."""
        count = min(count, self.ready)
        at = self._pulled % self._capacity
        first = min(count, self._capacity - at)
        out = np.concatenate([self._samples[at : at + first], self._samples[: count - first]])
        self._pulled += count
        return out
