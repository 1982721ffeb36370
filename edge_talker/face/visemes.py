"""From phonemes to a moving mouth: the viseme shapes and the track that blends them.

Knows time in samples and the rig's mouth; knows neither pictures nor the rest of the face. The
fifteen visemes are those of MPEG-4 FBA (ISO/IEC 14496-2) in the names that lip-sync tools use.
Blending follows Cohen and Massaro, "Modeling coarticulation in synthetic visual speech" (1993):
each sound has a dominance over each part of the mouth, which fades with the time to the sound,
and a part's place is the mean of the targets around it, weighted by their dominance.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from math import exp, inf, log10

import numpy as np

from edge_talker.face import FRAMES_PER_SECOND
from edge_talker.face.phonemes import UNKNOWN, Viseme, visemes_of
from edge_talker.face.rig import MOUTH, Rig
from edge_talker.messages import Samples, Speech

AHEAD_MS = 120  # a mouth depends on the sounds up to this long after its moment,
BEHIND_MS = 200  # and on those down to this long before it
GLIDE_MS = 300  # the length of a sound counts up to this: how fast a diphthong glides

# Openings follow the lip heights of the vowels; the jaw has its own: of all sounds s closes it
# most, and for a rounded vowel the lips close what the jaw opens.
SHAPES: dict[Viseme, Rig] = {
    "sil": Rig(),
    "PP": Rig(lip_press=1.0, jaw=0.08),
    "FF": Rig(mouth_open=0.12, mouth_width=0.05, lip_tuck=1.0, teeth=0.55, jaw=0.08),
    "TH": Rig(mouth_open=0.20, mouth_width=0.1, teeth=0.6, tongue=1.0, jaw=0.16),
    "DD": Rig(mouth_open=0.18, mouth_width=0.1, teeth=0.6, tongue=0.65, jaw=0.12),
    "kk": Rig(mouth_open=0.26, mouth_width=0.05, teeth=0.4, tongue=0.2, jaw=0.24),
    "CH": Rig(mouth_open=0.20, mouth_width=-0.3, mouth_round=0.65, teeth=0.8, jaw=0.05),
    "SS": Rig(mouth_open=0.15, mouth_width=0.4, teeth=1.0, jaw=0.03),
    "nn": Rig(mouth_open=0.18, mouth_width=0.1, teeth=0.45, tongue=0.65, jaw=0.15),
    "RR": Rig(mouth_open=0.28, mouth_width=-0.2, mouth_round=0.5, teeth=0.45, tongue=0.3, jaw=0.2),
    "aa": Rig(mouth_open=1.0, teeth=0.45, jaw=1.0),
    "E": Rig(mouth_open=0.55, mouth_width=0.45, teeth=0.55, tongue=0.15, jaw=0.5),
    "I": Rig(mouth_open=0.26, mouth_width=0.75, teeth=0.75, tongue=0.25, jaw=0.18),
    "O": Rig(mouth_open=0.62, mouth_width=-0.35, mouth_round=0.75, teeth=0.15, jaw=0.62),
    "U": Rig(mouth_open=0.20, mouth_width=-0.6, mouth_round=1.0, jaw=0.25),
}
_EARLY_MS = 12  # lips move before what is heard of it: espeak's plosives begin with their burst
# The parts that move on their own, with the reach of a sound's dominance over each, in ms before
# and after the sound: a light tongue tip is quick, a jaw is not, and rounding begins early.
PARTS: dict[str, tuple[tuple[str, ...], int, int]] = {
    "lips": (("mouth_open", "teeth"), 75, 75),
    "jaw": (("jaw",), 100, 120),
    "corners": (("mouth_width", "mouth_round"), AHEAD_MS - _EARLY_MS, 150),
    "tongue": (("tongue",), 60, 60),
}
# How much each viseme insists on its target: of lips, jaw, corners, tongue. What a sound does not
# need it leaves to its neighbours: the corners are wherever the vowels beside a p want them.
DOMINANCE: dict[Viseme, tuple[float, float, float, float]] = {
    "sil": (1.0, 1.0, 1.0, 1.0),
    "PP": (0.0, 1.0, 0.2, 0.0),
    "FF": (0.0, 1.2, 0.3, 0.3),
    "TH": (1.0, 0.8, 0.2, 3.0),
    "DD": (1.0, 0.7, 0.2, 2.0),
    "kk": (0.6, 0.3, 0.2, 0.5),
    "CH": (1.1, 1.6, 1.2, 0.6),
    "SS": (1.2, 2.0, 0.3, 0.6),
    "nn": (0.9, 0.6, 0.2, 2.0),
    "RR": (0.8, 0.7, 0.7, 0.8),
    "aa": (1.2, 1.0, 0.6, 1.0),
    "E": (1.0, 0.9, 0.8, 1.0),
    "I": (1.0, 0.9, 1.0, 1.0),
    "O": (1.2, 1.0, 1.4, 1.0),
    "U": (1.2, 1.0, 2.0, 1.0),
}
# A mean never reaches its target, and these must: they are laid over it, the later over the first.
CONTACTS: tuple[Viseme, ...] = ("FF", "PP")
_IN_CONTACT = ("mouth_open", "lip_press", "lip_tuck", "teeth")
_CONTACT_REACH_MS = 70
_HELD_MS = 1000 / FRAMES_PER_SECOND + 1  # so that a frame falls into it, however it is rounded

_REST_MS = 30  # silence begins this long after a sound and ends this long before the next one
_GLIDE_AT = 0.6  # a diphthong's last vowel begins at this share of its length
_FADE = 2.0  # a dominance fades to exp(-2) of itself, and is cut off there
_LEVELS_DBFS = (-50.0, -32.0, -14.0)
_OPENINGS = (0.7, 0.92, 1.12)  # what a voice of these levels makes of the opening of lips and jaw

# By viseme, for each part: dominance, its reach in ms before and after, (parameter, target) pairs.
_PULLS = {
    viseme: tuple(
        (dominance, before_ms, after_ms, tuple((name, getattr(shape, name)) for name in names))
        for dominance, (names, before_ms, after_ms) in zip(
            DOMINANCE[viseme], PARTS.values(), strict=True
        )
    )
    for viseme, shape in SHAPES.items()
}


@dataclass(slots=True)
class _Sound:
    """A phoneme on the reply's own time line, in samples."""

    symbol: str
    visemes: tuple[Viseme, ...]
    start: int
    end: int


