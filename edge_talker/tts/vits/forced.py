"""espeak-ng in the place of a voice that has learnt nothing, for benchmarks.

All that the voice does is done, at the durations of real speech; what is heard is espeak-ng's sound
of the same text. Random weights by themselves give noise, of any length.
"""

from functools import lru_cache

import numpy as np

from edge_talker.audio import Resampler
from edge_talker.engines import Stop
from edge_talker.espeak_library import Prosody, Rendering, render
from edge_talker.messages import Samples
from edge_talker.tts.vits.alignment import aligned
from edge_talker.tts.vits.description import Description
from edge_talker.tts.vits.network import Ids, Manner, Network, Plan
from edge_talker.tts.vits.reading import Utterance

_WORDS_PER_MINUTE = 165


class Script:
    """Makes plans whose durations and sound are espeak-ng's."""

    def __init__(self, description: Description) -> None:
        self._description = description
        self._rendered = lru_cache(maxsize=256)(_rendered)

    def plan(
        self, network: Network, utterance: Utterance, manner: Manner, stop: Stop
    ) -> Plan | None:
        """Return the plan of an utterance; None once `stop`.

        Raises:
            EngineError: espeak-ng or the network failed.

        """
        # Kept: it must not count when the same text is spoken again and timed.
        spoken = self._rendered(utterance.text, utterance.voice)
        hop = self._description.hop_samples
        raw = spoken.samples.astype(np.float32) / np.float32(32768)
        sound = Resampler(spoken.rate_hz, self._description.rate_hz).push(raw, last=True)
        frames = max(1, -(-len(sound) // hop))
        sound = np.pad(sound, (0, frames * hop - len(sound)))
        frame = hop * spoken.rate_hz / self._description.rate_hz
        events = [(symbol, at / frame) for symbol, at in spoken.phonemes]
        plan = network.plan(utterance.ids, manner, stop, durations(utterance, events, frames))
        return None if plan is None else _Scripted(plan, sound, hop)


def _rendered(text: str, voice: str) -> Rendering:
    prosody = Prosody(voice, _WORDS_PER_MINUTE, pitch=50, pitch_range=50)
    spoken = render(text, prosody, lambda: False)
    assert spoken is not None  # None is for a render that was stopped
    return spoken


class _Scripted:
    """A plan that is computed, and not heard."""

    def __init__(self, plan: Plan, sound: Samples, hop: int) -> None:
        self._plan = plan
        self._sound = sound
        self._hop = hop
        self.durations = plan.durations

    def sound(self, start: int, end: int, stop: Stop) -> Samples | None:
        """Return the samples of frames `start` to `end`; None once `stop`."""
        if self._plan.sound(start, end, stop) is None:
            return None
        return self._sound[start * self._hop : end * self._hop]


def durations(utterance: Utterance, events: list[tuple[str, float]], frames: int) -> Ids:
    """Return the frames of each id, `frames` in all, by events of (symbol, frame) of the sound."""
    ours = [(letter, sound.first) for sound in utterance.sounds for letter in sound.symbol]
    theirs = [(letter, at) for symbol, at in events for letter in symbol if letter not in "ˈˌ"]
    partners = aligned("".join(c for c, _ in ours), "".join(c for c, _ in theirs))
    count = len(utterance.ids)
    known = {0: 0.0, count: float(frames)}
    for (_, identity), partner in zip(ours, partners, strict=True):
        if partner >= 0:
            known.setdefault(identity, theirs[partner][1])
    places = sorted(known)
    times = np.maximum.accumulate([known[place] for place in places])
    ends = np.rint(np.interp(np.arange(count + 1), places, np.minimum(times, frames)))
    return np.diff(ends).astype(np.int64)
