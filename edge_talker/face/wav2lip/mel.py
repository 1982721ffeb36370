"""The log-mel spectrogram that Wav2Lip was trained on, of a whole sound or as the sound comes.

Knows the published front end: magnitudes of 50 ms every 12.5 ms, centred as librosa 0.7 does it, in
decibels, brought to -4 to 4. Prajwal et al., "A Lip Sync Expert Is All You Need", 2020.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from edge_talker.audio import HEARING_RATE_HZ, slaney_filters
from edge_talker.face import FRAMES_PER_SECOND
from edge_talker.face.wav2lip.description import MEL_BINS, MEL_FRAMES
from edge_talker.messages import Samples

Mel = NDArray[np.float32]

FFT_SAMPLES = 800
HOP_SAMPLES = 200
COLUMNS_HZ = HEARING_RATE_HZ // HOP_SAMPLES
LOW_HZ, HIGH_HZ = 55, 7600
SILENCE = -4.0  # what is 100 dB or more below a level of 20 dB

_HALF = FFT_SAMPLES // 2
_PREEMPHASIS = 0.97
_LOWEST = 1e-5
_AT_ONCE = 8  # columns: BLAS would share a larger product between threads, which then stay awake
_HANN = np.hanning(FFT_SAMPLES + 1)[:-1]


def log_mel(samples: Samples) -> Mel:
    """Return the spectrogram of a whole sound (n,) at HEARING_RATE_HZ, (80, 1 + n // 200)."""
    stream = MelStream()
    stream.push(samples, last=True)
    return stream.columns(0, stream.end)


def first_column(frame: int) -> int:
    """Return where the window of a picture begins: its last column is 200 ms after the first."""
    return frame * COLUMNS_HZ // FRAMES_PER_SECOND


class MelStream:
    """The spectrogram of one sound that comes in pieces; the same as that of the whole."""

    def __init__(self) -> None:
        self.end = 0  # columns known so far
        self._last = False
        self._before = 0.0  # the newest sample, without its emphasis
        self._line: Samples = np.zeros(0, np.float32)  # emphasised; from the next column on
        self._begun = False
        self._columns = np.zeros((0, MEL_BINS), np.float32)  # up to `end`

    def push(self, samples: Samples, *, last: bool = False) -> None:
        """Take samples (n,) at HEARING_RATE_HZ; all columns are there once `last`."""
        line = np.append(np.float32(self._before), samples)
        emphasised = line[1:] - np.float32(_PREEMPHASIS) * line[:-1]
        self._before, self._last = float(line[-1]), last
        self._line = np.concatenate([self._line, emphasised])
        if not self._begun:
            if last and len(self._line) <= _HALF:  # there is nothing to mirror
                self._line = np.pad(self._line, (0, _HALF + 1 - len(self._line)))
            if len(self._line) <= _HALF:
                return
            self._begun = True
            self._line = np.concatenate([self._line[_HALF:0:-1], self._line])
        if last:
            self._line = np.concatenate([self._line, self._line[-2 : -_HALF - 2 : -1]])
        count = max((len(self._line) - FFT_SAMPLES) // HOP_SAMPLES + 1, 0)
        if count:
            new = _columns(self._line, count)
            self._columns = np.concatenate([self._columns, new])
            self._line = self._line[count * HOP_SAMPLES :]
            self.end += count

    def has_window(self, frame: int) -> bool:
        """Return whether the window of a picture is known."""
        return self._last or first_column(frame) + MEL_FRAMES <= self.end

    def window(self, frame: int) -> Mel:
        """Return the window of a picture, (80, 16); at the end of the sound its last one."""
        start = max(min(first_column(frame), self.end - MEL_FRAMES), 0)
        found = self.columns(start, min(start + MEL_FRAMES, self.end))
        short = MEL_FRAMES - found.shape[1]
        return np.pad(found, ((0, 0), (0, short)), constant_values=SILENCE) if short else found

    def columns(self, start: int, end: int) -> Mel:
        """Return columns of the spectrogram, (80, n)."""
        oldest = self.end - len(self._columns)
        return np.ascontiguousarray(self._columns[start - oldest : end - oldest].T)

    def forget(self, before: int) -> None:
        """Let go of the columns before one; as many as a window has stay."""
        keep = max(self.end - before, MEL_FRAMES)
        self._columns = self._columns[-keep:].copy()


def _columns(line: Samples, count: int) -> NDArray[np.float32]:
    """Return the first columns of a line, (count, 80)."""
    pieces = sliding_window_view(line, FFT_SAMPLES)[::HOP_SAMPLES][:count]
    filters = slaney_filters(MEL_BINS, FFT_SAMPLES, LOW_HZ, HIGH_HZ).T
    out = np.empty((count, MEL_BINS), np.float32)
    for start in range(0, count, _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        magnitudes = np.abs(np.fft.rfft(pieces[part] * _HANN)) @ filters
        levels = 20 * np.log10(np.maximum(magnitudes, _LOWEST))  # less 20 dB, and from -100 dB up
        out[part] = np.clip(8 * (levels - 20 + 100) / 100 - 4, -4, 4)
    return out
