"""The reference of the echo canceller: what is played, in step with what the microphone hears.

Knows when each sample was handed to the device, on the loop's clock; knows nothing of echoes. Two
devices never have quite the same clock, and at 200 ppm a filter could not follow the echo, so the
reference is taken at the moments of the microphone's samples and not counted out.
"""

import numpy as np
from numpy.typing import NDArray

from edge_talker.audio import HEARING_RATE_HZ, Interpolator
from edge_talker.messages import Samples

SLACK_S = 0.01  # the reference is behind what is handed over by this, so that jitter costs nothing
_JUMP_S = 0.005  # farther off than this it is no drift: a device has stumbled
_RATIO_LIMIT = 1e-3  # by which the two clocks may differ
_LINE = 2**18  # samples: 5 s at 48 kHz


class Reference:
    """What is played. One thread pushes, without a lock; another one pulls."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._line: Samples = np.zeros(_LINE, np.float32)  # samples by their number, modulo _LINE
        self._pushed = 0
        self._anchor = (0, 0.0)  # number of a sample and when it was handed over; one attribute
        self._latency_s: float | None = None
        self._interpolator = Interpolator(rate_hz, HEARING_RATE_HZ)
        self._place: float | None = None  # number of the next sample to give, whole or not
        self.jumps = 0

    def push(self, samples: Samples, now_s: float, heard_s: float) -> None:
        """Append samples (n,) that are handed to the device now, the first heard at `heard_s`.

        `heard_s` gives the pace, since it is free of jitter. What the device says of its latency
        may be wrong by any amount, and the reference must lead the microphone.
        """
        if self._latency_s is None:
            self._latency_s = heard_s - now_s
        at = self._pushed % _LINE
        first = min(len(samples), _LINE - at)
        self._line[at : at + first] = samples[:first]
        self._line[: len(samples) - first] = samples[first:]
        self._anchor = (self._pushed, heard_s - self._latency_s)
        self._pushed += len(samples)

    def pull(self, count: int, end_s: float) -> Samples:
        """Return what was handed over `SLACK_S` before the microphone's last `count` samples came.

        (count,) at HEARING_RATE_HZ; those came at `end_s`. What is not there yet is silence.
        """
        number, handed_s = self._anchor
        target = number + (end_s - SLACK_S - handed_s) * self._rate_hz
        nominal = count * self._rate_hz / HEARING_RATE_HZ
        begin = self._place
        if begin is None or abs(begin + nominal - target) > _JUMP_S * self._rate_hz:
            self.jumps += begin is not None
            begin = target - nominal
        most = nominal * _RATIO_LIMIT
        length = nominal + max(-most, min(most, target - begin - nominal))
        self._place = begin + length
        places = begin + np.arange(count, dtype=np.float64) * (length / count)
        return self._interpolator.at(*self._window(places))

    def _window(self, places: NDArray[np.float64]) -> tuple[Samples, NDArray[np.float64]]:
        """Return the part of the line that `places` need, and the places in it."""
        reach = self._interpolator.reach
        first, last = int(places[0]) - reach, int(places[-1]) + reach + 2
        numbers = np.arange(first, last)
        there = (numbers >= max(0, self._pushed - _LINE)) & (numbers < self._pushed)
        return self._line[numbers % _LINE] * there, places - first
