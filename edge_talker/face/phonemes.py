"""From phoneme symbols to visemes, for English and Mandarin.

Knows the International Phonetic Alphabet as espeak-ng writes it (`ts.` and `i.` are Mandarin's
retroflex sounds, `o-` its unrounded o, a trailing `h` is aspiration); knows nothing of time.
"""

import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

Viseme = Literal[
    "sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "I", "O", "U"
]
UNKNOWN: Viseme = "E"  # about the mouth of a schwa

# By viseme, the letters and letter groups that show it.
_LETTERS: tuple[tuple[Viseme, str], ...] = (
    ("PP", "p b m"),
    ("FF", "f v ɸ β"),
    ("TH", "θ ð"),
    ("DD", "t d ɾ"),
    ("kk", "k g ɡ ŋ x χ h ɣ ʔ q"),
    ("CH", "tʃ dʒ ʃ ʒ ts. s. ʐ ʂ"),
    ("SS", "s z ts dz ɕ tɕ"),
    ("nn", "n l ɬ ɫ"),
    ("RR", "ɹ r ɚ ɻ"),
    ("aa", "a ɑ ɐ ʌ æ"),
    ("E", "e ɛ ə ɜ ɤ o-"),
    ("I", "i ɪ ᵻ j ʲ i. ɨ"),
    ("O", "o ɔ ɒ"),
    ("U", "u ʊ w y ɥ ø"),
)
VISEME_OF: Mapping[str, Viseme] = MappingProxyType(
    {letter: viseme for viseme, letters in _LETTERS for letter in letters.split()}
)
_LONGEST = max(map(len, VISEME_OF))
# Stress, length, tone, ties, aspiration and other marks that do not move the lips.
_MARKS = frozenset("ˈˌːˑ˥˦˧˨˩012345678 '.,-_|͡ʰʷˠ~`^*?!:")


def visemes_of(symbol: str) -> tuple[Viseme, ...] | None:
    """Return the visemes of a phoneme in order, more than one for a diphthong; None if unknown."""
    letters = "".join(
        c for c in unicodedata.normalize("NFD", symbol) if not unicodedata.combining(c)
    )
    found: list[Viseme] = []
    at = 0
    while at < len(letters):
        for size in range(_LONGEST, 0, -1):
            viseme = VISEME_OF.get(letters[at : at + size])
            if viseme is not None:
                break
        else:
            if letters[at] not in _MARKS:
                return None
            at += 1
            continue
        aspiration = letters[at] == "h" and bool(found)
        if not aspiration and (not found or found[-1] != viseme):
            found.append(viseme)
        at += size
    return tuple(found) or None
