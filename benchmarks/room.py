"""A simulated room: a loudspeaker and a microphone that hears it, and people who speak.

Knows acoustics: an impulse response, a level, a delay, the drift of two clocks, noise. What the
microphone hears at t was heard from the loudspeaker at t - delay. Knows nothing of turns; what
people do is a script, a generator that is resumed once for each block of the microphone.

    room = Room(echo, delay_ms=150, drift_ppm=200, script=visit)
    agent.run(room, sink=room.sink, taps=(room, ...), paced=False)
"""

from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np

from edge_talker.audio import BLOCK_SAMPLES, HEARING_RATE_HZ, Resampler, dbfs
from edge_talker.clock import Clock
from edge_talker.espeak_library import Prosody, render
from edge_talker.hearing.decode import decode
from edge_talker.messages import Samples, TypedLine
from edge_talker.output.sink import PacedSink

NOISE_DBFS = -70.0  # of a microphone in a still room
_LEAD = HEARING_RATE_HZ // 1000  # samples: 1 ms of a response before its strongest tap is kept
_REST_DB = 60.0  # a response ends where what remains of its energy is below this
_ACTIVE_DB = 30.0  # a frame of 20 ms within this of the loudest one is voiced
_KEPT_S = 0.2  # of what was played, besides the delay
_ZERO_CROSSINGS = 32  # of the interpolator, each side: 1.3 ms of sound to come at 24 kHz
_PHASES = 512
_CALIBRATION = (
    "We are open every day from nine to five. ",
    "The whale hangs in the great hall on the ground floor, and children like it best. ",
    "I'm sorry, I don't know that. You can ask me about tickets, the café or the ships. ",
    "Please leave large bags and umbrellas in the lockers beside the entrance. ",
)

Script = Callable[["Room"], Iterator[TypedLine | None]]
"""What people do: yields None to let a block pass, or a line that somebody types."""


