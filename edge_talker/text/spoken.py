"""A text as it is said: numbers, dates, times, money and units in words, in English and Chinese.

Knows how people read what is written, and where each spoken letter comes from; knows no voice. The
words of numbers are CLDR's (Unicode Technical Standard 35, part 3), by the package unicode-rbnf.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from edge_talker.messages import Language
from edge_talker.text.spoken_chinese import CHINESE
from edge_talker.text.spoken_english import ENGLISH

Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str | None]]
"""A written form, and what is said for it; None leaves it as it is."""

_RULES: dict[Language, Sequence[Rule]] = {"en": ENGLISH, "zh": CHINESE}


class Said(NamedTuple):
    """A text in words, and for each of its code points the one of the original it stands for."""

    text: str
    origin: tuple[int, ...]


def said(text: str, language: Language) -> Said:
    """Return how `text` is said; what no rule knows stays as it is."""
    out, origin, at, done = "", list[int](), 0, 0
    while at < len(text):
        spoken, end = _read(text, at, language)
        if spoken is None:
            at = end
            continue
        out += text[done:at]
        if language == "en":  # "MP3" is no word "MPthree"
            spoken = f"{' ' if out[-1:].isalnum() else ''}{spoken}"
            spoken += " " if text[end : end + 1].isalnum() else ""
        out += spoken
        # A word of several stands for a place between the first and the last letter read.
        origin += range(done, at)
        origin += [at + (end - at) * i // len(spoken) for i in range(len(spoken))]
        at = done = end
    return Said(out + text[done:], (*origin, *range(done, len(text))))


def _read(text: str, at: int, language: Language) -> tuple[str | None, int]:
    """Return what is said from `at` on, and where that ends; None where it stays."""
    for pattern, speak in _RULES[language]:
        if (found := pattern.match(text, at)) and found.end() > at:
            spoken = speak(found)
            if spoken is not None:
                return spoken, found.end()
    # Nothing begins inside a word or a number, so the rest of it is passed over.
    rest = _INSIDE.match(text, at)
    return None, rest.end() if rest else at + 1


_INSIDE = re.compile(r"[A-Za-z]+|\d+")
