"""What must not reach a voice, since it would be read out or break the library."""

import unicodedata

_UNSPOKEN = frozenset("*_`~|<>\\^")  # Markdown left in a reply would be read out: "asterisk"


def speakable(text: str) -> str:
    """Return `text`, of the same length, with what must not reach the voice made white space."""
    return "".join(" " if _unspoken(character) else character for character in text)


def _unspoken(character: str) -> bool:
    # Controls, lone surrogates and unassigned code points; pictures, which espeak-ng describes.
    return (
        character in _UNSPOKEN
        or unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn"}
        or "\u2600" <= character <= "\u27bf"
        or "\U0001f000" <= character <= "\U0001faff"
    )
