"""The microphone: a live source of sound from a device.

Knows devices that fail and come back; what is heard is the matter of the listener. While no sound
comes it gives silence at the pace of the clock, so that the loop's sense of time goes on.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from edge_talker.audio import BLOCK_SAMPLES, HEARING_RATE_HZ, PromptResampler, Ring
from edge_talker.clock import Clock
from edge_talker.messages import Samples
from edge_talker.sound_devices import Callback, Line

log = logging.getLogger(__name__)

GONE = "The microphone is gone. Plug it in again."
LATENCY_S = 0.02  # less costs a callback every 2 ms, and the loop works in blocks of 20 ms anyway
_POLL_S = 0.005  # a callback may not notify
_STALL_S = 0.2  # without sound for so long, silence is given in its place ...
_GONE_S = 2.0  # ... and after this the device is taken for gone; a busy machine stalls for 1.2 s
_GRACE_S = 3.0  # a device may take this long to begin; a PulseAudio null sink takes 1.8 s
_RETRY_S = 1.0
_RING_S = 2
_BLOCK_S = BLOCK_SAMPLES / HEARING_RATE_HZ


class Microphone:
    """A live source; the device is open from its construction on, and records from `items` on.

    Raises:
        DeviceError: there is no microphone, it is busy or forbidden, or PortAudio is missing.
        UsageError: nothing is called so; the message lists what there is.

    """

    live = True

    def __init__(self, device: int | str = "") -> None:
        """Open a device by its number or a part of its name; "" is the default one."""
        self.trouble = ""
        self.overflows = 0  # times that sound came and was lost
        self.reopened = 0  # times that the device was lost and found again
        self._intake: _Intake
        self._line = Line("input", device, LATENCY_S, self._connect)

    @property
    def counters(self) -> Mapping[str, int]:
        """What went wrong so far."""
        return {"mic_overflow": self.overflows, "microphone_reopened": self.reopened}

    def close(self) -> None:
        """Let go of the device; safe to call twice."""
        self._line.close()

    @property
    def name(self) -> str:
        """What the device is called."""
        return self._line.device.name

    @property
    def latency_s(self) -> float:
        """How long sound is on its way through the device, as the device says."""
        return self._line.latency_s

    def items(self, clock: Clock, is_quiet: Callable[[], bool]) -> Iterator[Samples]:
        """Yield sound at 16 kHz as it comes, in pieces of any length.

        Raises:
            DeviceError: the device does not work at the start; later on it is waited for.

        """
        silence = np.zeros(BLOCK_SAMPLES, np.float32)
        self._line.start()
        heard_s = given_s = clock.now()  # `given_s`: up to here sound or silence was given
        retry_s = 0.0
        # Polls, since after a pause of the whole process nothing is late that was not late before.
        polls = silent_polls = 0  # since the device was opened; since sound came
        try:
            while True:
                clock.sleep_until(clock.now() + _POLL_S)
                polls += 1
                silent_polls += 1
                samples = self._intake.take()
                now_s = clock.now()
                if len(samples):
                    came_late = given_s > heard_s  # and silence was given in its place
                    heard_s = given_s = now_s
                    silent_polls = 0
                    self._came_back()
                    if not came_late:
                        yield samples
                    continue
                if now_s - heard_s > _STALL_S:
                    while given_s + _BLOCK_S <= now_s:
                        given_s += _BLOCK_S
                        yield silence
                is_late = silent_polls * _POLL_S > _GONE_S and polls * _POLL_S > _GRACE_S
                if (is_late or not self._line.is_running) and now_s >= retry_s:
                    self._went_away()
                    self._line.reopen()
                    polls = silent_polls = 0
                    retry_s = clock.now() + _RETRY_S
        finally:
            self._line.close()

    def _went_away(self) -> None:
        if not self.trouble:
            self.trouble = GONE
            log.warning("microphone is gone", extra={"device": self.name})

    def _came_back(self) -> None:
        if self.trouble:
            self.trouble = ""
            self.reopened += 1
            log.warning("microphone is back", extra={"device": self.name})

    def _lost(self) -> None:
        self.overflows += 1

    def _connect(self, line: Line) -> Callback:
        self._intake = _Intake(line.rate_hz, line.device.channels, self._lost)
        return self._intake.callback


class _Intake:
    """The way of the sound of one opening of the device, from the callback to 16 kHz mono."""

    def __init__(self, rate_hz: int, channels: int, on_loss: Callable[[], None]) -> None:
        self._ring = Ring(_RING_S * rate_hz, channels)
        self._least = rate_hz // 100  # 10 ms, so that the resampler is not called for every crumb
        self._resampler = PromptResampler(rate_hz, HEARING_RATE_HZ)
        self._on_loss = on_loss
        self._works = np.zeros(channels, np.bool_)

    def callback(self, data: Any, frames: int, times: Any, flags: Any) -> None:  # noqa: ANN401
        """Copy what the device gives."""
        lost = self._ring.lost
        self._ring.push(data if data.shape[1] > 1 else data[:, 0])
        if flags.input_overflow or self._ring.lost > lost:
            self._on_loss()

    def take(self) -> Samples:
        """Return what came since the last call, at HEARING_RATE_HZ."""
        if self._ring.ready < self._least:
            return np.zeros(0, np.float32)
        sound = self._ring.pull(self._ring.ready)
        if sound.ndim == 2:
            # Many USB microphones leave the second channel at zero: a plain mean would cost 6 dB.
            self._works |= np.any(sound, axis=0)
            working = sound[:, self._works] if self._works.any() else sound
            sound = np.ascontiguousarray(working.mean(axis=1, dtype=np.float32))
        return self._resampler.push(sound)
