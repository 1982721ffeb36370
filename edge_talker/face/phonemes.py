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

# By viseme, the letters and letter groups that show it. espeak-ng speaks a name in Greek or Hindi
# with that language's sounds, so every letter of the alphabet is here and not only our two voices'.
_LETTERS: tuple[tuple[Viseme, str], ...] = (
    ("PP", "p b m ɓ ʙ"),
    ("FF", "f v ɱ ʋ ⱱ ɸ β"),
    ("TH", "θ ð"),
    ("DD", "t d ɾ ʈ ɖ ɗ ɽ"),
    ("kk", "k g ɡ ŋ nɡ ɴ q ɢ ɠ ʛ c ɟ ʄ x χ ɣ ʁ ʀ ħ ʕ h ɦ ʔ ʝ ɰ"),
    ("CH", "tʃ dʒ ʃ ʒ ʧ ʤ s. ts. ʂ ʐ tʂ dʐ ʈʂ ɖʐ ɧ"),
    ("SS", "s z ts dz ʦ ʣ ɕ ʑ tɕ dʑ"),
    ("nn", "n l ɲ ɳ ʎ ɭ ʟ ɫ ɬ ɮ ɺ"),
    ("RR", "ɹ r ɻ ɚ ɝ"),
    ("aa", "a ɑ ɐ ʌ æ"),
    ("E", "e ɛ ə ɘ ɜ ɤ o-"),
    ("I", "i ɪ ᵻ ɨ ɯ i. j ʲ"),
    ("O", "o ɔ ɒ ɵ ɞ œ ɶ"),
    ("U", "u ʊ ʉ y ʏ ø w ʍ ɥ"),
)
VISEME_OF: Mapping[str, Viseme] = MappingProxyType(
    {letter: viseme for viseme, letters in _LETTERS for letter in letters.split()}
)
_LONGEST = max(map(len, VISEME_OF))
# Stress, length, tone, ties, aspiration and other marks that do not move the lips.
_MARKS = frozenset("ˈˌːˑ˥˦˧˨˩0123456789 '.,-_|͡ʰʷˠˤᵝᵐⁿᵑ~`^*?!:#\"+[]")


def visemes_of(symbol: str) -> tuple[Viseme, ...] | None:
    """Return the visemes of a phoneme in order, more than one for a diphthong; None if unknown.

    A mark by itself has none, and is not unknown.
    """
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
    return tuple(found)
