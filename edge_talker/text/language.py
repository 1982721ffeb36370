"""Tells English from Chinese by the writing alone."""

import re

from edge_talker.messages import Language

HANZI = "㐀-䶿一-鿿豈-﫿"
"""Han characters, as the inside of a character class of `re`."""

HANZI_PATTERN = re.compile(f"[{HANZI}]")
_LATIN_WORD = re.compile(r"[A-Za-zÀ-ɏ]+")


def language_of(text: str) -> Language:
    """Return "zh" if `text` has at least as many Han characters as Latin words, else "en"."""
    hanzi = len(HANZI_PATTERN.findall(text))
    return "zh" if hanzi and hanzi >= len(_LATIN_WORD.findall(text)) else "en"
