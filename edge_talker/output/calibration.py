"""Calibration: how late sound comes back from the room, and how late the screen is.

The mathematics and the rules of the two tests; knows sources and sinks, but neither devices nor
windows. A sweep is found again by its matched filter (G. L. Turin, "An introduction to matched
filters", 1960), even where it is 10 dB weaker than the noise of the room.
"""

import math
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from edge_talker.audio import HEARING_RATE_HZ
from edge_talker.clock import Clock
from edge_talker.errors import ConfigError, EdgeTalkerError
from edge_talker.hearing.source import Source
from edge_talker.messages import Samples
from edge_talker.output.loudspeaker import Filler


class Player(Protocol):
    """A loudspeaker; see `output.sink.Sink`."""

    rate_hz: int

    def run(self, clock: Clock, feed: Filler) -> None:
        """Play what `feed` gives until `stop`."""
        ...

    def stop(self) -> None:
        """End soon."""
        ...


# ---- the round trip -----------------------------------------------------------------------------

REPEATS = 5
LONGEST_S = 0.8  # a sweep that comes back later is not looked for
CANCELLED_MS = 400.0  # the echo canceller aligns what comes back within this
AGREE_MS = 20.0  # repeats that lie further from the median are taken for something else
_SETTLE_S = 2.0  # the devices start, and the times of the loudspeaker become smooth
_SPACING_S = 1.2
_SWEEP_S, _LOW_HZ, _HIGH_HZ = 0.2, 300.0, 6500.0
_LEVEL = 10 ** (-12 / 20)
_FADE_S = 0.01
_SHARP = 8.0  # peak of the filter over its RMS; noise alone reaches 5
_CLIPPED = 0.99


class NothingHeard(EdgeTalkerError):
    """The sound did not come back, or not as it was sent."""


def sweep(rate_hz: int) -> Samples:
    """Return a sine (n,) that rises from 300 to 6500 Hz in 0.2 s, with soft ends, at -12 dBFS."""
    t = np.arange(round(_SWEEP_S * rate_hz)) / rate_hz
    phase = 2 * np.pi * (_LOW_HZ * t + (_HIGH_HZ - _LOW_HZ) / (2 * _SWEEP_S) * t**2)
    edge = np.minimum(1.0, np.minimum(t, t[::-1]) / _FADE_S)
    return (_LEVEL * edge * np.sin(phase)).astype(np.float32)


def find_sweep(sound: Samples) -> tuple[int, float] | None:
    """Return the sample of `sound` (n,), at 16 kHz, where a sweep begins, and its gain in dB.

    None where there is none.
    """
    wanted = sweep(HEARING_RATE_HZ)
    if len(sound) < len(wanted):
        return None
    size = 1 << (len(sound) + len(wanted)).bit_length()
    spectrum = np.fft.rfft(sound, size) * np.conj(np.fft.rfft(wanted, size))
    match = np.abs(np.fft.irfft(spectrum, size)[: len(sound) - len(wanted) + 1])
    at = int(np.argmax(match))
    if match[at] < _SHARP * math.sqrt(float(np.mean(match**2))) or match[at] < 1e-6:
        return None
    return at, 20 * math.log10(float(match[at]) / float(np.sum(wanted.astype(np.float64) ** 2)))


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """How sound comes back from the loudspeaker to the microphone."""

    delay_ms: float  # from its handing to the loudspeaker to its coming from the microphone; median
    spread_ms: float  # of the repeats, from the least to the greatest
    stated_ms: float  # from its handing to its being heard, as the loudspeaker's device says
    gain_db: float  # of what came back, relative to what was played
    found: int  # repeats that were heard
    clipped: bool