class Echo:
    """The way from the loudspeaker to the microphone, convolved block by block."""

    def __init__(self, response: Samples) -> None:
        """Take an impulse response (n,) at HEARING_RATE_HZ as it is."""
        parts = -(-len(response) // BLOCK_SAMPLES)
        padded = np.pad(response, (0, parts * BLOCK_SAMPLES - len(response)))
        # Partitioned overlap-save: 0.05 ms for a block and a second of reverberation.
        self._parts = np.fft.rfft(padded.reshape(parts, -1), 2 * BLOCK_SAMPLES).astype(np.complex64)
        self._spectra = np.zeros_like(self._parts)  # of the last blocks, newest first
        self._last: Samples = np.zeros(BLOCK_SAMPLES, np.float32)
        self.response = response

    @classmethod
    def of_room(
        cls, path: Path, level_db: float, *, keep_lead: bool = False, speech: Samples | None = None
    ) -> "Echo":
        """Read a measured response.

        `level_db`: RMS of the echo relative to the reply's over its voiced parts, set by `speech`
        (n,) at HEARING_RATE_HZ, else by sentences of the starter profile's voice. The silence
        before the direct sound, a matter of the recording, is cut, so that the room's delay is the
        direct sound's own; `keep_lead` keeps it.

        Raises:
            InputError: there is no such file, or no sound in it.

        """
        response = np.concatenate(list(decode(path, HEARING_RATE_HZ)))
        if not keep_lead:
            response = response[max(0, int(np.abs(response).argmax()) - _LEAD) :]
        rest = np.cumsum(np.square(response[::-1], dtype=np.float64))[::-1]
        response = response[: int(np.flatnonzero(rest > rest[0] * 10 ** (-_REST_DB / 10))[-1]) + 1]
        speech = calibration_speech() if speech is None else speech
        loss_db = active_dbfs(speech) - active_dbfs(_convolve(speech, response), like=speech)
        return cls((response * 10 ** ((level_db + loss_db) / 20)).astype(np.float32))

    def reflect(self, block: Samples) -> Samples:
        """Return what arrives during the next block (BLOCK_SAMPLES,) of the loudspeaker."""
        self._spectra = np.roll(self._spectra, 1, axis=0)
        self._spectra[0] = np.fft.rfft(np.concatenate([self._last, block]))
        self._last = block
        total = np.einsum("ij,ij->j", self._spectra, self._parts)
        return np.fft.irfft(total)[BLOCK_SAMPLES:].astype(np.float32)


class Room:
    """A microphone (a live Source), a loudspeaker (`sink`), and the SoundTap that joins them."""

    live = True
    counters: ClassVar[dict[str, int]] = {}
    trouble = ""

    def __init__(
        self,
        echo: Echo,
        script: Script,
        *,
        delay_ms: float = 0.0,
        drift_ppm: float = 0.0,
        rate_hz: int = 24_000,
        noise_dbfs: float = NOISE_DBFS,
        seed: int = 0,
    ) -> None:
        """Build it; the loudspeaker plays at `rate_hz` and `drift_ppm` slower than it should."""
        self.sink = PacedSink(rate_hz, drift_ppm)
        self._loudspeaker = _Loudspeaker(rate_hz, delay_ms / 1000)
        self._echo = echo
        self._script = script
        self._noise = 10 ** (noise_dbfs / 20)
        self._random = np.random.default_rng(seed)
        self._said: list[tuple[int, Samples]] = []  # first sample of the microphone, sound
        self._start_s = 0.0
        self._heard = 0  # samples
        self.clock: Clock | None = None  # while the room is open
        self._is_quiet: Callable[[], bool] = lambda: True

    # ---- for the script -------------------------------------------------------------------------

    @property
    def now_s(self) -> float:
        """End of the last block that the microphone has given, on the clock."""
        return self._start_s + self._heard / HEARING_RATE_HZ

    def is_quiet(self) -> bool:
        """Return whether everything that was said has been answered to its end."""
        return self._is_quiet()

    def say(self, samples: Samples, at_s: float) -> int:
        """Let somebody be heard, samples (n,) at HEARING_RATE_HZ, from `at_s` on the clock on.

        Returns the sample of the microphone that is the first.
        """
        start = round((at_s - self._start_s) * HEARING_RATE_HZ)
        self._said.append((start, samples))
        return start

    def wait_until(self, at_s: float) -> Iterator[None]:
        """Let blocks pass until `at_s`."""
        while self.now_s < at_s:
            yield None

    def wait_for_quiet(self, gap_s: float = 0.0) -> Iterator[None]:
        """Let blocks pass until all was answered, and `gap_s` more."""
        yield None  # what was said just now has to be heard first
        while not self._is_quiet():
            yield None
        yield from self.wait_until(self.now_s + gap_s)

    # ---- for the loop ---------------------------------------------------------------------------

    @property
    def late_blocks(self) -> int:
        """Blocks that the loudspeaker got only after they should have been heard."""
        return self._loudspeaker.late_blocks

    def sound(self, samples: Samples, heard_s: float) -> None:
        """Take what the loudspeaker plays."""
        self._loudspeaker.play(samples.copy(), heard_s)

    def items(self, clock: Clock, is_quiet: Callable[[], bool]) -> Iterator[Samples | TypedLine]:
        """Yield blocks as the microphone hears them, and typed lines, until the script ends."""
        self.clock, self._is_quiet = clock, is_quiet
        self._start_s, self._heard = clock.now(), 0
        for line in self._script(self):
            if line is not None:
                yield line
            block = self._hear()
            clock.sleep_until(self.now_s + BLOCK_SAMPLES / HEARING_RATE_HZ)
            block += self._echo.reflect(self._loudspeaker.heard(self.now_s))
            self._heard += BLOCK_SAMPLES
            yield block.clip(-1.0, 1.0)

    def _hear(self) -> Samples:
        """Return the next block without the echo."""
        block: Samples = self._random.standard_normal(BLOCK_SAMPLES, np.float32)
        block *= np.float32(self._noise)
        for start, samples in self._said:
            at = start - self._heard
            piece = samples[max(0, -at) : max(0, BLOCK_SAMPLES - at)]
            block[max(0, at) : max(0, at) + len(piece)] += piece
        self._said = [(s, x) for s, x in self._said if s + len(x) > self._heard + BLOCK_SAMPLES]
        return block


class _Loudspeaker:
    """What was played, at any moment of another clock, by windowed-sinc interpolation."""

    def __init__(self, rate_hz: int, delay_s: float) -> None:
        self._rate_hz = rate_hz
        self._delay_s = delay_s
        self._pushed: deque[tuple[float, Samples]] = deque()  # from the sink's thread
        self._samples: Samples = np.zeros(0, np.float32)  # the last that were played
        self._before = 0  # samples played before those
        self._first_s: float | None = None  # when the very first one was heard
        self._sample_s = 1 / rate_hz  # as its clock goes
        self.late_blocks = 0
        # From a higher rate all above 7.2 kHz is left out, else nothing.
        cutoff = 0.5 if rate_hz <= HEARING_RATE_HZ else 0.45 * HEARING_RATE_HZ / rate_hz
        self._taps = np.arange(1 - _ZERO_CROSSINGS, 1 + _ZERO_CROSSINGS)
        away = np.arange(_PHASES + 1)[:, None] / _PHASES - self._taps
        window = np.i0(8 * np.sqrt(np.maximum(0, 1 - (away / _ZERO_CROSSINGS) ** 2))) / np.i0(8)
        self._kernel = (2 * cutoff * np.sinc(2 * cutoff * away) * window).astype(np.float32)

    def play(self, samples: Samples, heard_s: float) -> None:
        """Take samples (n,) whose first is heard at `heard_s`."""
        self._pushed.append((heard_s, samples))

    def heard(self, from_s: float) -> Samples:
        """Return what arrives in a block from `from_s` on, (BLOCK_SAMPLES,)."""
        self._take(from_s)
        if self._first_s is None:
            return np.zeros(BLOCK_SAMPLES, np.float32)
        at_s = from_s - self._delay_s - self._first_s
        at = (at_s + np.arange(BLOCK_SAMPLES) / HEARING_RATE_HZ) / self._sample_s - self._before
        whole = np.floor(at).astype(np.int64)
        phase = (at - whole) * _PHASES
        step = phase.astype(np.int64)
        rest = (phase - step).astype(np.float32)[:, None]
        weights = self._kernel[step] * (1 - rest) + self._kernel[step + 1] * rest
        index = whole[:, None] + self._taps
        known = (index >= 0) & (index < len(self._samples))
        values = np.where(known, self._samples.take(index, mode="clip"), np.float32(0))
        arrived: Samples = np.einsum("ij,ij->i", values, weights)
        return arrived

    def _take(self, now_s: float) -> None:
        fresh = []
        count = self._before + len(self._samples)
        while self._pushed:
            heard_s, samples = self._pushed.popleft()
            if self._first_s is None:
                self._first_s = heard_s
            else:
                # Of a steady clock this is exact however far the block is from the first one.
                self._sample_s = (heard_s - self._first_s) / count
                self.late_blocks += heard_s < now_s
            count += len(samples)
            fresh.append(samples)
        if fresh:
            kept = round((self._delay_s + _KEPT_S) * self._rate_hz)
            self._samples = np.concatenate([self._samples, *fresh])[-kept:]
            self._before = count - len(self._samples)


def calibration_speech() -> Samples:
    """Return sentences of the starter profile's voice in its moods, at HEARING_RATE_HZ."""
    pieces = []
    for text in _CALIBRATION:
        for pitch in (44, 50, 58):
            prosody = Prosody("en-us", 160, pitch=pitch, pitch_range=pitch)
            spoken = render(text, prosody, lambda: False)
            assert spoken is not None  # None is for a render that was stopped
            samples = spoken.samples.astype(np.float32) / np.float32(32768)
            pieces.append(Resampler(spoken.rate_hz, HEARING_RATE_HZ).push(samples, last=True))
    return np.concatenate(pieces)


def active_dbfs(samples: Samples, like: Samples | None = None) -> float:
    """Return the RMS level over the voiced frames of 20 ms: those of `like`, else its own."""
    whole = len(samples) // BLOCK_SAMPLES * BLOCK_SAMPLES
    frames = samples[:whole].reshape(-1, BLOCK_SAMPLES)
    judged = (samples if like is None else like)[:whole].reshape(-1, BLOCK_SAMPLES)
    energy = np.square(judged).mean(axis=1)
    return dbfs(frames[energy >= energy.max() * 10 ** (-_ACTIVE_DB / 10)].ravel())


def _convolve(samples: Samples, response: Samples) -> Samples:
    size = 1 << (len(samples) + len(response)).bit_length()
    product = np.fft.rfft(samples, size) * np.fft.rfft(response, size)
    return np.fft.irfft(product)[: len(samples)].astype(np.float32)
