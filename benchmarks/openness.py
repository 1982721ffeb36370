"""How open the mouth is for a speech sound, from published formant tables and from no drawing.

The first formant is the accepted acoustic measure of how open the mouth is: it rises as jaw and
lips open (Lindblom and Sundberg, 1971) and falls to about 200 Hz as the mouth closes anywhere
(Klatt, 1980). It knows nothing of how wide the lips are when the tongue closes the mouth, so it
asks for a mouth more closed than a real one on t d k n. Sources of the figures, all of men:

- vowels: Hillenbrand, Getty, Clark and Wheeler (1995), "Acoustic characteristics of American
  English vowels", means of 45 men;
- consonants: Klatt (1980), "Software for a cascade/parallel formant synthesizer", table III; of a
  pair the voiced one, since it is the open glottis that raises F1 of the other, and for nasals the
  stop of the same place, since it is the nose that raises theirs;
- marked W: Mandarin vowels that English lacks, from Wu's measurements of 1964 as they are commonly
  quoted, which we have not compared with the paper;
- marked *: approximations of ours, for sounds that none of them has: a schwa has the formant of an
  even tube (Fant, 1960), another sound that of the most similar one.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from edge_talker.messages import Phoneme

Curve = NDArray[np.float64]

CLOSED_HZ, OPEN_HZ = 200, 768  # a stop, and the most open vowel of the table
STEP_MS = 1  # of a curve

# By F1 in Hz, the letters of the phonetic alphabet as espeak-ng writes them.
_FIRST_FORMANTS_HZ: tuple[tuple[int, str], ...] = (
    (342, "i"),
    (427, "ɪ ᵻ"),  # * ᵻ, espeak-ng's vowel between ɪ and ə
    (476, "e"),
    (580, "ɛ"),
    (588, "æ"),
    (768, "ɑ a"),  # * a, the onset of "eye" and Mandarin's a, as ɑ
    (652, "ɔ ɒ"),  # * ɒ
    (497, "o"),
    (469, "ʊ"),
    (378, "u"),
    (623, "ʌ ɐ"),  # * ɐ, as ʌ
    (474, "ɝ ɚ ɜ"),
    (500, "ə"),  # *
    (540, "ɤ o-"),  # W, Pinyin e
    (290, "y"),  # W, Pinyin ü
    (380, "i. i̪"),  # W, the vowels of Pinyin shi and si
    (290, "w ɥ"),  # * ɥ, as w
    (260, "j"),
    (310, "ɹ r l ɻ"),  # * ɻ
    (220, "f v"),
    (270, "θ ð"),
    (240, "s z ts dz"),
    (300, "ʃ ʒ ɕ s. ʐ x χ"),  # * all but ʃ ʒ
    (260, "tʃ dʒ tɕ ts."),  # * tɕ ts.
    (200, "p b t d k ɡ m n ŋ nɡ"),
    (200, "ɾ"),  # *, as d
)
FIRST_FORMANT_HZ: Mapping[str, int] = MappingProxyType(
    {letter: hz for hz, letters in _FIRST_FORMANTS_HZ for letter in letters.split()}
)
THROAT = frozenset("hʔ")  # made below the mouth, which already is that of the next sound
LABIALS = frozenset("pbm")
_LONGEST = max(map(len, FIRST_FORMANT_HZ))
_ASPIRATION = "h"
_BENEATH = "\u032a"  # the dental mark, which makes another vowel of Mandarin's i


def openness_of(symbol: str) -> tuple[float, ...] | None:
    """Return how open the parts of a phoneme are, 0 closed to 1; () of the throat, None unknown."""
    letters = "".join(
        c
        for c in unicodedata.normalize("NFD", symbol)
        if c == _BENEATH or not (unicodedata.combining(c) or c in "ːʲ0123456789")
    )
    if letters in THROAT:
        return ()
    found: list[float] = []
    at = 0
    while at < len(letters):
        size = next(
            (n for n in range(_LONGEST, 0, -1) if letters[at : at + n] in FIRST_FORMANT_HZ), 0
        )
        if size:
            hz = FIRST_FORMANT_HZ[letters[at : at + size]]
            found.append((hz - CLOSED_HZ) / (OPEN_HZ - CLOSED_HZ))
        elif not (found and letters[at] == _ASPIRATION):
            return None
        at += size or 1
    return tuple(found) or None


def is_labial(symbol: str) -> bool:
    """Tell whether the lips must meet in a phoneme."""
    return not LABIALS.isdisjoint(symbol)


def openness_curve(
    phonemes: Sequence[Phoneme], rate_hz: int, unknown: set[str] | None = None
) -> Curve:
    """Return the openness of every `STEP_MS` of a piece of speech, 0 in silence.

    A phoneme of several parts glides evenly from the first to the last. One that the table lacks is
    a schwa, and added to `unknown`.
    """
    length = round(1000 * phonemes[-1].end_sample / rate_hz / STEP_MS) if phonemes else 0
    curve = np.zeros(length)
    following: tuple[float, ...] = (0.0,)
    for symbol, start_sample, end_sample in reversed(phonemes):
        parts = openness_of(symbol) if symbol else (0.0,)
        if parts is None:
            parts = openness_of("ə") or ()
            if unknown is not None:
                unknown.add(symbol)
        parts = parts or following[:1]
        start, end = (round(1000 * n / rate_hz / STEP_MS) for n in (start_sample, end_sample))
        places = np.linspace(0, len(parts) - 1, end - start)
        curve[start:end] = np.interp(places, range(len(parts)), parts)
        following = parts
    return curve