@dataclass(slots=True)
class MouthTrack:
    """The recent sounds of one reply, from which the mouth of any moment near them is read.

    A mouth depends on `BEHIND_MS` before and `AHEAD_MS` after its moment, on the first `GLIDE_MS`
    of the sounds that begin there, and on nothing else: so it is the same however the reply was
    cut into pieces.
    """

    rate_hz: int
    end: int = 0  # samples pushed so far
    _sounds: list[_Sound] = field(default_factory=list)  # without silence
    _tail: Samples = field(default_factory=lambda: np.zeros(0, np.float32))  # ends at `end`

    def push(self, speech: Speech) -> int:
        """Append a piece of the reply; return how many of its phonemes no table knows."""
        unknown = 0
        for symbol, start, end in speech.phonemes:
            first, last = self.end + start, self.end + min(end, len(speech.samples))
            before = self._sounds[-1] if self._sounds else None
            if before and (before.symbol, before.end) == (symbol, first):
                before.end = last  # one sound, which a cut may have divided
            elif symbol and last > first:
                visemes = visemes_of(symbol)
                unknown += visemes is None
                if visemes != ():
                    self._sounds.append(_Sound(symbol, visemes or (UNKNOWN,), first, last))
        self._tail = np.concatenate([self._tail, speech.samples])
        self.end += len(speech.samples)
        return unknown

    def ready(self, sample: int) -> bool:
        """Tell whether all that the mouth at `sample` depends on was pushed."""
        known = self.end
        if self._sounds:
            last = self._sounds[-1]
            short = 1000 * (last.end - last.start) < GLIDE_MS * self.rate_hz
            if short and last.end == self.end:
                known = last.start  # it may go on in the next piece
        return sample + self._samples(AHEAD_MS) <= known

    def forget(self, before: int) -> None:
        """Let go of what no mouth from sample `before` on depends on."""
        first = before - self._samples(BEHIND_MS)
        self._sounds = [s for s in self._sounds if s.end >= first]
        keep = min(max(self.end - first, 0), len(self._tail))
        self._tail = self._tail[len(self._tail) - keep :].copy()

    def mouth(self, sample: int) -> Rig:
        """Return the mouth at `sample` of the reply; only `rig.MOUTH` is set."""
        values = dict.fromkeys(MOUTH, 0.0)
        totals = [0.0] * len(PARTS)
        contacts = dict.fromkeys(CONTACTS, 0.0)
        for viseme, start_ms, end_ms in self._targets(sample):
            away_ms = max(start_ms, -end_ms, 0.0)
            for part, (strength, before_ms, after_ms, targets) in enumerate(_PULLS[viseme]):
                dominance = strength * _faded(away_ms / (before_ms if start_ms > 0 else after_ms))
                if dominance:
                    totals[part] += dominance
                    for name, target in targets:
                        values[name] += dominance * target
            if viseme in contacts:
                held_ms = max(end_ms - start_ms + _EARLY_MS, _HELD_MS)
                away_ms = max(start_ms, -start_ms - held_ms, 0.0)
                contacts[viseme] = max(contacts[viseme], _faded(away_ms / _CONTACT_REACH_MS))
        for total, (names, *_) in zip(totals, PARTS.values(), strict=True):
            for name in names:
                values[name] /= total or 1.0
        opening = float(np.interp(self._level_dbfs(sample), _LEVELS_DBFS, _OPENINGS))
        values["mouth_open"] *= opening
        values["jaw"] *= opening
        for viseme, share in contacts.items():
            for name in _IN_CONTACT:
                values[name] += share * (getattr(SHAPES[viseme], name) - values[name])
        return Rig(**values)

    def energy(self, sample: int) -> float:
        """Return how loud the voice is around `sample`, smoothed: 0 silent to 1 loud."""
        quiet, _, loud = _LEVELS_DBFS
        return min(max((self._level_dbfs(sample) - quiet) / (loud - quiet), 0.0), 1.0)

    def _targets(self, sample: int) -> Iterator[tuple[Viseme, float, float]]:
        """Yield the visemes around `sample`, and silence where it is long enough to show.

        With each come its start and its end, in ms after `sample`.
        """
        horizon = sample + self._samples(AHEAD_MS)
        sample += self._samples(_EARLY_MS)
        ms = 1000 / self.rate_hz
        silent_ms = -inf
        for sound in self._sounds:
            if sound.start >= horizon:
                break
            start_ms, end_ms = (sound.start - sample) * ms, (sound.end - sample) * ms
            # Before the reply the mouth was closed, however early its first sound comes.
            until_ms = max(start_ms - _REST_MS, -sample * ms)
            if until_ms > max(silent_ms, -BEHIND_MS):
                yield "sil", silent_ms, until_ms
            silent_ms = end_ms + _REST_MS
            if end_ms < -BEHIND_MS:
                continue
            *glides, last = sound.visemes
            step_ms = _GLIDE_AT * min(end_ms - start_ms, GLIDE_MS) / max(len(glides), 1)
            for viseme in glides:
                yield viseme, start_ms, start_ms + step_ms
                start_ms += step_ms
            yield last, start_ms, end_ms
        if silent_ms < (horizon - sample) * ms:
            yield "sil", silent_ms, inf

    def _level_dbfs(self, sample: int) -> float:
        """Return the level of all that the mouth at `sample` may depend on."""
        window = _hann(self._samples(BEHIND_MS) + self._samples(AHEAD_MS))
        first = sample - self._samples(BEHIND_MS)
        at = first - (self.end - len(self._tail))
        heard = self._tail[max(at, 0) : max(at + len(window), 0)]
        # What is not there counts as silence: the reply has not begun, or is over.
        weights = window[max(-at, 0) :][: len(heard)]
        power = float(np.dot(np.square(heard), weights))
        return 10 * log10(max(power, 1e-12))

    def _samples(self, ms: int) -> int:
        return self.rate_hz * ms // 1000


def _faded(distance: float) -> float:
    """Return what is left of a dominance at a distance of 0 (all) to 1, its reach (nothing)."""
    return (exp(-_FADE * distance) - exp(-_FADE)) / (1 - exp(-_FADE)) if distance < 1 else 0.0


@cache
def _hann(length: int) -> Samples:
    """Return a window of sum 1 that fades at both ends."""
    window: Samples = np.hanning(length).astype(np.float32)
    window /= window.sum()
    return window
