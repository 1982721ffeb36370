"""The loudspeaker: a sink that plays to a device, and keeps time by it.

Knows devices that fail and come back, and when a sample is heard; what is played is the matter of
its feed. While the device is gone it asks the feed at the pace of the clock, so that replies come
to their end unheard.
"""

import logging
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from edge_talker.audio import BLOCK_MS
from edge_talker.clock import Clock
from edge_talker.delay_locked_loop import DelayLockedLoop
from edge_talker.messages import Samples
from edge_talker.sound_devices import Callback, Line

log = logging.getLogger(__name__)

GONE = "The loudspeaker is gone. Plug it in again."
LATENCY_S = 0.04  # with less, a callback that waits for Python's lock comes too late
_POLL_S = 0.02
_GONE_S = 2.0  # asked for nothing for so long, it is gone; a busy machine stalls for 1.2 s
_GRACE_S = 3.0  # a device may take this long to begin; a PulseAudio null sink takes 1.8 s
_PRIMED_S = 0.2  # the first blocks are wanted even by a device that then stands still
_RETRY_S = 1.0
_SANE_S = 1.0  # no device plays later than this; some report nonsense


class Filler(Protocol):
    """Who has the sound that is to be played; see `output.sink.Feed`."""

    def fill(self, out: Samples, heard_s: float) -> None:
        """Write the next samples to `out` (n,), whose first is heard at `heard_s`."""
        ...


class Loudspeaker:
    """A sink; the device is open from its construction on, and plays while `run` runs.

    Raises:
        DeviceError: there is no loudspeaker, it is busy or forbidden, or PortAudio is missing.
        UsageError: nothing is called so; the message lists what there is.

    """

    def __init__(self, device: int | str = "") -> None:
        """Open a device by its number or a part of its name; "" is the default one."""
        self.trouble = ""
        self.underflows = 0  # times that the device wanted sound and had to go without
        self.reopened = 0  # times that the device was lost and found again
        self._stopped = False
        self._clock: Clock
        self._feed: Filler
        self._asked = 0  # times that the device wanted sound
        self._line = Line("output", device, LATENCY_S, self._connect)
        self.rate_hz = self._line.rate_hz

    @property
    def counters(self) -> Mapping[str, int]:
        """What went wrong so far."""
        return {"output_underflow": self.underflows, "loudspeaker_reopened": self.reopened}

    def close(self) -> None:
        """Let go of the device; safe to call twice."""
        self._line.close()

    @property
    def name(self) -> str:
        """What the device is called."""
        return self._line.device.name

    def run(self, clock: Clock, feed: Filler) -> None:
        """Play what `feed` gives until `stop`; the feed is called by the device's own thread.

        Raises:
            DeviceError: the device does not work at the start; later on it is waited for.

        """
        self._clock, self._feed = clock, feed
        try:
            self._line.start()
            # Polls, since after a pause of the whole process nothing is late that was not before.
            polls = idle_polls = asked = 0  # since it was opened; since it wanted sound
            while not self._stopped:
                clock.sleep_until(clock.now() + _POLL_S)
                polls += 1
                idle_polls = idle_polls + 1 if self._asked == asked else 0
                asked = self._asked
                is_late = idle_polls * _POLL_S > _GONE_S and polls * _POLL_S > _GRACE_S
                if is_late or not self._line.is_running:
                    self._go_on_alone()
                    polls = idle_polls = 0
                    asked = self._asked
                elif self.trouble and not idle_polls and polls * _POLL_S > _PRIMED_S:
                    self.trouble = ""
                    self.reopened += 1
                    log.warning("loudspeaker is back", extra={"device": self.name})
        finally:
            self._line.close()

    def stop(self) -> None:
        """End soon."""
        self._stopped = True

    def _go_on_alone(self) -> None:
        """Ask the feed at the pace of the clock until the device can be opened again."""
        self._line.close(lost=True)  # from here on no callback asks the feed
        if not self.trouble:
            self.trouble = GONE
            log.warning("loudspeaker is gone", extra={"device": self.name})
        block = np.zeros(self.rate_hz * BLOCK_MS // 1000, np.float32)
        block_s = len(block) / self.rate_hz
        at_s = retry_s = self._clock.now()
        while not self._stopped:
            if self._clock.now() >= retry_s:
                if self._line.reopen():
                    return
                retry_s = self._clock.now() + _RETRY_S
            self._feed.fill(block, at_s + block_s)
            at_s += block_s
            self._clock.sleep_until(at_s)

    def _connect(self, line: Line) -> Callback:
        loop = DelayLockedLoop(line.rate_hz)
        room = np.zeros(line.rate_hz, np.float32)  # no device asks for more than a second

        def callback(data: Any, frames: int, times: Any, flags: Any) -> None:  # noqa: ANN401
            if flags.output_underflow:
                self.underflows += 1
                loop.loosen()
            self._asked += 1
            lead_s = times.outputBufferDacTime - times.currentTime
            if not 0.0 < lead_s <= _SANE_S:
                lead_s = line.latency_s
            mono = room[:frames]
            self._feed.fill(mono, loop.follow(self._clock.now() + lead_s, frames))
            data[:] = mono[:, None]

        return callback
