"""The echo canceller: takes out of the microphone what the loudspeaker played into it.

First the linear filter of `echo_filter.py`, which leaves a person's voice as it is; then AEC3, the
noise suppressor and the gain control of WebRTC, through pywebrtc-audio, for what is left. AEC3
alone silences a person in a reverberant hall: of those who speak into a reply as loud as its echo,
14 % are not heard, and half of the others only after 0.8 s.
"""

from typing import NamedTuple, Protocol

from pywebrtc_audio import AudioProcessor

from edge_talker.audio import HEARING_RATE_HZ, dbfs
from edge_talker.clock import Clock
from edge_talker.delay_locked_loop import DelayLockedLoop
from edge_talker.hearing.echo_filter import EchoFilter
from edge_talker.hearing.reference import Reference
from edge_talker.messages import Samples

_SETTLES_S = 4.0  # of reply, until the filters know the room
_AUDIBLE_DBFS = -50.0


class Cleaned(NamedTuple):
    """A block without echo, as far as that goes."""

    samples: Samples  # (n,) with all that was done
    linear: Samples  # (n,) less the echo that was predicted, and nothing suppressed


class Cleaner(Protocol):
    """What the listener does to a block before it listens."""

    @property
    def is_settled(self) -> bool:
        """False while our own voice may still come through."""
        ...

    def clean(self, samples: Samples) -> Cleaned:
        """Clean the next samples (n,) at HEARING_RATE_HZ."""
        ...


class EchoCanceller:
    """Cleans what the microphone hears; 3 % of a core while something is played."""

    def __init__(
        self,
        clock: Clock,
        reference: Reference | None,
        *,
        noise_suppression: int,
        gain_control: bool,
    ) -> None:
        """Without a `reference` no echo is taken out; `noise_suppression` is 0 (off) to 4."""
        self._clock = clock
        self._reference = reference
        self._times = DelayLockedLoop(HEARING_RATE_HZ)
        self._filter = EchoFilter()
        self._played_s = 0.0
        wanted = {
            "echo_cancellation": reference is not None,
            "noise_suppression": noise_suppression > 0,
            "auto_gain_control": gain_control,
        }
        self._processor = (
            AudioProcessor(HEARING_RATE_HZ, ns_level=max(noise_suppression - 1, 0), **wanted)
            if any(wanted.values())
            else None
        )

    @property
    def is_settled(self) -> bool:
        """False while our own voice may still come through: in the first reply."""
        return self._reference is None or self._played_s >= _SETTLES_S

    def clean(self, samples: Samples) -> Cleaned:
        """Clean a block (BLOCK_SAMPLES,) at HEARING_RATE_HZ, which has just come."""
        if self._processor is None:
            return Cleaned(samples, samples)
        if self._reference is None:
            cleaned = self._processor.process(samples, None)
            return Cleaned(cleaned, cleaned)
        end_s = self._times.follow(self._clock.now(), len(samples))
        far = self._reference.pull(len(samples), end_s)
        if dbfs(far) > _AUDIBLE_DBFS:
            self._played_s += len(far) / HEARING_RATE_HZ
        linear = self._filter.clean(samples, far)
        return Cleaned(self._processor.process(linear, far), linear)
