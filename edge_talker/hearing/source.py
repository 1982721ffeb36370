"""Sources: where sound and typed lines come from, paced as a microphone would deliver them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

import numpy as np

from edge_talker.audio import BLOCK_SAMPLES, HEARING_RATE_HZ
from edge_talker.channel import Channel
from edge_talker.clock import Clock
from edge_talker.hearing.decode import decode
from edge_talker.messages import AudioBlock, Samples, TypedLine

GAP_S = 0.8  # silence between a reply and the next step of a script


class Source(Protocol):
    """Something that is heard.

    A live one, such as a microphone, yields sound as it comes, and silence while none comes; any
    other one yields at once what it has, and is paced by the input thread.
    """

    live: bool
    trouble: str  # what somebody has to mend, such as a microphone that is gone, else ""

    @property
    def counters(self) -> Mapping[str, int]:
        """What went wrong with the device so far, for the report."""
        ...

    def items(self, clock: Clock, is_quiet: Callable[[], bool]) -> Iterator[Samples | TypedLine]:
        """Yield sound at 16 kHz and typed lines; `is_quiet` tells that all was answered."""
        ...


class FileSource:
    """A sound file from its beginning to its end."""

    live = False
    counters: Mapping[str, int] = MappingProxyType({})
    trouble = ""

    def __init__(self, path: Path) -> None:
        self._pieces = decode(path, HEARING_RATE_HZ)

    def items(self, clock: Clock, is_quiet: Callable[[], bool]) -> Iterator[Samples | TypedLine]:
        """Yield the file's sound."""
        yield from self._pieces


class ScriptSource:
    """Sound files and typed lines, one after the other, each after the last was answered."""

    live = False
    counters: Mapping[str, int] = MappingProxyType({})
    trouble = ""

    def __init__(self, steps: Iterable[Path | str], gap_s: float = GAP_S) -> None:
        self._steps = steps
        self._gap_s = gap_s

    def items(self, clock: Clock, is_quiet: Callable[[], bool]) -> Iterator[Samples | TypedLine]:
        """Yield the steps, with silence while a reply is awaited."""
        silence = np.zeros(BLOCK_SAMPLES, np.float32)
        gap = int(self._gap_s * HEARING_RATE_HZ)
        for i, step in enumerate(self._steps):
            if i:
                while not is_quiet():
                    yield silence
                yield np.zeros(gap, np.float32)
            if isinstance(step, Path):
                yield from decode(step, HEARING_RATE_HZ)
                # A turn takes a moment to begin and to end: no reply is awaited before that.
                yield np.zeros(HEARING_RATE_HZ // 2, np.float32)
            else:
                yield TypedLine(step)
                yield silence


class Input:
    """The input thread: cuts a source into blocks and delivers each when its last sample is due.

    After the end of the source it goes on with silence, as a microphone would.
    """

    def __init__(
        self,
        clock: Clock,
        source: Source,
        outbox: Channel[AudioBlock | TypedLine],
        is_quiet: Callable[[], bool],
        on_error: Callable[[Exception], None],
    ) -> None:
        self._clock = clock
        self._source = source
        self._outbox = outbox
        self._is_quiet = is_quiet
        self._on_error = on_error
        self._stopped = False
        self._start_s = 0.0
        self._position = 0  # samples delivered
        self.delivered = 0  # items delivered
        self.exhausted = False

    def run(self) -> None:
        """Deliver until `stop`."""
        self._start_s = self._clock.now()
        rest = np.zeros(0, np.float32)
        try:
            for item in self._source.items(self._clock, self._is_quiet):
                if self._stopped:
                    return
                if isinstance(item, TypedLine):
                    self._outbox.put(item)
                    self.delivered += 1
                    continue
                samples = np.concatenate([rest, item])
                whole = len(samples) // BLOCK_SAMPLES * BLOCK_SAMPLES
                self._deliver(samples[:whole])
                rest = samples[whole:]
            self._deliver(np.pad(rest, (0, BLOCK_SAMPLES - len(rest))))
        except Exception as error:  # noqa: BLE001 - the main thread raises it again
            self._on_error(error)
        self.exhausted = True
        silence = np.zeros(BLOCK_SAMPLES, np.float32)
        while not self._stopped:
            self._deliver(silence)

    def stop(self) -> None:
        """End after the current block."""
        self._stopped = True

    def _deliver(self, samples: Samples) -> None:
        for block in samples.reshape(-1, BLOCK_SAMPLES):
            end = self._position + BLOCK_SAMPLES
            if not (self._source.live and not self.exhausted):
                self._clock.sleep_until(self._start_s + end / HEARING_RATE_HZ)
            if self._stopped:
                return
            self._outbox.put(AudioBlock(block, HEARING_RATE_HZ, self._position))
            self._position = end
            self.delivered += 1
