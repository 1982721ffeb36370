"""The alphabet of byte-level BPE: a printing letter for each of the 256 bytes.

Radford et al., "Language Models are Unsupervised Multitask Learners", 2019, and its code.
"""

_PRINTING = (*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100))
_OTHERS = tuple(byte for byte in range(0x100) if byte not in _PRINTING)

BYTE_OF: dict[str, int] = {chr(byte): byte for byte in _PRINTING} | {
    chr(0x100 + place): byte for place, byte in enumerate(_OTHERS)
}
"""The byte of each letter: a byte that prints is itself, the others are from U+0100 on."""

LETTER_OF: dict[int, str] = {byte: letter for letter, byte in BYTE_OF.items()}


def letters(text: str) -> str:
    """Return the UTF-8 of a text in letters."""
    return "".join(LETTER_OF[byte] for byte in text.encode())
