"""Whisper's log-mel spectrogram, in numpy.

Knows the window of 30 s that Whisper was trained on, and computes no more of it than the sound
fills; knows nothing of the network. Radford et al., "Robust Speech Recognition via Large-Scale Weak
Supervision", 2022, section 2.2.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from edge_talker.audio import HEARING_RATE_HZ, slaney_filters
from edge_talker.messages import Samples

Mel = NDArray[np.float32]

FFT_SAMPLES = 400  # 25 ms
HOP_SAMPLES = 160  # 10 ms
WINDOW_SAMPLES = 30 * HEARING_RATE_HZ
WINDOW_FRAMES = WINDOW_SAMPLES // HOP_SAMPLES

# BLAS would share a larger product between threads, and a thread of OpenBLAS stays awake for some
# 25 ms after it: the encoder, which comes next, then took twice as long on two cores.
_FRAMES_AT_ONCE = 8

_LOWEST_POWER = np.float32(1e-10)
_RANGE = 8.0  # powers of ten below the loudest that are kept
_HANN: Samples = np.hanning(FFT_SAMPLES + 1)[:-1].astype(np.float32)


def mel_filters(n_mels: int) -> Mel:
    """Return triangles of equal area over the power spectrum, (n_mels, FFT_SAMPLES // 2 + 1)."""
    return slaney_filters(n_mels, FFT_SAMPLES, 0, HEARING_RATE_HZ / 2)


def log_mel(samples: Samples, n_mels: int, frames: int = WINDOW_FRAMES) -> Mel:
    """Return the first `frames` frames of the spectrogram of 30 s, (n_mels, frames).

    The samples (n,) at HEARING_RATE_HZ are followed by silence up to WINDOW_SAMPLES. The loudest
    frame, below which 80 dB are kept, is sought in the whole sound.

    Raises:
        ValueError: the sound is longer than 30 s, or more than WINDOW_FRAMES are asked for.

    """
    if len(samples) > WINDOW_SAMPLES or frames > WINDOW_FRAMES:
        raise ValueError(
            f"{len(samples)} samples and {frames} frames do not fit into the window of"
            f" {WINDOW_SAMPLES} samples and {WINDOW_FRAMES} frames"
        )
    # So much silence that no frame left out touches the sound, nor its mirror image at the end.
    silence = min(FFT_SAMPLES, WINDOW_SAMPLES - len(samples))
    line = np.pad(np.asarray(samples, np.float32), (0, silence))
    line = np.pad(line, FFT_SAMPLES // 2, mode="reflect")
    pieces = sliding_window_view(line, FFT_SAMPLES)[::HOP_SAMPLES][:WINDOW_FRAMES]
    spectrum = np.fft.rfft(pieces * _HANN)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    few = np.pad(power, ((0, -len(power) % _FRAMES_AT_ONCE), (0, 0)))
    few = few.reshape(-1, _FRAMES_AT_ONCE, few.shape[1]) @ mel_filters(n_mels).T
    levels = np.log10(np.maximum(few.reshape(-1, n_mels)[: len(power)].T, _LOWEST_POWER))
    window: Mel = np.full((n_mels, frames), np.log10(_LOWEST_POWER))
    window[:, : levels.shape[1]] = levels[:, :frames]
    mel: Mel = (np.maximum(window, levels.max() - _RANGE) + 4) / 4
    return mel