class _Sweeps:
    """A feed that plays a sweep now and then, and keeps when."""

    def __init__(self, clock: Clock, rate_hz: int, repeats: int) -> None:
        self._clock = clock
        self._sweep = sweep(rate_hz)
        self._left = repeats
        self._rest = self._sweep[:0]
        self._next_s = clock.now() + _SETTLE_S
        self.played: list[tuple[float, float]] = []  # handed at, heard at; on the clock

    def fill(self, out: Samples, heard_s: float) -> None:
        """Write the next samples to `out` (n,), whose first is heard at `heard_s`."""
        now_s = self._clock.now()
        if self._left and now_s >= self._next_s:
            self._left -= 1
            self._next_s = now_s + _SPACING_S
            self._rest = self._sweep
            self.played.append((now_s, heard_s))
        count = min(len(out), len(self._rest))
        out[:count] = self._rest[:count]
        out[count:] = 0.0
        self._rest = self._rest[count:]


def measure_round_trip(
    clock: Clock, source: Source, sink: Player, repeats: int = REPEATS
) -> RoundTrip:
    """Play sweeps and listen for them; takes `repeats` * 1.2 s and 3 s more.

    Raises:
        NothingHeard: fewer than half of them came back, or each at another time.

    """
    pieces: list[Samples] = []
    count = 0
    with clock:
        feed = _Sweeps(clock, sink.rate_hz, repeats)
        thread = clock.thread("output", lambda: sink.run(clock, feed))
        end_s = clock.now() + _SETTLE_S + repeats * _SPACING_S + LONGEST_S
        start_s = math.inf  # when the first sample came, had all come without waiting
        try:
            for piece in source.items(clock, lambda: True):
                now_s = clock.now()
                if isinstance(piece, np.ndarray):
                    pieces.append(piece)
                    count += len(piece)
                    start_s = min(start_s, now_s - count / HEARING_RATE_HZ)
                if now_s > end_s:
                    break
        finally:
            sink.stop()
            clock.join(thread, 2.0)
    heard = np.concatenate([*pieces, np.zeros(0, np.float32)])
    return _judge(heard, start_s, feed.played)


def _judge(heard: Samples, start_s: float, played: list[tuple[float, float]]) -> RoundTrip:
    delays, gains = [], []
    for handed_s, _ in played:
        first = max(0, round((handed_s - start_s) * HEARING_RATE_HZ))
        window = heard[first : first + round((LONGEST_S + _SWEEP_S) * HEARING_RATE_HZ)]
        if found := find_sweep(window):
            at_s = start_s + (first + found[0]) / HEARING_RATE_HZ
            delays.append((at_s - handed_s) * 1000)
            gains.append(found[1])
    if 2 * len(delays) < max(len(played), 1):
        raise NothingHeard(
            f"Of {len(played)} sounds that were played {len(delays)} came back.",
            "Turn the loudspeaker up, see that neither it nor the microphone is muted, and that "
            "both are in one room.",
        )
    median = float(np.median(delays))
    agreeing = [i for i, delay in enumerate(delays) if abs(delay - median) <= AGREE_MS]
    if 2 * len(agreeing) < len(played):
        raise NothingHeard(
            f"The sounds came back between {min(delays):.0f} and {max(delays):.0f} ms late.",
            "Try again where it is quiet; a wireless loudspeaker may have no steady delay at all.",
        )
    kept = [delays[i] for i in agreeing]
    return RoundTrip(
        delay_ms=median,
        spread_ms=max(kept) - min(kept),
        stated_ms=float(np.median([(heard_s - handed_s) * 1000 for handed_s, heard_s in played])),
        gain_db=float(np.median([gains[i] for i in agreeing])),
        found=len(kept),
        clipped=bool(np.max(np.abs(heard), initial=0.0) >= _CLIPPED),
    )


# ---- the flash and the beep ---------------------------------------------------------------------

Key = Literal["less", "more", "save", "leave"]
STEP_MS = 10
LIMIT_MS = 500  # as the profile has it
FLASH_S = 0.06
_BEEP_S, _BEEP_HZ = 0.06, 1000.0
_PERIOD_S = 1.0


