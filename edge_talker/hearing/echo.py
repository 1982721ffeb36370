"""The echo canceller: takes out of the microphone what the loudspeaker played into it.

AEC3, the noise suppressor and the gain control of WebRTC, through pywebrtc-audio. The canceller
finds the delay between the two itself, as long as the reference leads the microphone: so it is
pushed undelayed, when it is handed to the device.
"""

import numpy as np
from pywebrtc_audio import AudioProcessor

from edge_talker.audio import HEARING_RATE_HZ, Resampler, Ring
from edge_talker.messages import Samples

_RING_S = 2
_SLACK = HEARING_RATE_HZ // 100  # samples: 10 ms, lie ready, so that jitter costs nothing
_TOLERANCE = _SLACK // 5
_JUMP = HEARING_RATE_HZ // 10  # samples: 100 ms; more than this is no drift, but a fault
_WINDOW = 50  # blocks


class Reference:
    """What is played, kept in step with the microphone whatever the two devices' clocks do.

    One thread pushes, without lock or allocation; another one pulls.
    """

    def __init__(self, rate_hz: int) -> None:
        self._played = Ring(_RING_S * rate_hz)
        self._resampler = Resampler(rate_hz, HEARING_RATE_HZ)
        self._ready: Samples = np.zeros(0, np.float32)
        self._least: list[int] = []  # left over by each block of the window
        self._excess = 0  # samples to leave out, or to repeat where it is negative
        self.corrections = 0  # samples left out or repeated so far

    def push(self, samples: Samples) -> None:
        """Append samples (n,) in the moment in which the device gets them."""
        self._played.push(samples)

    def pull(self, count: int) -> Samples:
        """Return the next samples (count,) at HEARING_RATE_HZ; silence where none were played."""
        fresh = self._resampler.push(self._played.pull(self._played.ready))
        ready = np.concatenate([self._ready, fresh])
        self._ready = ready[count:]
        self._keep_in_step()
        return np.pad(ready[:count], (0, max(0, count - len(ready))))

    def _keep_in_step(self) -> None:
        """Follow the drift of the clocks by a sample at a time.

        The least that lay ready in a second is looked at, since blocks come in lumps.
        """
        if self._excess > _JUMP:
            self._skip(self._excess)
        elif self._excess > 0:
            self._skip(1)
        elif self._excess < 0 and len(self._ready):
            self._ready = np.concatenate([self._ready[:1], self._ready])
            self._excess += 1
            self.corrections += 1
        self._least.append(len(self._ready))
        if len(self._least) == _WINDOW:
            surplus = min(self._least) - _SLACK
            self._excess = surplus if abs(surplus) > _TOLERANCE else 0
            self._least = []

    def _skip(self, count: int) -> None:
        self._ready = self._ready[count:]
        self._excess -= count
        self.corrections += count


class EchoCanceller:
    """Cleans what the microphone hears. 8 ms of work for a second of sound."""

    def __init__(
        self, reference: Reference | None, *, noise_suppression: int, gain_control: bool
    ) -> None:
        """Without a `reference` no echo is taken out; `noise_suppression` is 0 (off) to 4."""
        self._reference = reference
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

    def clean(self, samples: Samples) -> Samples:
        """Return samples (n,) at HEARING_RATE_HZ without echo; n in whole 10 ms."""
        if self._processor is None:
            return samples
        if self._reference is None:
            return self._processor.process(samples, None)
        return self._processor.process(samples, self._reference.pull(len(samples)))
