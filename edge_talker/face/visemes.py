"""From phonemes to a moving mouth: the viseme shapes and the track that blends them.

Knows time in samples and mouths; knows neither pictures nor the rest of the face. The fifteen
visemes are those of MPEG-4 FBA (ISO/IEC 14496-2) in the names that lip-sync tools use. Blending
follows the dominance model of Cohen and Massaro (1993): a mouth is the average of the visemes
around it, each weighted by how much it insists on its shape.
"""

from dataclasses import dataclass, field, fields
from math import pi, sin

import numpy as np

from edge_talker.face.phonemes import UNKNOWN, Viseme, visemes_of
from edge_talker.face.pose import Mouth
from edge_talker.messages import Samples, Speech

AHEAD_MS = 60  # a mouth is on its way this long before its sound
BEHIND_MS = 40  # and keeps a trace of the sound before for this long
GLIDE_MS = 100  # the first target of a diphthong is held this long
FRAME_MS = 40

CLOSED = Mouth()
SHAPES: dict[Viseme, Mouth] = {
    "sil": CLOSED,
    "PP": Mouth(press=1.0),
    "FF": Mouth(open=0.14, width=0.05, tuck=1.0, teeth=0.55),
    "TH": Mouth(open=0.24, width=0.1, teeth=0.6, tongue=1.0),
    "DD": Mouth(open=0.24, width=0.1, teeth=0.6, tongue=0.65),
    "kk": Mouth(open=0.30, width=0.05, teeth=0.4, tongue=0.2),
    "CH": Mouth(open=0.26, width=-0.3, round=0.65, teeth=0.8),
    "SS": Mouth(open=0.17, width=0.4, teeth=1.0),
    "nn": Mouth(open=0.22, width=0.1, teeth=0.45, tongue=0.65),
    "RR": Mouth(open=0.27, width=-0.2, round=0.5, teeth=0.45, tongue=0.3),
    "aa": Mouth(open=1.0, width=0.0, teeth=0.45),
    "E": Mouth(open=0.60, width=0.45, teeth=0.55, tongue=0.15),
    "I": Mouth(open=0.36, width=0.75, teeth=0.75, tongue=0.25),
    "O": Mouth(open=0.66, width=-0.35, round=0.75, teeth=0.15),
    "U": Mouth(open=0.30, width=-0.6, round=1.0),
}
# Lips that must meet insist; a tongue behind the teeth hardly moves them.
DOMINANCE: dict[Viseme, float] = {
    "sil": 1.0,
    "PP": 3.0,
    "FF": 2.2,
    "TH": 1.0,
    "DD": 0.6,
    "kk": 0.5,
    "CH": 1.3,
    "SS": 1.0,
    "nn": 0.6,
    "RR": 0.9,
    "aa": 1.2,
    "E": 1.0,
    "I": 1.0,
    "O": 1.2,
    "U": 1.3,
}
_FIELDS = tuple(f.name for f in fields(Mouth))
_VECTORS = {viseme: [getattr(m, name) for name in _FIELDS] for viseme, m in SHAPES.items()}


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

    A mouth depends on `BEHIND_MS` before and `AHEAD_MS` after its moment and on nothing else, so
    that it is the same however the reply was cut into pieces.
    """

    rate_hz: int
    end: int = 0  # samples pushed so far
    _sounds: list[_Sound] = field(default_factory=list)
    _tail: Samples = field(default_factory=lambda: np.zeros(0, np.float32))  # ends at `end`

    def push(self, speech: Speech) -> int:
        """Append a piece of the reply; return how many of its phonemes no table knows."""
        unknown = 0
        for symbol, start, end in speech.phonemes:
            first, last = self.end + start, self.end + min(end, len(speech.samples))
            before = self._sounds[-1] if self._sounds else None
            if before and before.symbol == symbol and first <= before.end:
                before.end = max(before.end, last)  # one sound that a cut has divided
            elif symbol and last > first:
                visemes = visemes_of(symbol)
                unknown += visemes is None
                self._sounds.append(_Sound(symbol, visemes or (UNKNOWN,), first, last))
        self._tail = np.concatenate([self._tail, speech.samples])
        self.end += len(speech.samples)
        return unknown

    def ready(self, sample: int) -> bool:
        """Tell whether all that the mouth at `sample` depends on was pushed."""
        return sample + self._samples(AHEAD_MS) <= self.end

    def forget(self, before: int) -> None:
        """Let go of what no mouth from sample `before` on depends on."""
        first = before - self._samples(BEHIND_MS)
        self._sounds = [s for s in self._sounds if s.end >= first]
        keep = min(max(self.end - first, 0), len(self._tail))
        self._tail = self._tail[len(self._tail) - keep :].copy()

    def mouth(self, sample: int) -> Mouth:
        """Return the mouth at `sample` of the reply."""
        first = sample - self._samples(BEHIND_MS)
        width = self._samples(BEHIND_MS + AHEAD_MS)
        half_frame = self._samples(FRAME_MS) // 2
        total = [0.0] * len(_FIELDS)
        sounding = insisted = 0.0
        for viseme, start, end in self._spans(first, first + width):
            # Lips that meet for less than a frame are given the frame that is nearest.
            if viseme == "PP" and (
                start <= sample < end or sample - half_frame <= start < sample + half_frame
            ):
                return SHAPES["PP"]
            share = _ease((end - first) / width) - _ease((start - first) / width)
            weight = share * DOMINANCE[viseme]
            sounding += share
            insisted += weight
            total = [t + weight * v for t, v in zip(total, _VECTORS[viseme], strict=True)]
        insisted += max(1 - sounding, 0.0) * DOMINANCE["sil"]
        if sounding < 1e-6:
            return CLOSED
        values = dict(zip(_FIELDS, (t / insisted for t in total), strict=True))
        values["open"] *= self._loudness(first, first + width)
        return Mouth(**values)

    def _spans(self, first: int, end: int) -> list[tuple[Viseme, int, int]]:
        """Return the visemes between two samples; a diphthong glides from one to the next."""
        glide = self._samples(GLIDE_MS)
        spans = []
        for i, sound in enumerate(self._sounds):
            if sound.start >= end or sound.end <= first:
                continue
            following = self._sounds[i + 1].start if i + 1 < len(self._sounds) else sound.end
            start, stop = sound.start, min(sound.end, max(following, sound.start))
            for k, viseme in enumerate(sound.visemes):
                until = stop if k == len(sound.visemes) - 1 else min(start + glide, stop)
                spans.append((viseme, start, until))
                start = until
        return spans

    def _loudness(self, first: int, end: int) -> float:
        """Return how far a voice of this level opens the mouth, about 1."""
        offset = self.end - len(self._tail)
        heard = self._tail[max(first - offset, 0) : max(end - offset, 0)]
        # Over the whole window, so that samples not there count as silence.
        power = float(np.sum(np.square(heard, dtype=np.float64))) / (end - first)
        level_dbfs = 10 * np.log10(max(power, 1e-12))
        return float(np.interp(level_dbfs, (-50, -32, -14), (0.7, 0.92, 1.12)))

    def _samples(self, ms: int) -> int:
        return self.rate_hz * ms // 1000


def _ease(x: float) -> float:
    """Integrate a raised cosine over 0 to 1."""
    x = min(max(x, 0.0), 1.0)
    return x - sin(2 * pi * x) / (2 * pi)
