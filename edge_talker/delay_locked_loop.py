"""The times of a device's blocks, smoothed: jitter is taken out, a drifting clock is followed."""

import math


class DelayLockedLoop:
    """Smooths the times of callbacks, after F. Adriaensen, "Using a DLL to filter time", 2005.

    Of second order, so that a drift of the device's clock is followed without a lasting error. The
    bandwidth falls from wide to narrow in the first seconds, so that it is soon in step.
    """

    BANDWIDTH_HZ = 0.005
    _FALL = 0.4  # bandwidth in Hz after a second
    _OUTLIER_S = 0.03  # a block so far off counts no more than this, and three in a row begin anew
    _STRIKES = 3
    _CLIP = 2  # times the typical error: a thread that is woken late says nothing of the device
    _TYPICAL_STEP = 1.02  # by which the estimate of that follows, up or down
    _LEAST_TYPICAL_S = 2e-5

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._next_s = math.nan  # predicted time of the next block
        self._sample_s = 1 / rate_hz
        self._run_s = 0.0
        self._strikes = 0
        self._typical_s = 1e-3  # the median of the errors' sizes

    def loosen(self) -> None:
        """Be ready to move, since the device stumbled and all of its times have shifted."""
        self._run_s = min(self._run_s, 0.25)
        self._typical_s = self._OUTLIER_S

    def follow(self, at_s: float, frames: int) -> float:
        """Return the smoothed time of a block's first sample, from the measured one."""
        if math.isnan(self._next_s):
            self._next_s = at_s
        error_s = at_s - self._next_s
        if abs(error_s) > self._OUTLIER_S:
            self._strikes += 1
            if self._strikes == self._STRIKES:
                self._next_s, self._run_s, error_s = at_s, 0.0, 0.0
            error_s = math.copysign(min(abs(error_s), self._OUTLIER_S), error_s)
        else:
            self._strikes = 0
        step = self._TYPICAL_STEP if abs(error_s) > self._typical_s else 1 / self._TYPICAL_STEP
        self._typical_s = max(self._LEAST_TYPICAL_S, self._typical_s * step)
        limit_s = self._CLIP * self._typical_s
        error_s = max(-limit_s, min(limit_s, error_s))
        block_s = frames / self._rate_hz
        self._run_s += block_s
        bandwidth_hz = max(self.BANDWIDTH_HZ, self._FALL / self._run_s)
        omega = min(2 * math.pi * bandwidth_hz * block_s, 0.5)
        now_s = self._next_s + math.sqrt(2) * omega * error_s
        self._sample_s += omega**2 * error_s / frames
        self._next_s = now_s + frames * self._sample_s
        return now_s
