"""The linear part of the echo canceller: learns the room and subtracts the echo that it predicts.

A frequency-domain Kalman filter in partitions: G. Enzner and P. Vary, "Frequency-domain adaptive
Kalman filter for acoustic echo control in hands-free telephones", 2006; F. Kuech et al.,
"State-space architecture of the partitioned-block-based acoustic echo controller", 2014. It weighs
each step by how sure it is of the room and by how loud everything else is, so that a person who
speaks into a reply neither disturbs it nor is taken away.
"""

import numpy as np

from edge_talker.audio import BLOCK_SAMPLES
from edge_talker.messages import Samples

PARTITIONS = 50  # 1 s: a device's delay of 0.4 s and a room's first 0.6 s
_CONSTANCY = 0.9998  # of the room from one block to the next
_UNSURE = 0.01  # power of the echo path at the start, for each partition
_NEAR_MEMORY = 0.8  # of the near end's power, from block to block
_FLOOR = 1e-8


class EchoFilter:
    """Subtracts the echo as far as it is linear; each block (BLOCK_SAMPLES,) takes 0.5 ms."""

    def __init__(self) -> None:
        bins = BLOCK_SAMPLES + 1
        self._far = np.zeros((PARTITIONS, bins), np.complex64)  # spectra, the newest first
        self._path = np.zeros((PARTITIONS, bins), np.complex64)
        self._doubt = np.full((PARTITIONS, bins), _UNSURE, np.float32)
        self._near = np.full(bins, 1e-6, np.float32)  # power of what is no echo
        self._last: Samples = np.zeros(BLOCK_SAMPLES, np.float32)
        self._silent = 0  # blocks in a row in which nothing was played

    def clean(self, near: Samples, far: Samples) -> Samples:
        """Return the microphone's block (BLOCK_SAMPLES,) less the predicted echo of `far`."""
        self._silent = 0 if far.any() else self._silent + 1
        if self._silent > PARTITIONS + 1:  # no echo is left in the room
            return near
        self._far = np.roll(self._far, 1, axis=0)
        self._far[0] = np.fft.rfft(np.concatenate([self._last, far]))
        self._last = far
        echo = np.fft.irfft((self._path * self._far).sum(axis=0))[BLOCK_SAMPLES:]
        rest: Samples = (near - echo).astype(np.float32)
        spectrum = np.fft.rfft(np.concatenate([np.zeros(BLOCK_SAMPLES, np.float32), rest]))
        self._learn(spectrum.astype(np.complex64))
        return rest

    def _learn(self, rest: np.ndarray) -> None:
        power = _power(self._far)
        self._near += (1 - _NEAR_MEMORY) * (_power(rest) - self._near)
        gain = self._doubt / (0.5 * (self._doubt * power).sum(axis=0) + self._near + _FLOOR)
        # Only causal responses of a block's length make sense in a partition.
        step = np.fft.irfft(gain * self._far.conj() * rest, axis=1)
        step[:, BLOCK_SAMPLES:] = 0
        self._path = (_CONSTANCY * (self._path + np.fft.rfft(step, axis=1))).astype(np.complex64)
        kept = _CONSTANCY**2 * (1 - 0.5 * gain * power) * self._doubt
        self._doubt = (kept + (1 - _CONSTANCY**2) * _power(self._path)).astype(np.float32)


def _power(spectrum: np.ndarray) -> np.ndarray:
    power: np.ndarray = spectrum.real**2 + spectrum.imag**2
    return power
