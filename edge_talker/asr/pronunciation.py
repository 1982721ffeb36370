"""Pronunciations in the phone set of CMU's dictionary: from the dictionary, else by espeak-ng.

Knows the files of pocketsphinx's en-us model and the IPA that espeak-ng's en-us voice writes.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from edge_talker.espeak_library import Prosody, render

Dictionary = Mapping[str, list[str]]
"""Word: its pronunciations, phones separated by spaces."""

_VOICE = Prosody("en-us", words_per_minute=175, pitch=50, pitch_range=50)
_STRESS_AND_LENGTH = re.compile("[ˈˌː\u0329]")  # the last is the mark of a syllabic consonant
_CMU = {
    # r-coloured vowels and diphthongs come first: the longest symbol that fits is taken
    "aɪɚ": "AY ER", "aɪə": "AY AH", "ɔːɹ": "AO R", "aɪ": "AY", "aʊ": "AW", "eɪ": "EY", "oʊ": "OW",
    "ɔɪ": "OY", "iə": "IY AH", "əl": "AH L", "tʃ": "CH", "dʒ": "JH",
    "i": "IY", "ɪ": "IH", "ᵻ": "IH", "ɛ": "EH", "e": "EH", "æ": "AE", "a": "AA", "ɑ": "AA",
    "ɔ": "AO", "o": "OW", "ʊ": "UH", "u": "UW", "ʌ": "AH", "ə": "AH", "ɐ": "AH", "ɜ": "ER",
    "ɚ": "ER", "p": "P", "b": "B", "t": "T", "d": "D", "ɾ": "T", "ʔ": "T", "k": "K", "ɡ": "G",
    "x": "K", "f": "F", "v": "V", "θ": "TH", "ð": "DH", "s": "S", "z": "Z", "ʃ": "SH", "ʒ": "ZH",
    "h": "HH", "m": "M", "n": "N", "ŋ": "NG", "l": "L", "ɬ": "L", "ɹ": "R", "r": "R", "w": "W",
    "j": "Y",
}  # fmt: skip
_SYMBOL = re.compile("|".join(sorted(map(re.escape, _CMU), key=len, reverse=True)))


def read_dictionary(path: Path) -> dict[str, list[str]]:
    """Read a dictionary of CMU's: `word phones`, and `word(2) phones` for another way."""
    dictionary: dict[str, list[str]] = {}
    with path.open(encoding="utf-8") as file:
        for line in file:
            word, _, phones = line.rstrip().partition(" ")
            dictionary.setdefault(word.partition("(")[0], []).append(phones)
    return dictionary


def spell_out(word: str) -> str:
    """Return the phones that espeak-ng gives `word`, "" for one without a sound.

    Digits are read as a number.

    Raises:
        EngineError: espeak-ng is missing.

    """
    rendering = render(word, _VOICE, lambda: False)
    symbols = "" if rendering is None else "".join(symbol for symbol, _ in rendering.phonemes)
    return " ".join(_CMU[s] for s in _SYMBOL.findall(_STRESS_AND_LENGTH.sub("", symbols)))
