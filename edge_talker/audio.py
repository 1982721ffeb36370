"""Sound: the constants of the loop and what every stage does to samples.

Constants are named once and the rest is derived from them. Rates in Hz, levels in dBFS.
"""

import math
from functools import cache
from typing import Any

import numpy as np
import soxr
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from edge_talker.messages import Samples

HEARING_RATE_HZ = 16_000  # VAD, ASR and echo canceller all want this rate
BLOCK_MS = 20  # two frames of a WebRTC echo canceller
BLOCK_SAMPLES = HEARING_RATE_HZ * BLOCK_MS // 1000
VOICED_BELOW_PEAK_DB = 40.0  # a sample louder than its peak less this is voiced

_HZ_PER_MEL = 200 / 3  # up to 1 kHz; from there on 27 mels are a factor of 6.4
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _HZ_PER_MEL
_LOG_STEP = math.log(6.4) / 27


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


class Interpolator:
    """Values between the samples of a line, by windowed sinc; for rates that need not be constant.

    Needs 1 ms of the line on each side, while soxr keeps back up to 40 ms of a stream. Error below
    -50 dB to 6 kHz of HEARING_RATE_HZ. J. O. Smith, "Digital Audio Resampling", 2002.
    """

    _CROSSINGS = 16  # of the sinc, on each side
    _CUTOFF = 0.92  # of the lower rate's half
    _PHASES = 512

    def __init__(self, from_hz: int, to_hz: int) -> None:
        lower = self._CUTOFF * min(1.0, to_hz / from_hz)
        self.reach = half = math.ceil(self._CROSSINGS * max(1.0, from_hz / to_hz))  # samples
        self._offsets = np.arange(1 - half, half + 1)
        away = self._offsets - np.arange(self._PHASES + 1)[:, None] / self._PHASES
        window = np.i0(6.0 * np.sqrt(np.maximum(0.0, 1 - (away / half) ** 2))) / np.i0(6.0)
        taps = np.sinc(lower * away) * window
        self._taps = (taps / taps.sum(axis=1, keepdims=True)).astype(np.float32)

    def at(self, line: Samples, places: NDArray[np.floating[Any]]) -> Samples:
        """Return the line's values at `places` (n,), in samples, at least `reach` from its ends."""
        whole = np.floor(places).astype(np.int64)
        phase = np.rint((places - whole) * self._PHASES).astype(np.int64)
        windows = sliding_window_view(line, len(self._offsets))
        values: Samples = np.einsum(
            "ij,ij->i", windows[whole + self._offsets[0]], self._taps[phase]
        )
        return values


class PromptResampler:
    """Resamples a stream piece by piece with 1 ms of delay."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._interpolator = Interpolator(from_hz, to_hz)
        self._step = from_hz / to_hz
        self._line: Samples = np.zeros(self._interpolator.reach, np.float32)
        self._place = float(self._interpolator.reach)  # of the next output in `_line`

    def push(self, samples: Samples) -> Samples:
        """Return what the samples (n,) complete."""
        if self._step == 1:
            return samples
        line = np.concatenate([self._line, samples])
        reach = self._interpolator.reach
        count = max(0, math.ceil((len(line) - reach - self._place) / self._step))
        out = self._interpolator.at(line, self._place + self._step * np.arange(count))
        self._place += self._step * count
        done = max(0, int(self._place) - reach)
        self._line = line[done:]
        self._place -= done
        return out


@cache
def slaney_filters(n_mels: int, fft_samples: int, low_hz: float, high_hz: float) -> Samples:
    """Return triangles of equal area over a spectrum, (n_mels, fft_samples // 2 + 1).

    The spectrum is that of sound at HEARING_RATE_HZ. Slaney, "Auditory Toolbox", 1998.
    """

    def mel(hz: float) -> float:
        if hz < _BREAK_HZ:
            return hz / _HZ_PER_MEL
        return _BREAK_MEL + math.log(hz / _BREAK_HZ) / _LOG_STEP

    mels = np.linspace(mel(low_hz), mel(high_hz), n_mels + 2)
    above_hz = _BREAK_HZ * np.exp((mels - _BREAK_MEL) * _LOG_STEP)
    corners_hz = np.where(mels < _BREAK_MEL, mels * _HZ_PER_MEL, above_hz)
    low, centre, high = corners_hz[:-2, None], corners_hz[1:-1, None], corners_hz[2:, None]
    bins_hz = np.linspace(0, HEARING_RATE_HZ / 2, fft_samples // 2 + 1)
    triangles = np.minimum((bins_hz - low) / (centre - low), (high - bins_hz) / (high - centre))
    filters: Samples = (np.maximum(triangles, 0) * 2 / (high - low)).astype(np.float32)
    filters.setflags(write=False)
    return filters


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