class FlashAndBeep:
    """A beep each second, and when its flash is to be drawn; a person moves the two together.

    `offset_ms` is how late the screen shows a picture: by so much the flash is drawn earlier.
    """

    def __init__(self, rate_hz: int, offset_ms: int = 0) -> None:
        self.offset_ms = offset_ms
        self.saved: bool | None = None  # None until the person has decided
        t = np.arange(round(_BEEP_S * rate_hz)) / rate_hz
        edge = np.minimum(1.0, np.minimum(t, t[::-1]) / 0.003)
        self._beep = (0.3 * edge * np.sin(2 * np.pi * _BEEP_HZ * t)).astype(np.float32)
        self._rate_hz = rate_hz
        self._samples = 0  # played
        self._anchor_s: float | None = None  # when the first sample of all was heard

    def fill(self, out: Samples, heard_s: float) -> None:
        """Write the next samples to `out` (n,), whose first is heard at `heard_s`."""
        period = round(_PERIOD_S * self._rate_hz)
        place = (self._samples + np.arange(len(out))) % period
        beeps = place < len(self._beep)
        out[:] = 0.0
        out[beeps] = self._beep[place[beeps]]
        # Anew with every block, since a device's clock drifts.
        self._anchor_s = heard_s - self._samples / self._rate_hz
        self._samples += len(out)

    def is_lit(self, now_s: float) -> bool:
        """Return whether the flash is to be on the screen's way at `now_s`."""
        if self._anchor_s is None:
            return False
        seen_s = now_s + self.offset_ms / 1000 - self._anchor_s
        return seen_s >= 0 and seen_s % _PERIOD_S < FLASH_S

    def press(self, key: Key) -> None:
        """Do what a key asks for."""
        if key in {"save", "leave"}:
            self.saved = key == "save"
            return
        step = STEP_MS if key == "more" else -STEP_MS
        self.offset_ms = max(-LIMIT_MS, min(LIMIT_MS, self.offset_ms + step))


def run_flash_and_beep(
    clock: Clock,
    sink: Player,
    test: FlashAndBeep,
    show: Callable[[bool, int], list[Key]],
) -> int | None:
    """Let a person judge; return the offset in ms, None where they left.

    `show` draws the window, lit or dark, with the offset in ms, and returns the keys pressed.
    """
    with clock:
        thread = clock.thread("output", lambda: sink.run(clock, test))
        try:
            while test.saved is None:
                for key in show(test.is_lit(clock.now()), test.offset_ms):
                    test.press(key)
                clock.sleep_until(clock.now() + 0.002)
        finally:
            sink.stop()
            clock.join(thread, 2.0)
    return test.offset_ms if test.saved else None


# ---- the profile --------------------------------------------------------------------------------


def with_offset(text: str, offset_ms: int) -> str:
    """Return a profile's TOML with `output.av_offset_ms` set, and all else as it was.

    Raises:
        ConfigError: the text is written so that a person has to do it.

    """
    before = tomllib.loads(text)
    wanted = before | {"output": before.get("output", {}) | {"av_offset_ms": offset_ms}}
    line = f"av_offset_ms = {offset_ms}"
    header = re.search(r"^[ \t]*\[[ \t]*output[ \t]*\][^\n]*(\n|\Z)", text, re.MULTILINE)
    if header:
        end = re.compile(r"^[ \t]*\[", re.MULTILINE).search(text, header.end())
        body = text[header.end() : end.start() if end else len(text)]
        key = re.compile(r"^([ \t]*)av_offset_ms[ \t]*=[ \t]*[^\s#]+", re.MULTILINE)
        changed, done = key.subn(rf"\g<1>{line}", body, count=1)
        if not done:
            changed = f"{line}\n{body}"
        top = text[: header.end()]
        top = top if top.endswith("\n") else top + "\n"
        after = top + changed + text[header.end() + len(body) :]
    else:
        gap = "" if not text or text.endswith("\n") else "\n"
        after = f"{text}{gap}\n[output]\n{line}\n"
    try:
        done_right = tomllib.loads(after) == wanted
    except tomllib.TOMLDecodeError:
        done_right = False
    if not done_right:
        raise ConfigError(
            "This profile is written in a way that only a person can change.",
            f"Set av_offset_ms = {offset_ms} in its section [output].",
        )
    return after
