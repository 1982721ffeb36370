"""A text as it is said: what a written form stands for, and where each spoken letter comes from."""

from typing import NamedTuple

from edge_talker.messages import Language


class Said(NamedTuple):
    """A text in words, and for each of its code points the one of the original it stands for."""

    text: str
    origin: tuple[int, ...]


def said(text: str, language: Language) -> Said:
    """Return how `text` is said."""
    return Said(text, tuple(range(len(text))))
