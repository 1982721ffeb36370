"""Sinks: who asks playback for samples. The sink owns the clock of the loop.

A sink's stream never stops: it sends silence when there is nothing to say.
"""

from typing import Protocol

import numpy as np

from edge_talker.audio import BLOCK_MS
from edge_talker.clock import Clock
from edge_talker.messages import Samples
from edge_talker.output.playback import Playback


class SoundTap(Protocol):
    """Somebody who gets all that is played, such as a recorder."""

    def sound(self, samples: Samples, heard_s: float) -> None:
        """Take samples (n,) whose first is heard at `heard_s`; keep no reference."""
        ...


class PacedSink:
    """A sink without a device, paced by the clock: what headless runs play to.

    Like a device with one period of latency, it asks for each block one period before the block
    is heard.
    """

    def __init__(self, clock: Clock, playback: Playback, taps: tuple[SoundTap, ...] = ()) -> None:
        self._clock = clock
        self._playback = playback
        self._taps = taps
        self._stopped = False

    def run(self) -> None:
        """Play until `stop`."""
        rate = self._playback.rate_hz
        block = np.zeros(rate * BLOCK_MS // 1000, np.float32)
        latency_s = len(block) / rate
        start_s = self._clock.now()
        sent = 0
        while not self._stopped:
            at_s = start_s + sent / rate
            self._clock.sleep_until(at_s)
            self._playback.fill(block, at_s + latency_s)
            for tap in self._taps:
                tap.sound(block, at_s + latency_s)
            sent += len(block)

    def stop(self) -> None:
        """End after the current block."""
        self._stopped = True
