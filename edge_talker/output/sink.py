"""Sinks: who asks for samples. The sink owns the clock of the loop.

A sink's stream never stops: it sends silence when there is nothing to say.
"""

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from edge_talker.audio import BLOCK_MS
from edge_talker.clock import Clock
from edge_talker.hearing.reference import Reference
from edge_talker.messages import Samples
from edge_talker.output.playback import Playback


class SoundTap(Protocol):
    """Somebody who gets all that is played, such as a recorder."""

    def sound(self, samples: Samples, heard_s: float) -> None:
        """Take samples (n,) whose first is heard at `heard_s`; keep no reference."""
        ...


class Feed:
    """What a sink asks for sound; whoever has to know what is played learns it here."""

    def __init__(
        self,
        clock: Clock,
        playback: Playback,
        reference: Reference | None,
        taps: tuple[SoundTap, ...],
    ) -> None:
        self._clock = clock
        self._playback = playback
        self._reference = reference
        self._taps = taps
        self.samples = 0  # handed out so far: the sink's sign of life

    def fill(self, out: Samples, heard_s: float) -> None:
        """Write the next samples to `out` (n,), whose first is heard at `heard_s`."""
        self._playback.fill(out, heard_s)
        if self._reference is not None:
            self._reference.push(out, self._clock.now(), heard_s)
        for tap in self._taps:
            tap.sound(out, heard_s)
        self.samples += len(out)


class Sink(Protocol):
    """Something that plays sound."""

    rate_hz: int
    trouble: str  # what somebody has to mend, such as a loudspeaker that is gone, else ""

    @property
    def counters(self) -> Mapping[str, int]:
        """What went wrong with the device so far, for the report."""
        ...

    def run(self, clock: Clock, feed: Feed) -> None:
        """Play what `feed` gives until `stop`, in a thread of its own."""
        ...

    def stop(self) -> None:
        """End soon."""
        ...


class PacedSink:
    """A sink without a device, paced by the clock: what headless runs play to.

    Like a device with one period of latency, it asks for each block one period before the block
    is heard. `drift_ppm` makes its clock slower than the loop's, as devices' clocks differ.
    """

    def __init__(self, rate_hz: int, drift_ppm: float = 0.0) -> None:
        self.rate_hz = rate_hz
        self.counters: Mapping[str, int] = {}
        self.trouble = ""
        self._sample_s = (1 + drift_ppm * 1e-6) / rate_hz
        self._stopped = False

    def run(self, clock: Clock, feed: Feed) -> None:
        """Play until `stop`."""
        block = np.zeros(self.rate_hz * BLOCK_MS // 1000, np.float32)
        latency_s = len(block) * self._sample_s
        start_s = clock.now()
        while not self._stopped:
            at_s = start_s + feed.samples * self._sample_s
            clock.sleep_until(at_s)
            feed.fill(block, at_s + latency_s)

    def stop(self) -> None:
        """End after the current block."""
        self._stopped = True
